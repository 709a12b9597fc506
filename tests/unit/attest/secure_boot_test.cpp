// The grammar of PCR 7 (number 13): each of its clauses broken once, with digests that fit unless the digest
// is the point.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "attest/boot_log.hpp"
#include "tests/support/event_log_parts.hpp"

namespace nodeproof::attest {
namespace {

using forge::kGlobalVariable;
using forge::kImageSecurity;
using forge::kShim;
using forge::make_authority;
using forge::make_event;
using forge::make_separator;
using forge::make_variable;
using testing::HasSubstr;
using Events = std::vector<LogEvent>;

// Places of make_secure_boot_events.
enum Place { kSecureBoot, kPk, kKek, kDb, kDbx, kSeparator, kAuthority, kSbat };

const Bytes kKey(40, 0xA1);

SecureBootVerdict judged(Events events, std::uint16_t bank = kTpmAlgSha256) {
  return judge_secure_boot(forge::log_of(std::move(events)), bank);
}

struct Bend {
  const char* name;
  std::function<void(Events&)> bend;
  SecureBootState state;
  const char* reason;  // a part of it
};

void expect_each(const std::vector<Bend>& bends) {
  for (const Bend& one : bends) {
    Events events = forge::make_secure_boot_events();
    one.bend(events);
    for (const std::uint16_t bank : {kTpmAlgSha256, kTpmAlgSha384}) {
      const SecureBootVerdict verdict = judged(events, bank);
      EXPECT_EQ(to_string(verdict.state), to_string(one.state)) << one.name << ": " << verdict.reason;
      EXPECT_THAT(verdict.reason, HasSubstr(one.reason)) << one.name;
    }
  }
}

auto replaced(Place place, LogEvent with) {
  return [=](Events& events) { events[place] = with; };
}
auto inserted(Place before, LogEvent event) {
  return [=](Events& events) { events.insert(events.begin() + before, event); };
}
auto added(LogEvent event) {
  return [=](Events& events) { events.push_back(event); };
}
auto removed(Place place) {
  return [=](Events& events) { events.erase(events.begin() + place); };
}
// Data changed under digests that stay.
auto with_other_data(Place place, std::function<void(Bytes&)> edit) {
  return [=](Events& events) { edit(events[place].data); };
}
void flip_last(Bytes& data) {
  data.back() ^= 1U;
}

LogEvent dma_protection() {
  return make_event(7, kEvEfiAction, "DMA Protection Disabled");
}

// An authority as older shims log it: a byte more than was measured.
LogEvent with_byte_more(LogEvent event) {
  event.data.push_back(0);
  return event;
}

TEST(SecureBoot, IsEnabledByTheWholeGrammar) {
  const SecureBootVerdict verdict = judged(forge::make_secure_boot_events());
  EXPECT_EQ(verdict.state, SecureBootState::kEnabled);
  EXPECT_EQ(verdict.reason, "");
}

TEST(SecureBoot, WhatTheGrammarAllows) {
  const auto kEnabled = SecureBootState::kEnabled;
  const auto kDisabled = SecureBootState::kDisabled;
  expect_each({
      {"off", replaced(kSecureBoot, make_variable(kGlobalVariable, "SecureBoot", Bytes{0})), kDisabled, ""},
      {"no variable", replaced(kSecureBoot, make_variable(kGlobalVariable, "SecureBoot", {})), kDisabled, ""},
      {"off without keys",
       [](Events& events) {
         events[kSecureBoot] = make_variable(kGlobalVariable, "SecureBoot", Bytes{0});
         events[kPk] = make_variable(kGlobalVariable, "PK", {});
         events[kKek] = make_variable(kGlobalVariable, "KEK", {});
         events[kDb] = make_variable(kImageSecurity, "db", {});
         events.resize(kSeparator + 1);
       },
       kDisabled, ""},
      {"one authority, of shim", removed(kAuthority), kEnabled, ""},
      {"authority before the separator", inserted(kSeparator, make_authority(kImageSecurity, "db", kKey)),
       kEnabled, ""},
      {"dbt and DeployedMode",
       [](Events& events) {
         inserted(kSeparator, make_variable(kImageSecurity, "dbt", {}))(events);
         events.insert(events.begin() + kSeparator + 1,
                       make_variable(kGlobalVariable, "DeployedMode", Bytes{1}));
       },
       kEnabled, ""},
      {"what is no measurement", inserted(kPk, make_event(7, kEvNoAction, "anything")), kEnabled, ""},
      {"other PCRs", inserted(kPk, make_event(1, kEvEfiVariableDriverConfig, "anything")), kEnabled, ""},
      {"DMA open", inserted(kSeparator, dma_protection()), kEnabled, "EFI_ACTION DMA Protection Disabled"},
      {"an old shim", added(with_byte_more(make_authority(kShim, "Shim", kKey))), kEnabled,
       "authority digest covers event data minus its last byte (old shim): event 9"},
  });
}

TEST(SecureBoot, WhatBreaksTheGrammarIsUnprovable) {
  const auto kUnprovable = SecureBootState::kUnprovable;
  const auto variable = [](std::string_view guid, std::string_view name, Bytes data) {
    return make_variable(guid, name, data);
  };
  expect_each({
      {"no separator", removed(kSeparator), kUnprovable, "no PCR 7 separator"},
      {"two separators", added(make_separator(7)), kUnprovable, "event 9: is a second separator"},
      {"an error separator", replaced(kSeparator, make_event(7, kEvSeparator, Bytes{1, 0, 0, 0})),
       kUnprovable, "the separator is 01000000"},
      {"all ones", replaced(kSeparator, make_event(7, kEvSeparator, Bytes(4, 0xFF))), kUnprovable,
       "ffffffff"},
      {"a long separator", replaced(kSeparator, make_event(7, kEvSeparator, Bytes(8))), kUnprovable,
       "the separator is 0000000000000000"},
      {"no SecureBoot", removed(kSecureBoot), kUnprovable, "PK is measured twice or out of order"},
      {"no PK", removed(kPk), kUnprovable, "KEK is measured twice or out of order"},
      {"no KEK", removed(kKek), kUnprovable, "db is measured twice or out of order"},
      {"no db", removed(kDb), kUnprovable, "dbx is measured twice or out of order"},
      {"no dbx", removed(kDbx), kUnprovable, "PCR 7 has no dbx before its separator"},
      {"SecureBoot twice", inserted(kPk, variable(kGlobalVariable, "SecureBoot", {1})), kUnprovable,
       "event 2: SecureBoot is measured twice"},
      {"SecureBoot twice, late", inserted(kSeparator, variable(kGlobalVariable, "SecureBoot", {0})),
       kUnprovable, "event 6: SecureBoot is measured twice"},
      {"dbt twice",
       [&](Events& events) {
         inserted(kSeparator, variable(kImageSecurity, "dbt", {}))(events);
         inserted(kSeparator, variable(kImageSecurity, "dbt", {}))(events);
       },
       kUnprovable, "dbt is measured twice"},
      {"dbt too early", inserted(kDb, variable(kImageSecurity, "dbt", {})), kUnprovable,
       "dbt is measured twice or out of order"},
      {"swapped", [](Events& events) { std::swap(events[kPk], events[kKek]); }, kUnprovable, "out of order"},
      {"another GUID", replaced(kSecureBoot, variable(kImageSecurity, "SecureBoot", {1})), kUnprovable,
       "is no variable of PCR 7"},
      {"another GUID of db", replaced(kDb, variable(kGlobalVariable, "db", {1})), kUnprovable,
       "is no variable of PCR 7"},
      {"another variable", inserted(kSeparator, variable(kGlobalVariable, "Vendor", {1})), kUnprovable,
       "Vendor-8be4df61-93ca-11d2-aa0d-00e098032b8c is no variable of PCR 7"},
      {"a variable late", added(variable(kImageSecurity, "dbr", {})), kUnprovable,
       "dbr is measured after the separator"},
      {"SecureBoot 2", replaced(kSecureBoot, variable(kGlobalVariable, "SecureBoot", {2})), kUnprovable,
       "SecureBoot holds 02"},
      {"SecureBoot of two bytes", replaced(kSecureBoot, variable(kGlobalVariable, "SecureBoot", {1, 0})),
       kUnprovable, "SecureBoot holds 0100"},
      {"an empty PK", replaced(kPk, variable(kGlobalVariable, "PK", {})), kUnprovable, "without keys in PK"},
      {"an empty KEK", replaced(kKek, variable(kGlobalVariable, "KEK", {})), kUnprovable,
       "without keys in KEK"},
      {"an empty db", replaced(kDb, variable(kImageSecurity, "db", {})), kUnprovable, "without keys in db"},
      {"no authority", [](Events& events) { events.resize(kAuthority); }, kUnprovable, "no authority"},
      {"a debugger", inserted(kSecureBoot, make_event(7, kEvEfiAction, "UEFI Debug Mode")), kUnprovable,
       "the action \"UEFI Debug Mode\""},
      {"another action", added(make_event(7, kEvEfiAction, "Anything")), kUnprovable, "\"Anything\""},
      {"another type", added(make_event(7, kEvIpl, "x")), kUnprovable, "event 9: is of a type that PCR 7"},
      {"an unknown type", added(make_event(7, 0x8401, "x")), kUnprovable, "event 9: is of a type that PCR 7"},
      {"no variable", replaced(kPk, make_event(7, kEvEfiVariableDriverConfig, "PK")), kUnprovable,
       "event 2: uefi_variable.VariableName"},
      {"an authority that is no variable", added(make_event(7, kEvEfiVariableAuthority, "db")), kUnprovable,
       "event 9: uefi_variable.VariableName"},
  });
}

TEST(SecureBoot, DataCountsOnlyWhereTheDigestCoversIt) {
  const auto kUnprovable = SecureBootState::kUnprovable;
  const auto a_byte_more = [](Bytes& data) { data.push_back(0); };
  expect_each({
      {"SecureBoot", with_other_data(kSecureBoot, flip_last), kUnprovable,
       "event 1: the digest of SecureBoot is not that of its data"},
      {"PK", with_other_data(kPk, flip_last), kUnprovable, "the digest of PK is not that of its data"},
      {"dbx", with_other_data(kDbx, a_byte_more), kUnprovable, "the digest of dbx is not that of its data"},
      {"separator",
       [](Events& events) {
         events[kSeparator].digests = forge::digests_of(Bytes{1, 0, 0, 0});
       },
       kUnprovable, "the digest of the separator is not that of its data"},
      {"authority", with_other_data(kAuthority, flip_last), kUnprovable,
       "event 7: the digest of authority db is not that of its data"},
      {"two bytes more", with_other_data(kAuthority, [](Bytes& data) { data.resize(data.size() + 2); }),
       kUnprovable, "the digest of authority db is not that of its data"},
      {"action",
       [](Events& events) {
         events.push_back(dma_protection());
         events.back().digests = forge::digests_of({});
       },
       kUnprovable, "the digest of the action is not that of its data"},
      // The work-around for older shims is for authorities alone, and for a byte behind the variable alone.
      {"SecureBoot with a byte more", with_other_data(kSecureBoot, a_byte_more), kUnprovable,
       "the digest of SecureBoot is not that of its data"},
      {"an authority's own last byte",
       [](Events& events) {
         events[kAuthority].digests =
             forge::digests_of(ByteView(events[kAuthority].data).first(events[kAuthority].data.size() - 1));
       },
       kUnprovable, "the digest of authority db is not that of its data"},
      {"measured bytes behind SecureBoot",
       [](Events& events) {
         events[kSecureBoot].data.push_back(0);
         events[kSecureBoot].digests = forge::digests_of(events[kSecureBoot].data);
       },
       kUnprovable, "bytes follow the data of SecureBoot"},
  });
}

TEST(SecureBoot, NeedsTheBankInTheLogAndInEachEvent) {
  Events events = forge::make_secure_boot_events();
  const SecureBootVerdict other = judged(events, kTpmAlgSha1);
  EXPECT_EQ(other.state, SecureBootState::kUnprovable);
  EXPECT_THAT(other.reason, HasSubstr("has no sha1 bank, but sha256, sha384"));
  events[kDb].digests.pop_back();
  EXPECT_EQ(judged(events, kTpmAlgSha256).state, SecureBootState::kEnabled);
  const SecureBootVerdict lacking = judged(events, kTpmAlgSha384);
  EXPECT_EQ(lacking.state, SecureBootState::kUnprovable);
  EXPECT_EQ(lacking.reason, "event 4: has no sha384 digest");
}

TEST(SecureBoot, NamesItsStates) {
  EXPECT_EQ(to_string(SecureBootState::kEnabled), "enabled");
  EXPECT_EQ(to_string(SecureBootState::kDisabled), "disabled");
  EXPECT_EQ(to_string(SecureBootState::kUnprovable), "unprovable");
}

// A flipped bit is refused, or shows in PCR 7, or leaves nothing proven: it never turns the verdict.
TEST(SecureBoot, EveryBitOfItsEventsIsProven) {
  const EventLog log = forge::log_of(forge::make_secure_boot_events());
  const Bytes whole = serialize_event_log(log);
  const auto boot = read_boot_log(whole);
  ASSERT_TRUE(boot);
  const std::size_t first = parse_event_log(whole)->events.front().offset;
  for (std::size_t bit = 8 * first; bit < 8 * whole.size(); ++bit) {
    Bytes bent = whole;
    bent[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    const auto read = read_boot_log(bent);
    if (!read || read->secure_boot.state == SecureBootState::kUnprovable) continue;
    const bool pcr7_differs = read->pcrs.size() != 1 || read->pcrs[0]->value != boot->pcrs[0]->value;
    EXPECT_TRUE(pcr7_differs || read->secure_boot.state == boot->secure_boot.state) << bit;
  }
}

}  // namespace
}  // namespace nodeproof::attest
