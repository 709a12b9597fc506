// docs/metrics.md has a row for every metric that the programs serve, and no other row.
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

std::string read_text(const fs::path& path) {
  const Bytes content = read_file(path, 1U << 20U);
  return std::string(as_text(content));
}

void collect(const std::string& text, const std::regex& pattern, std::set<std::string>& out) {
  for (std::sregex_iterator at(text.begin(), text.end(), pattern), end; at != end; ++at) out.insert((*at)[1]);
}

// Every family has its name as a literal of its own.
std::set<std::string> served() {
  std::set<std::string> out;
  for (const char* folder : {"webhook", "agent"}) {
    for (const auto& entry : fs::directory_iterator(kSource / folder)) {
      if (entry.path().extension() == ".cpp")
        collect(read_text(entry.path()), std::regex(R"re("(nodeproof_[a-z0-9_]+)")re"), out);
    }
  }
  return out;
}

std::set<std::string> documented() {
  std::set<std::string> out;
  collect("\n" + read_text(kSource / "docs/metrics.md"), std::regex(R"(\n\| `(nodeproof_[a-z0-9_]+)` \|)"),
          out);
  return out;
}

TEST(MetricsPage, NamesEveryMetricAndNoOther) {
  ASSERT_FALSE(served().empty());
  EXPECT_EQ(documented(), served());
}

}  // namespace
}  // namespace nodeproof
