#include "cli/printable.hpp"

#include <gtest/gtest.h>

namespace nodeproof::cli {
namespace {

TEST(Printable, NothingSteersATerminal) {
  EXPECT_EQ(printable("plain text, äöü, 漢字"), "plain text, äöü, 漢字");
  EXPECT_EQ(printable("a\x1b[31mred\nb\x7f"), "a?[31mred?b?");
  EXPECT_EQ(printable("\xC2\x9B"
                      "31m"),
            "?31m");  // C1 CSI
  EXPECT_EQ(printable("\xE2\x80\xAE"
                      "gpj.exe"),
            "?gpj.exe");                                     // right-to-left override
  EXPECT_EQ(printable("\xE2\x81\xA6x\xE2\x80\x8F"), "?x?");  // isolate, mark
  EXPECT_EQ(printable("\xE2\x82\xAC"), "\xE2\x82\xAC");      // the euro sign stays
  EXPECT_EQ(printable(std::string(2 * kMaxText, 'a')).size(), kMaxText);
}

}  // namespace
}  // namespace nodeproof::cli
