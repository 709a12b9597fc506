#include "base/file.hpp"

#include <gtest/gtest.h>

#include <system_error>

#include "tests/support/temporary_folder.hpp"

namespace nodeproof {
namespace {

class FileTest : public testing::Test {
 protected:
  test::TemporaryFolder folder_;
};

TEST_F(FileTest, ReplacesInOneStepAndReadsBack) {
  const auto path = folder_ / "value";
  write_file(path, as_bytes("one"));
  write_file(path, as_bytes("two"), 0600);
  EXPECT_EQ(as_text(read_file(path, 10)), "two");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.path()), {}), 1);
}

TEST_F(FileTest, HoldsTheLimit) {
  const auto path = folder_ / "value";
  write_file(path, as_bytes("12345"));
  EXPECT_EQ(read_file(path, 5).size(), 5U);
  EXPECT_THROW(read_file(path, 4), std::length_error);
}

TEST_F(FileTest, TellsAbsentFromUnreadable) {
  EXPECT_FALSE(read_file_if_exists(folder_ / "none", 10));
  EXPECT_THROW(read_file(folder_ / "none", 10), std::system_error);
  EXPECT_THROW(read_file_if_exists(folder_.path(), 10), std::system_error);
}

TEST(PseudoFile, IsReadToItsEndAlthoughItsSizeIsZero) {
  EXPECT_EQ(read_file("/proc/sys/kernel/random/boot_id", 100).size(), 37U);
}

}  // namespace
}  // namespace nodeproof
