// As forge_test: a forged log must be right where nobody asked for a fault.
#include "tests/support/forge_event_log.hpp"
#include "base/or_throw.hpp"

#include <gtest/gtest.h>

#include <set>

namespace nodeproof::forge {
namespace {

// Types whose digest is over the data on any firmware (azure-evidence 8.3).
constexpr std::uint32_t kOverData[] = {attest::kEvSeparator, attest::kEvEfiVariableDriverConfig,
                                       attest::kEvEfiVariableBoot2, attest::kEvEfiVariableAuthority};

std::set<unsigned> differing(const attest::PcrValues& a, const attest::PcrValues& b) {
  std::set<unsigned> out;
  for (const auto& [pcr, value] : a) {
    if (value != b.at(pcr)) out.insert(pcr);
  }
  return out;
}

attest::EventLog parsed(const ForgedEventLog& forged) {
  return or_throw(attest::parse_event_log(forged.log));
}

std::vector<std::string> policy_of(const EventLogOptions& options) {
  std::vector<std::string> names;
  for (const attest::LogEvent& event : parsed(make_event_log(options)).events) {
    if (event.pcr != 7) continue;
    names.push_back(event.type == attest::kEvSeparator
                        ? "separator"
                        : attest::parse_uefi_variable(event.data).value().name);
  }
  return names;
}

TEST(ForgedEventLog, IsACryptoAgileLogOfOneBank) {
  const ForgedEventLog forged = make_event_log();
  const attest::EventLog log = parsed(forged);
  ASSERT_TRUE(log.spec_id);
  EXPECT_EQ(log.padding_size, 0U);
  ASSERT_EQ(log.events.size(), forged.extends.size());
  for (std::size_t i = 0; i < log.events.size(); ++i) {
    const attest::LogEvent& event = log.events[i];
    ASSERT_EQ(event.digests.size(), 1U);
    EXPECT_EQ(event.pcr, forged.extends[i].pcr);
    EXPECT_EQ(event.digests[0].digest, to_bytes(forged.extends[i].digest));
    if (std::find(std::begin(kOverData), std::end(kOverData), event.type) != std::end(kOverData)) {
      EXPECT_EQ(event.digests[0].digest, to_bytes(attest::sha256(event.data))) << i;
    }
  }
}

TEST(ForgedEventLog, LeavesThePcrsOfAnAzureVm) {
  const attest::PcrValues pcrs = make_event_log().pcrs;
  EXPECT_EQ(pcrs.size(), attest::kPcrCount);
  EXPECT_EQ(pcrs.at(6), attest::vm_id_pcr6(kVmId, true));
  EXPECT_EQ(make_event_log({.with_architecture_event = false}).pcrs.at(6), attest::vm_id_pcr6(kVmId, false));
  EXPECT_EQ(to_hex(pcrs.at(2)), "3d458cfe55cc03ea1f443f1562beec8df51c75e14a9fcf9a7234a13f198e7969");
  EXPECT_EQ(pcrs.at(2), pcrs.at(3));
  for (const unsigned pcr : {0U, 1U, 4U, 5U, 7U, 8U, 9U, 14U}) EXPECT_NE(pcrs.at(pcr), pcrs.at(2)) << pcr;
  for (const unsigned pcr : {10U, 11U, 16U, 23U}) EXPECT_TRUE(all_zero(pcrs.at(pcr))) << pcr;
  for (const unsigned pcr : {17U, 22U}) EXPECT_EQ(to_hex(pcrs.at(pcr)), std::string(64, 'f')) << pcr;
}

TEST(ForgedEventLog, TellsOfSecureBoot) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(policy_of({}),
            (Names{"SecureBoot", "PK", "KEK", "db", "dbx", "separator", "db", "SbatLevel", "Shim"}));
  EXPECT_EQ(policy_of({.secure_boot = false}),
            (Names{"SecureBoot", "PK", "KEK", "db", "dbx", "separator", "SbatLevel"}));
  const attest::EventLog on = parsed(make_event_log());
  const auto first = std::find_if(on.events.begin(), on.events.end(),
                                  [](const attest::LogEvent& event) { return event.pcr == 7; });
  EXPECT_EQ(attest::parse_uefi_variable(first->data).value().guid, "8be4df61-93ca-11d2-aa0d-00e098032b8c");
  EXPECT_EQ(attest::parse_uefi_variable(first->data).value().data, Bytes{1});
}

TEST(ForgedEventLog, EachOptionMovesItsPcrsAlone) {
  const attest::PcrValues usual = make_event_log().pcrs;
  const std::string other_vm = "11111111-2222-4333-8444-555555555555";
  EXPECT_EQ(differing(usual, make_event_log({.vm_id = other_vm}).pcrs), std::set<unsigned>{6});
  EXPECT_EQ(differing(usual, make_event_log({.secure_boot = false}).pcrs), std::set<unsigned>{7});
  EXPECT_EQ(differing(usual, make_event_log({.kernel = "another"}).pcrs), (std::set<unsigned>{4, 9}));
  EXPECT_EQ(differing(usual, make_event_log({.command_line = "ro"}).pcrs), std::set<unsigned>{8});
  EXPECT_EQ(
      differing(
          usual,
          make_event_log({.edit = [](attest::EventLog& log) { log.events.erase(log.events.begin()); }}).pcrs),
      std::set<unsigned>{0});
}

TEST(ForgedEventLog, ALogOfAnotherKernelTellsTheSameStory) {
  const attest::EventLog usual = parsed(make_event_log());
  const attest::EventLog other = parsed(make_event_log({.kernel = "another"}));
  ASSERT_EQ(usual.events.size(), other.events.size());
  for (std::size_t i = 0; i < usual.events.size(); ++i) EXPECT_EQ(usual.events[i].data, other.events[i].data);
}

TEST(ForgedEventLog, EventsThatExtendNothingAreNoExtends) {
  const auto with_remark = make_event_log({.edit = [](attest::EventLog& log) {
    log.events.insert(log.events.begin(),
                      {0, 0, attest::kEvNoAction, {{attest::kTpmAlgSha256, Bytes(32)}}, {}});
  }});
  EXPECT_EQ(parsed(with_remark).events.size(), with_remark.extends.size() + 1);
  EXPECT_EQ(with_remark.pcrs, make_event_log().pcrs);
}

}  // namespace
}  // namespace nodeproof::forge
