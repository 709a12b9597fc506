#include "cli/description.hpp"

#include <cpprest/json.h>

#include <algorithm>
#include <cstdio>
#include <iomanip>
#include <ostream>

#include "cli/printable.hpp"
#include "wire/utf8.hpp"

namespace nodeproof::cli {
namespace {

using web::json::value;

constexpr const char* kNothingVerified =
    "Nothing is verified: anybody can write a file that says this. To verify it, see nodeproof verify "
    "--help.";

constexpr std::size_t kMaxJsonText = 1U << 20U;

value text(std::string_view content) {
  return value::string(wire::valid_utf8(content, kMaxJsonText));
}

bool is_list(const std::vector<Item>& items) {
  return !items.empty() &&
         std::all_of(items.begin(), items.end(), [](const Item& item) { return item.name.empty(); });
}

value to_value(const std::vector<Item>& items);

value to_value(const Item& item) {
  return item.items.empty() ? text(item.text) : to_value(item.items);
}

value to_value(const std::vector<Item>& items) {
  if (is_list(items)) {
    std::vector<value> out;
    for (const Item& item : items) out.push_back(to_value(item));
    return value::array(std::move(out));
  }
  value out = value::object();
  for (const Item& item : items) out[wire::valid_utf8(item.name, kMaxText)] = to_value(item);
  return out;
}

std::size_t name_width(const std::vector<Item>& items) {
  constexpr std::size_t kWidest = 28;
  std::size_t width = 0;
  for (const Item& item : items) width = std::max(width, item.name.size());
  return std::min(width, kWidest);
}

void print_row(std::ostream& out, const Item& row) {
  const char* between = "";
  for (const Item& cell : row.items) {
    out << between << printable(cell.text);
    between = "  ";
  }
  out << '\n';
}

void print_items(std::ostream& out, const std::vector<Item>& items, std::size_t depth) {
  const std::string indent(2 * depth, ' ');
  const std::size_t width = name_width(items);
  std::size_t number = 0;
  for (const Item& item : items) {
    ++number;
    out << indent;
    if (item.row) {
      print_row(out, item);
      continue;
    }
    const std::string name = item.name.empty() ? "#" + std::to_string(number) : printable(item.name);
    if (item.items.empty()) {
      out << std::left << std::setw(static_cast<int>(width)) << name << std::right << "  "
          << printable(item.text) << '\n';
      continue;
    }
    out << name << ":\n";
    print_items(out, item.items, depth + 1);
  }
}

}  // namespace

std::string hex_number(std::uint64_t value, int digits) {
  char out[32];
  (void)std::snprintf(out, sizeof out, "0x%0*llx", digits, static_cast<unsigned long long>(value));
  return out;
}

void print_description(std::ostream& out, const Description& description) {
  if (description.problems.empty()) {
    out << description.title << '\n';
  } else {
    out << "Looks like: " << description.title << ", but:\n";
    for (const std::string& problem : description.problems) out << "  " << printable(problem) << '\n';
  }
  out << kNothingVerified << "\n\n";
  print_items(out, description.items, 1);
}

void print_description_json(std::ostream& out, const Description& description) {
  value root = value::object();
  root["kind"] = text(description.kind);
  root["title"] = text(description.title);
  root["verified"] = value::boolean(false);
  std::vector<value> problems;
  for (const std::string& problem : description.problems) problems.push_back(text(problem));
  root["problems"] = value::array(std::move(problems));
  root["fields"] = description.items.empty() ? value::object() : to_value(description.items);
  out << root.serialize() << '\n';
}

}  // namespace nodeproof::cli
