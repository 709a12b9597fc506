#include "agent/firmware.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "attest/event_log.hpp"
#include "base/file.hpp"
#include "base/unique_handle.hpp"
#include "tests/support/forge_event_log.hpp"
#include "tests/support/temporary_folder.hpp"

namespace nodeproof::agent {
namespace {

using testing::HasSubstr;

constexpr const char* kSecureBoot = "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
constexpr const char* kSetupMode = "SetupMode-8be4df61-93ca-11d2-aa0d-00e098032b8c";

// A folder laid out like /sys.
class FirmwareTest : public testing::Test {
 protected:
  FirmwareTest() {
    std::filesystem::create_directories(log_.parent_path());
    std::filesystem::create_directories(efivars_);
    put(lockdown_, "none [integrity] confidentiality\n");
    put(log_, as_text(forge::make_event_log().log));
    put(efivars_ / kSecureBoot, std::string_view("\x06\0\0\0\x01", 5));
    put(efivars_ / kSetupMode, std::string_view("\x06\0\0\0\0", 5));
  }

  static void put(const std::filesystem::path& path, std::string_view content) {
    write_file(path, as_bytes(content));
  }
  BootFacts read() const { return KernelFirmware({log_, efivars_, lockdown_}).read(); }
  void expect_no_log(std::string_view code, const char* detail) const {
    const BootFacts facts = read();
    EXPECT_EQ(facts.event_log, Bytes{});
    ASSERT_TRUE(facts.no_event_log);
    EXPECT_EQ(facts.no_event_log->code, code);
    EXPECT_THAT(facts.no_event_log->detail, HasSubstr(detail));
    EXPECT_THAT(facts.no_event_log->detail, HasSubstr(". Remedy: "));
  }

  test::TemporaryFolder sys_;
  std::filesystem::path log_ = sys_ / "kernel/security/tpm0/binary_bios_measurements";
  std::filesystem::path efivars_ = sys_ / "firmware/efi/efivars";
  std::filesystem::path lockdown_ = sys_ / "kernel/security/lockdown";
};

TEST_F(FirmwareTest, ReadsLogAndFacts) {
  const BootFacts facts = read();
  EXPECT_EQ(facts.event_log, forge::make_event_log().log);
  EXPECT_EQ(facts.no_event_log, std::nullopt);
  EXPECT_EQ(facts.efi, (wire::EfiFacts{true, false, "integrity"}));
}

// As a file of securityfs, a FIFO has no size to be asked for.
TEST_F(FirmwareTest, ReadsALogUntilItsEndWhateverItsSizeIsSaidToBe) {
  const Bytes log = forge::make_event_log().log;
  std::filesystem::remove(log_);
  ASSERT_EQ(::mkfifo(log_.c_str(), 0600), 0);
  std::thread kernel([&] {
    const UniqueFd fd(::open(log_.c_str(), O_WRONLY | O_CLOEXEC));
    EXPECT_EQ(::write(fd.get(), log.data(), 100), 100);
    EXPECT_EQ(::write(fd.get(), log.data() + 100, log.size() - 100), static_cast<ssize_t>(log.size() - 100));
  });
  EXPECT_EQ(read().event_log, log);
  kernel.join();
}

TEST_F(FirmwareTest, AnAbsentLogIsNoLog) {
  std::filesystem::remove_all(log_.parent_path());
  expect_no_log(kNoLog, "the kernel got no event log");
}

TEST_F(FirmwareTest, AnEmptyLogIsNoLog) {
  put(log_, "");
  expect_no_log(kNoLog, "is empty");
}

TEST_F(FirmwareTest, WithoutSecurityfsTheLogIsUnreadable) {
  std::filesystem::remove_all(sys_ / "kernel/security/tpm0");
  std::filesystem::remove(lockdown_);
  expect_no_log(kLogUnreadable, "securityfs is not mounted");
  std::filesystem::remove_all(sys_.path());
  expect_no_log(kLogUnreadable, "securityfs is not mounted");
}

TEST_F(FirmwareTest, WhatCannotBeReadIsUnreadable) {
  std::filesystem::remove(log_);
  std::filesystem::create_directory(log_);
  expect_no_log(kLogUnreadable, "Is a directory");
  EXPECT_EQ(read().efi.secure_boot, true);
}

TEST_F(FirmwareTest, ALogAboveTheLimitIsTooLarge) {
  put(log_, std::string(attest::kMaxEventLog, 'x'));
  EXPECT_EQ(read().event_log.size(), attest::kMaxEventLog);
  put(log_, std::string(attest::kMaxEventLog + 1, 'x'));
  expect_no_log(kLogTooLarge, "is larger than 1048576 bytes");
}

TEST_F(FirmwareTest, ALogThatDoesNotPackIsTooLarge) {
  std::string noise;
  for (std::uint64_t x = 1; noise.size() < wire::kMaxPackedEventLog; x = x * 6364136223846793005U + 1)
    noise.push_back(static_cast<char>(x >> 56U));
  put(log_, noise);
  expect_no_log(kLogTooLarge, "when packed, NodeEvidence takes 262144");
}

TEST_F(FirmwareTest, FactsThatCannotBeHadAreAbsent) {
  put(efivars_ / kSecureBoot, "\x06");
  std::filesystem::remove(efivars_ / kSetupMode);
  put(lockdown_, "none integrity\n");
  const BootFacts facts = read();
  EXPECT_EQ(facts.efi, wire::EfiFacts{});
  EXPECT_FALSE(facts.event_log.empty());
  std::filesystem::remove_all(efivars_);
  EXPECT_EQ(read().efi, wire::EfiFacts{});
}

TEST(EfiFlag, IsFiveBytesOfWhichTheLastSaysIt) {
  EXPECT_EQ(parse_efi_flag(Bytes{6, 0, 0, 0, 0}, "f").value(), false);
  EXPECT_EQ(parse_efi_flag(Bytes{7, 1, 2, 3, 1}, "f").value(), true);
  for (std::size_t size : {0U, 1U, 4U, 6U}) {
    const auto flag = parse_efi_flag(Bytes(size), "f");
    ASSERT_FALSE(flag) << size;
    EXPECT_EQ(flag.error().where, "f");
  }
  for (unsigned value = 2; value < 256; ++value) {
    const auto flag = parse_efi_flag(Bytes{6, 0, 0, 0, static_cast<std::uint8_t>(value)}, "f");
    ASSERT_FALSE(flag) << value;
    EXPECT_THAT(flag.error().detail, HasSubstr("at byte 4"));
  }
}

TEST(Lockdown, IsTheWordInBrackets) {
  EXPECT_EQ(parse_lockdown("[none] integrity confidentiality\n", "f").value(), "none");
  EXPECT_EQ(parse_lockdown("none [integrity] confidentiality", "f").value(), "integrity");
  EXPECT_EQ(parse_lockdown("none integrity [confidentiality]\n", "f").value(), "confidentiality");
  for (const char* text : {"", "none", "[none", "none]", "]none[", "[]", "[full]", "[none] [integrity]",
                           "[[none]]", "[none] ]", "[None]"}) {
    const auto level = parse_lockdown(text, "f");
    ASSERT_FALSE(level) << text;
    EXPECT_EQ(level.error().where, "f");
  }
}

}  // namespace
}  // namespace nodeproof::agent
