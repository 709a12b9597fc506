// Number 12: what the PCRs must hold when the log tells all that was measured.
#include <array>

#include "attest/measurement.hpp"

namespace nodeproof::attest {
namespace {

// Followed by the locality from which the TPM was started, in one byte.
constexpr std::size_t kStartupLocalitySize = 16;
constexpr std::string_view kStartupLocality{"StartupLocality", kStartupLocalitySize};  // with its NUL

bool is_startup_locality(const Measurement& event) {
  return event.type == kEvNoAction && as_text(event.data).starts_with(kStartupLocality);
}

std::string place(const Measurement& event) {
  return "event_log.event[" + std::to_string(event.number) + "]";
}

// Localities 0 and 3 by TPM2_Startup, 4 by an H-CRTM (PC Client Platform Firmware Profile 1.05, 10.4.5.3).
Result<std::uint8_t> locality_of(const Measurement& event) {
  if (event.pcr != 0 || event.data.size() != kStartupLocality.size() + 1)
    return Error{Errc::kBadValue, place(event), "is a StartupLocality, but not of PCR 0 and 17 bytes long"};
  const std::uint8_t locality = event.data.back();
  if (locality != 0 && locality != 3 && locality != 4) {
    return Error{
        Errc::kBadValue, place(event),
        "says that the TPM was started from locality " + std::to_string(locality) + ", must be 0, 3 or 4"};
  }
  return locality;
}

Result<std::uint8_t> startup_locality(std::span<const Measurement> log) {
  const Measurement* found = nullptr;
  for (const Measurement& event : log) {
    if (!is_startup_locality(event)) continue;
    if (found != nullptr && !equal(found->data, event.data)) {
      return Error{Errc::kDuplicate, place(event),
                   "is a second StartupLocality and differs from event " + std::to_string(found->number)};
    }
    NODEPROOF_CHECK(locality_of(event));
    found = &event;
  }
  return found == nullptr ? std::uint8_t{0} : found->data.back();
}

bool is_dynamic(unsigned pcr) {
  return pcr >= 17 && pcr <= 22;
}

// One PCR while the log is replayed.
struct Register {
  ReplayedPcr out;
  HashValue value;
  bool only_separators = true;
};

void extend(Register& pcr, std::size_t index, const Measurement& event, BankHash& hash) {
  hash.extend(pcr.value, event.digest);
  ++pcr.out.events;
  const bool separator = event.type == kEvSeparator;
  if (!separator || pcr.only_separators) pcr.out.last_event = index;
  if (!separator) pcr.only_separators = false;
}

}  // namespace

Result<HashValue> start_value(std::span<const Measurement> log, const BankHash& hash, unsigned pcr) {
  HashValue out(hash.size(), is_dynamic(pcr) ? 0xFF : 0x00);
  if (pcr != 0) return out;
  NODEPROOF_TRY(locality, startup_locality(log));
  out.data()[hash.size() - 1] = locality;
  return out;
}

Result<std::vector<ReplayedPcr>> replay(std::span<const Measurement> log, BankHash& hash) {
  std::array<Register, kPcrCount> registers{};
  for (unsigned pcr = 0; pcr < kPcrCount; ++pcr) {
    NODEPROOF_TRY(start, start_value(log, hash, pcr));
    registers[pcr].value = start;
    registers[pcr].out.pcr = pcr;
  }
  bool is_pcr0_known = false;
  for (std::size_t i = 0; i < log.size(); ++i) {
    if (is_startup_locality(log[i])) {
      if (registers[0].out.events == 0) registers[0].out.last_event = i;
      is_pcr0_known = true;
    }
    if (!log[i].extends()) continue;
    if (log[i].digest.empty())
      return Error{Errc::kMissing, place(log[i]), "has no " + hash_name(hash.bank()) + " digest"};
    extend(registers.at(log[i].pcr), i, log[i], hash);
  }
  std::vector<ReplayedPcr> out;
  for (Register& pcr : registers) {
    if (pcr.out.events == 0 && !(pcr.out.pcr == 0 && is_pcr0_known)) continue;
    pcr.out.value = to_bytes(pcr.value);
    out.push_back(std::move(pcr.out));
  }
  return out;
}

Result<std::vector<ReplayedPcr>> replay(const EventLog& log, std::uint16_t bank) {
  const OpensslScope scope;
  NODEPROOF_TRY(measurements, measurements_of(log, bank));
  NODEPROOF_TRY(hash, BankHash::make(bank));
  return replay(measurements, hash);
}

}  // namespace nodeproof::attest
