#include "attest/boot_log.hpp"

#include <algorithm>

#include "attest/measurement.hpp"

namespace nodeproof::attest {
namespace {

constexpr std::size_t kLastEventSize = 96;
constexpr std::size_t kDifferenceSize = 160;

void append_le32(ByteArray<40>& to, std::size_t at, std::uint32_t value) {
  for (unsigned i = 0; i < 4; ++i) to[at + i] = static_cast<std::uint8_t>(value >> (8U * i));
}

// PCR and type as the log has them, then the digest.
std::uint32_t fingerprint(const Measurement& event, BankHash& hash) {
  ByteArray<40> told{};
  append_le32(told, 0, event.pcr);
  append_le32(told, 4, event.type);
  std::copy_n(event.digest.begin(), std::min<std::size_t>(event.digest.size(), 32), told.begin() + 8);
  const HashValue value = hash.of(told);
  const ByteView bytes = value;
  return static_cast<std::uint32_t>(bytes[0]) << 24U | static_cast<std::uint32_t>(bytes[1]) << 16U |
         static_cast<std::uint32_t>(bytes[2]) << 8U | bytes[3];
}

std::vector<std::uint32_t> fingerprints_of(std::span<const Measurement> log, BankHash& hash) {
  std::vector<std::uint32_t> out;
  out.reserve(static_cast<std::size_t>(
      std::count_if(log.begin(), log.end(), [](const Measurement& event) { return event.extends(); })));
  for (const Measurement& event : log) {
    if (event.extends()) out.push_back(fingerprint(event, hash));
  }
  return out;
}

LoggedPcr to_logged(const ReplayedPcr& pcr, std::span<const Measurement> log) {
  LoggedPcr out;
  out.pcr = static_cast<std::uint8_t>(pcr.pcr);
  out.events = static_cast<std::uint16_t>(std::min<std::size_t>(pcr.events, 0xFFFF));
  std::copy_n(pcr.value.begin(), out.value.size(), out.value.begin());
  out.last_event = describe_event(log[pcr.last_event], kLastEventSize);
  out.last_event.shrink_to_fit();
  return out;
}

std::string placed(const Measurement& event) {
  return "PCR " + std::to_string(event.pcr) + ", " + describe_event(event, kDifferenceSize);
}

}  // namespace

Result<BootLog> read_boot_log(ByteView log) {
  const OpensslScope scope;
  NODEPROOF_TRY(measurements, measurements_of(log, kTpmAlgSha256));
  NODEPROOF_TRY(hash, BankHash::make(kTpmAlgSha256));
  NODEPROOF_TRY(replayed, replay(measurements, hash));
  BootLog out;
  out.events = measurements.size() + 1;  // a log with a SHA-256 bank has a Spec ID, which is no measurement
  out.pcrs.reserve(replayed.size());
  for (const ReplayedPcr& pcr : replayed) out.pcrs.push_back(to_logged(pcr, measurements));
  out.secure_boot = judge_secure_boot(measurements, hash);
  out.vm_id = measured_vm_id(measurements, hash);
  out.fingerprints = fingerprints_of(measurements, hash);
  return out;
}

std::optional<std::string> first_difference(const std::vector<std::uint32_t>& before, ByteView log) {
  const OpensslScope scope;
  const auto measurements = measurements_of(log, kTpmAlgSha256);
  if (!measurements) return to_string(measurements.error());
  auto hash = BankHash::make(kTpmAlgSha256);
  if (!hash) return to_string(hash.error());
  std::size_t next = 0;
  for (const Measurement& event : *measurements) {
    if (!event.extends()) continue;
    if (next == before.size() || fingerprint(event, *hash) != before[next]) return placed(event);
    ++next;
  }
  if (next == before.size()) return std::nullopt;
  return "the log ends after " + std::to_string(next) + " of " + std::to_string(before.size()) +
         " measurements";
}

}  // namespace nodeproof::attest
