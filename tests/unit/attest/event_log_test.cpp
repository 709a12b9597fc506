#include "attest/event_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <set>

namespace nodeproof::attest {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

LogEvent event(std::uint32_t pcr, std::uint32_t type, std::string_view data, bool agile) {
  LogEvent out;
  out.pcr = pcr;
  out.type = type;
  out.data = to_bytes(as_bytes(data));
  out.digests.push_back({kTpmAlgSha1, Bytes(20, 0x11)});
  if (agile) out.digests.push_back({kTpmAlgSha256, Bytes(32, 0x22)});
  return out;
}

EventLog agile_log() {
  EventLog out;
  out.spec_id = SpecId{};
  out.spec_id->pcr = 1;
  out.spec_id->version_major = 2;
  out.spec_id->uintn_size = 2;
  out.spec_id->algorithms = {{kTpmAlgSha1, 20}, {kTpmAlgSha256, 32}};
  out.spec_id->vendor_info = {1, 2, 3};
  out.events = {event(0, 8, "v1", true), event(7, 0x8401, "", true),
                event(4, kEvSeparator, std::string_view("\0\0\0\0", 4), true)};
  return out;
}

EventLog legacy_log() {
  EventLog out;
  out.events = {event(0, 8, "v1", false), event(0xFFFFFFFF, kEvNoAction, "trust point", false)};
  return out;
}

// Offsets are what the parser adds to what was serialised.
EventLog without_offsets(EventLog log) {
  for (LogEvent& e : log.events) e.offset = 0;
  return log;
}

// Where a record of the serialised log ends: there, and there alone, a prefix is a log.
std::set<std::size_t> boundaries(const EventLog& log) {
  std::set<std::size_t> out;
  EventLog prefix = log;
  prefix.events.clear();
  if (log.spec_id) out.insert(serialize_event_log(prefix).size());
  for (const LogEvent& e : log.events) {
    prefix.events.push_back(e);
    out.insert(serialize_event_log(prefix).size());
  }
  return out;
}

void put_le32(Bytes& log, std::size_t at, std::uint32_t value) {
  for (unsigned i = 0; i < 4; ++i) log.at(at + i) = static_cast<std::uint8_t>(value >> (8 * i));
}

TEST(EventLog, BothFormatsRoundTrip) {
  for (const EventLog& log : {agile_log(), legacy_log()}) {
    const auto parsed = parse_event_log(serialize_event_log(log));
    ASSERT_TRUE(parsed) << to_string(parsed.error());
    EXPECT_EQ(without_offsets(*parsed), log);
  }
}

TEST(EventLog, EventsKnowWhereTheyStand) {
  const auto parsed = parse_event_log(serialize_event_log(legacy_log()));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->events[0].offset, 0U);
  EXPECT_EQ(parsed->events[1].offset, 34U);
}

TEST(EventLog, APrefixIsRefusedOrEndsWithAnEvent) {
  for (const EventLog& log : {agile_log(), legacy_log()}) {
    const Bytes bytes = serialize_event_log(log);
    const std::set<std::size_t> ends = boundaries(log);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_EQ(parse_event_log(ByteView(bytes).first(size)).has_value(), ends.contains(size)) << size;
    }
  }
}

TEST(EventLog, PaddingIsKeptApartFromEvents) {
  const struct {
    std::uint8_t byte;
    std::size_t least;
  } paddings[] = {{0x00, 12}, {0xFF, 8}};
  for (const auto& [byte, least] : paddings) {
    EventLog log = agile_log();
    log.padding_byte = byte;
    log.padding_size = least;
    const auto parsed = parse_event_log(serialize_event_log(log));
    ASSERT_TRUE(parsed) << to_string(parsed.error());
    EXPECT_EQ(without_offsets(*parsed), log);
    log.padding_size = least - 1;
    EXPECT_FALSE(parse_event_log(serialize_event_log(log)));
    log.padding_size = 64;
    Bytes bytes = serialize_event_log(log);
    bytes.back() ^= 1U;
    EXPECT_FALSE(parse_event_log(bytes)) << "something follows the padding";
  }
}

struct Lie {
  const char* name;
  std::size_t from_end;  // of the Spec ID record, backwards: 0 is the first event's first byte
  std::uint32_t value;
  Errc code;
  const char* where;
};

TEST(EventLog, ALieAboutASizeIsRefusedWhereItStands) {
  EventLog head = agile_log();
  head.events.clear();
  const std::size_t first = serialize_event_log(head).size();
  const Lie lies[] = {
      {"PCR 24", 0, 24, Errc::kBadValue, "event_log.event[1].pcrIndex at "},
      {"no PCR, but an action", 0, 0xFFFFFFFF, Errc::kBadValue, "event_log.event[1].pcrIndex at "},
      {"no digest", 8, 0, Errc::kBadValue, "event_log.event[1].digestCount at "},
      {"more digests than banks", 8, 3, Errc::kBadValue, "event_log.event[1].digestCount at "},
      {"endless digests", 8, 0xFFFFFFFF, Errc::kBadValue, "event_log.event[1].digestCount at "},
      {"another bank", 12, 0x1111000C, Errc::kBadValue, "event_log.event[1].algorithmId at "},
      {"one bank twice", 34, 0x22220004, Errc::kDuplicate, "event_log.event[1].algorithmId at "},
      {"a longer event than the log", 68, 0xFFFFFFFF, Errc::kTruncated, "event_log.event[1].event at "},
  };
  for (const Lie& lie : lies) {
    Bytes bytes = serialize_event_log(agile_log());
    put_le32(bytes, first + lie.from_end, lie.value);
    const auto parsed = parse_event_log(bytes);
    ASSERT_FALSE(parsed) << lie.name;
    EXPECT_EQ(parsed.error().code, lie.code) << lie.name;
    EXPECT_THAT(parsed.error().where, StartsWith(lie.where)) << lie.name;
  }
}

TEST(EventLog, ASpecIdMustHoldTogether) {
  const auto refused = [](const std::function<void(EventLog&)>& edit) {
    EventLog log = agile_log();
    edit(log);
    const auto parsed = parse_event_log(serialize_event_log(log));
    return parsed ? std::string() : to_string(parsed.error());
  };
  EXPECT_THAT(refused([](EventLog& log) { log.spec_id->algorithms.clear(); }),
              HasSubstr("numberOfAlgorithms"));
  EXPECT_THAT(refused([](EventLog& log) { log.spec_id->algorithms[1].digest_size = 20; }),
              HasSubstr("digestSize"));
  EXPECT_THAT(refused([](EventLog& log) {
                log.spec_id->algorithms[1] = {kTpmAlgSha1, 20};
              }),
              HasSubstr("duplicate"));
  EXPECT_THAT(refused([](EventLog& log) {
                log.spec_id->algorithms.push_back({0x7777, 0});
              }),
              HasSubstr("digestSize"));

  // Vendor information behind the end of its event, and where in the log that is.
  EventLog without_info = agile_log();
  without_info.spec_id->vendor_info.clear();
  Bytes beyond = serialize_event_log(without_info);
  beyond[0x44] = 4;
  const auto parsed = parse_event_log(beyond);
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().where, "event_log.spec_id.vendorInfo at 0x045");

  Bytes with_digest = serialize_event_log(agile_log());
  with_digest[8] = 1;
  EXPECT_FALSE(parse_event_log(with_digest));
}

TEST(EventLog, IsBounded) {
  const auto parsed = parse_event_log(Bytes(kMaxEventLog + 1));
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code, Errc::kTooLarge);
}

TEST(EventLog, NamesAreThoseOfTheTcg) {
  EXPECT_EQ(event_type_name(0), "EV_PREBOOT_CERT");
  EXPECT_EQ(event_type_name(kEvEfiVariableAuthority), "EV_EFI_VARIABLE_AUTHORITY");
  EXPECT_EQ(event_type_name(0x8401), "0x00008401");
  EXPECT_EQ(hash_name(kTpmAlgSha384), "sha384");
  EXPECT_EQ(hash_name(0x1234), "alg-0x1234");
  EXPECT_EQ(hash_size(kTpmAlgSha512), 64U);
  EXPECT_EQ(hash_size(0x1234), std::nullopt);
}

Bytes secure_boot_variable() {
  Bytes out = *from_hex("61dfe48bca93d211aa0d00e098032b8c0a000000000000000100000000000000", "");
  for (const char c : std::string_view("SecureBoot"))
    append(out, ByteArray<2>{static_cast<std::uint8_t>(c), 0});
  out.push_back(1);
  return out;
}

TEST(UefiVariable, IsTakenApart) {
  const auto parsed = parse_uefi_variable(secure_boot_variable());
  ASSERT_TRUE(parsed) << to_string(parsed.error());
  EXPECT_EQ(parsed->guid, "8be4df61-93ca-11d2-aa0d-00e098032b8c");
  EXPECT_EQ(parsed->name, "SecureBoot");
  EXPECT_EQ(parsed->data, Bytes{1});
}

TEST(UefiVariable, EveryPrefixIsRefused) {
  const Bytes whole = secure_boot_variable();
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(parse_uefi_variable(ByteView(whole).first(size))) << size;
  Bytes endless = whole;
  std::memset(endless.data() + 16, 0xFF, 8);
  EXPECT_FALSE(parse_uefi_variable(endless));
}

}  // namespace
}  // namespace nodeproof::attest
