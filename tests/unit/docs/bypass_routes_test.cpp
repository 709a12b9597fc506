// docs/bypass-routes.md has a row for every way round the gate, and the tests that a row names exist and run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <regex>
#include <set>
#include <sstream>

#include "base/file.hpp"

namespace nodeproof {
namespace {

namespace fs = std::filesystem;

const fs::path kSource = NODEPROOF_SOURCE_DIR;
constexpr int kKnownRoutes = 22;  // those that the facts about Kubernetes list; more may follow

std::string read_text(const fs::path& path) {
  const Bytes content = read_file(path, 1U << 20U);
  return std::string(as_text(content));
}

struct Route {
  int number = 0;
  std::string closing;
  std::string shown_by;
};

std::vector<std::string> cells_of(const std::string& line) {
  std::istringstream stream(line.substr(1));
  std::vector<std::string> out;
  for (std::string cell; std::getline(stream, cell, '|');) out.push_back(cell);
  return out;
}

std::vector<Route> routes() {
  std::istringstream lines(read_text(kSource / "docs/bypass-routes.md"));
  std::vector<Route> out;
  const std::regex numbered(R"(^\| [0-9]+ \|.*)");
  for (std::string line; std::getline(lines, line);) {
    if (!std::regex_match(line, numbered)) continue;
    const auto cells = cells_of(line);
    EXPECT_EQ(cells.size(), 4U) << line;
    if (cells.size() == 4) out.push_back({std::stoi(cells[0]), cells[2], cells[3]});
  }
  return out;
}

// What matches the pattern's first group, in order.
std::vector<std::string> all_matches(const std::string& text, const std::regex& pattern) {
  std::vector<std::string> out;
  for (std::sregex_iterator at(text.begin(), text.end(), pattern), end; at != end; ++at)
    out.push_back((*at)[1]);
  return out;
}

std::vector<std::string> names_in(const std::string& cell) {
  return all_matches(cell, std::regex("`([^`]+)`"));
}

std::set<std::string> defined_in(const fs::path& folder, std::string_view extension,
                                 const std::regex& definition) {
  std::set<std::string> out;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != extension) continue;
    for (std::string& name : all_matches(read_text(entry.path()), definition)) out.insert(std::move(name));
  }
  return out;
}

// Cases that are defined and that e2e_test runs.
std::set<std::string> end_to_end_cases() {
  const auto defined = defined_in(kSource / "tests/e2e", ".sh", std::regex(R"(case_([a-z0-9_]+)\(\) \{)"));
  const std::string script = read_text(kSource / "tests/e2e/e2e_test");
  const std::size_t begin = script.find("\ncases=(\n");
  const std::string list = script.substr(begin, script.find("\n)\n", begin) + 1 - begin);
  std::set<std::string> out;
  for (std::string& name : all_matches(list, std::regex(R"(\s([a-z0-9_]+)(?=\s))"))) {
    if (defined.contains(name)) out.insert(std::move(name));
  }
  return out;
}

// "Suite.Test" of every test under tests/unit.
std::set<std::string> unit_tests() {
  std::set<std::string> out;
  for (std::string name :
       defined_in(kSource / "tests/unit", ".cpp", std::regex(R"(\nTEST(?:_F|_P)?\((\w+, \w+)\))"))) {
    out.insert(name.replace(name.find(", "), 2, "."));
  }
  return out;
}

TEST(BypassRoutes, HasARowForEveryRoute) {
  std::vector<int> numbers;
  for (const Route& route : routes()) numbers.push_back(route.number);
  ASSERT_GE(numbers.size(), static_cast<std::size_t>(kKnownRoutes));
  for (std::size_t i = 0; i < numbers.size(); ++i) EXPECT_EQ(numbers[i], static_cast<int>(i) + 1);
}

TEST(BypassRoutes, EveryRowNamesTestsThatExist) {
  const auto cases = end_to_end_cases();
  const auto units = unit_tests();
  ASSERT_TRUE(cases.contains("nodes_prove_themselves"));
  for (const Route& route : routes()) {
    for (const std::string& name : names_in(route.shown_by)) {
      EXPECT_TRUE(cases.contains(name) || units.contains(name))
          << "row " << route.number << " names " << name << ", which is no test";
    }
  }
}

// A row without a test says plainly that there is nothing to show.
TEST(BypassRoutes, ARowWithoutATestSaysWhyThereIsNone) {
  for (const Route& route : routes()) {
    if (!names_in(route.shown_by).empty()) continue;
    EXPECT_THAT(route.shown_by, testing::StrEq(" none ")) << "row " << route.number;
    EXPECT_THAT(route.closing, testing::HasSubstr("cannot be closed")) << "row " << route.number;
  }
}

TEST(BypassRoutes, WhatCannotBeClosedStandsInLimitations) {
  const std::string limitations = read_text(kSource / "LIMITATIONS.md");
  int open = 0;
  for (const Route& route : routes()) {
    if (route.closing.find("cannot be closed") == std::string::npos) continue;
    ++open;
    EXPECT_THAT(limitations, testing::HasSubstr("(route " + std::to_string(route.number) + ")"));
  }
  EXPECT_GT(open, 0);
}

}  // namespace
}  // namespace nodeproof
