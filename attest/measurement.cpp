#include "attest/measurement.hpp"

#include "attest/event_reader.hpp"

namespace nodeproof::attest {
namespace {

constexpr std::size_t kTypicalRecord = 128;  // bytes; for a first guess at the number of events

Status has_bank(const std::optional<SpecId>& spec_id, std::uint16_t bank) {
  std::string banks;
  bool found = false;
  const auto add = [&](std::uint16_t one) {
    banks += (banks.empty() ? "" : ", ") + hash_name(one);
    found = found || one == bank;
  };
  if (!spec_id) add(kTpmAlgSha1);
  if (spec_id) {
    for (const SpecId::Algorithm& algorithm : spec_id->algorithms) add(algorithm.id);
  }
  if (found) return Ok{};
  return Error{Errc::kMissing, "event_log", "has no " + hash_name(bank) + " bank, but " + banks};
}

}  // namespace

Result<std::vector<Measurement>> measurements_of(const EventLog& log, std::uint16_t bank) {
  NODEPROOF_CHECK(has_bank(log.spec_id, bank));
  std::vector<Measurement> out;
  out.reserve(log.events.size());
  std::size_t number = log.spec_id ? 1 : 0;
  for (const LogEvent& event : log.events) {
    const EventDigest* digest = digest_of(event, bank);
    out.push_back({number++, event.pcr, event.type, digest != nullptr ? ByteView(digest->digest) : ByteView(),
                   event.data});
  }
  return out;
}

Result<std::vector<Measurement>> measurements_of(ByteView log, std::uint16_t bank) {
  NODEPROOF_TRY(reader, EventReader::open(log));
  NODEPROOF_CHECK(has_bank(reader.spec_id(), bank));
  std::vector<Measurement> out;
  out.reserve(log.size() / kTypicalRecord);
  std::size_t number = reader.spec_id() ? 1 : 0;
  EventView event;
  for (;;) {
    NODEPROOF_TRY(more, reader.next(event));
    if (!more) return out;
    out.push_back({number++, event.pcr, event.type, event.digest_of(bank), event.data});
  }
}

bool digest_is_of_data(std::uint32_t type) {
  switch (type) {
    case kEvSeparator:
    case kEvAction:
    case kEvEventTag:
    case kEvSCrtmVersion:
    case kEvCompactHash:
    case kEvEfiVariableDriverConfig:
    case kEvEfiVariableBoot2:
    case kEvEfiVariableAuthority:
    case kEvEfiGptEvent:
    case kEvEfiAction:
      return true;
    default:
      return false;
  }
}

}  // namespace nodeproof::attest
