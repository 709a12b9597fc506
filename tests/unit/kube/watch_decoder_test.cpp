#include "kube/watch_decoder.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace nodeproof::kube {
namespace {

std::vector<std::string> drain(WatchLineSplitter& splitter) {
  std::vector<std::string> lines;
  while (const auto line = splitter.next()) lines.emplace_back(*line);
  return lines;
}

using Lines = std::vector<std::string>;

TEST(WatchLineSplitter, LinesDoNotDependOnHowBytesArrive) {
  const std::string stream = "{\"a\":1}\n\n{\"b\":\"\xE2\x82\xAC\"}\n{}\nrest";
  const Lines expected{"{\"a\":1}", "{\"b\":\"\xE2\x82\xAC\"}", "{}"};
  for (std::size_t step = 1; step <= stream.size(); ++step) {
    WatchLineSplitter splitter(100);
    Lines lines;
    for (std::size_t at = 0; at < stream.size(); at += step) {
      ASSERT_TRUE(splitter.feed(std::string_view(stream).substr(at, step)));
      for (std::string& line : drain(splitter)) lines.push_back(std::move(line));
    }
    EXPECT_EQ(lines, expected) << "in pieces of " << step;
  }
}

TEST(WatchLineSplitter, LinesMayBeTakenLater) {
  WatchLineSplitter splitter(100);
  ASSERT_TRUE(splitter.feed("one\ntwo\nth"));
  EXPECT_EQ(splitter.next(), "one");
  ASSERT_TRUE(splitter.feed("ree\n"));
  EXPECT_EQ(drain(splitter), (Lines{"two", "three"}));
  EXPECT_EQ(splitter.next(), std::nullopt);
}

TEST(WatchLineSplitter, TheLimitIsForOneLine) {
  const std::string ten(10, 'x');
  WatchLineSplitter splitter(10);
  EXPECT_TRUE(splitter.feed(ten + "\n" + ten + "\n" + ten));
  EXPECT_EQ(drain(splitter), (Lines{ten, ten}));
  EXPECT_TRUE(splitter.feed("\n"));
  EXPECT_EQ(drain(splitter), Lines{ten});

  const auto whole = WatchLineSplitter(10).feed(ten + "x\n");
  ASSERT_FALSE(whole);
  EXPECT_EQ(whole.error().code, Errc::kTooLarge);
  // A line that never ends is noticed before its newline comes.
  EXPECT_FALSE(WatchLineSplitter(10).feed("a\n" + ten + "x"));
}

}  // namespace
}  // namespace nodeproof::kube
