// What `nodeproof inspect` says of one file: its kind, what is wrong with it, and its fields as a
// tree. Values only; how they are shown is print_description's business.
#pragma once

#include <iosfwd>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.hpp"

namespace nodeproof::cli {

// A leaf (name and text) or a branch (name and items). Items without a name are those of a list.
// Texts come from the file as they are: printing makes them fit for a terminal.
struct Item {
  std::string name;
  std::string text;
  std::vector<Item> items;
  bool row = false;  // a branch of leaves that a person reads on one line

  Item(std::string item_name, std::string item_text)
      : name(std::move(item_name)), text(std::move(item_text)) {}
  Item(std::string item_name, std::vector<Item> children)
      : name(std::move(item_name)), items(std::move(children)) {}
};

struct Description {
  std::string kind;   // a short stable word for programs: "snp-report"
  std::string title;  // for people: "AMD SEV-SNP attestation report"
  // Why the file is not what it looks like; each names the place. Empty: it parsed.
  std::vector<std::string> problems;
  std::vector<Item> items;

  void add(std::string name, std::string text) { items.emplace_back(std::move(name), std::move(text)); }
  void add(std::string name, std::uint64_t number) { add(std::move(name), std::to_string(number)); }
  void add_hex(std::string name, ByteView bytes) {
    add(std::move(name), bytes.empty() ? "(empty)" : to_hex(bytes));
  }
  void add(std::string name, std::vector<Item> children) {
    items.emplace_back(std::move(name), std::move(children));
  }
  void add_problem(const Error& error) { problems.push_back(to_string(error)); }
};

// "0x00000003"
std::string hex_number(std::uint64_t value, int digits);

void print_description(std::ostream& out, const Description& description);
void print_description_json(std::ostream& out, const Description& description);

}  // namespace nodeproof::cli
