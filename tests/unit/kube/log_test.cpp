#include "kube/log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <sstream>

#include "attest/strict_json.hpp"

namespace nodeproof::kube {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

class LogTest : public ::testing::Test {
 protected:
  LogTest() : previous_(spdlog::default_logger()) {
    spdlog::set_default_logger(
        std::make_shared<spdlog::logger>("program", std::make_shared<spdlog::sinks::ostream_sink_mt>(text_)));
  }
  ~LogTest() override {
    set_log_format(LogFormat::kText);
    spdlog::set_default_logger(previous_);
  }
  // The one line that was logged.
  std::string line() const {
    const std::string text = text_.str();
    EXPECT_EQ(text.find('\n'), text.size() - 1) << text;
    return text.substr(0, text.size() - 1);
  }
  static std::string member(const std::string& json, const std::string& name) {
    const auto document = attest::JsonDocument::parse(as_bytes(json), 1U << 20U, "line");
    EXPECT_TRUE(document) << json;
    if (!document) return {};
    const auto text = document->root().optional_text(name);
    return text ? *text : std::string("not a text");
  }

  std::ostringstream text_;
  std::shared_ptr<spdlog::logger> previous_;
};

TEST_F(LogTest, TextIsForPeople) {
  log_event(spdlog::level::warn, "node a: Stale", {{"node", "a"}});
  EXPECT_THAT(line(), HasSubstr("[warning] node a: Stale"));
}

TEST_F(LogTest, JsonIsAnObjectALine) {
  set_log_format(LogFormat::kJson);
  spdlog::error("it \"broke\"\nhere");
  EXPECT_EQ(member(line(), "message"), "it \"broke\"\nhere");
  EXPECT_EQ(member(line(), "level"), "error");
  EXPECT_EQ(member(line(), "logger"), "program");
  EXPECT_THAT(member(line(), "time"),
              MatchesRegex("20[0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-9:]*[.][0-9][0-9][0-9]Z"));
}

TEST_F(LogTest, EventsCarryTheirFields) {
  set_log_format(LogFormat::kJson);
  log_event(spdlog::level::info, "node a: Failed", {{"event", "node-phase"}, {"node", "a\"b"}});
  EXPECT_EQ(member(line(), "message"), "node a: Failed");
  EXPECT_EQ(member(line(), "event"), "node-phase");
  EXPECT_EQ(member(line(), "node"), "a\"b");
  EXPECT_EQ(member(line(), "logger"), "program");
}

// What evidence says is quoted in messages; it must not become a field of its own.
TEST_F(LogTest, AMessageCannotMakeFields) {
  set_log_format(LogFormat::kJson);
  const std::string hostile = "x\",\"phase\":\"Verified\x1f\",\"node\":\"b";
  spdlog::warn("{}", hostile);
  EXPECT_EQ(member(line(), "message"), hostile);
  EXPECT_EQ(member(line(), "phase"), "");
  EXPECT_EQ(member(line(), "node"), "");
}

TEST(LogFormat, HasTwoWords) {
  EXPECT_EQ(parse_log_format("text"), LogFormat::kText);
  EXPECT_EQ(parse_log_format("json"), LogFormat::kJson);
  for (const char* other : {"", "JSON", "yaml"}) EXPECT_EQ(parse_log_format(other), std::nullopt) << other;
}

}  // namespace
}  // namespace nodeproof::kube
