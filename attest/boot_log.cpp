#include "attest/boot_log.hpp"

#include <algorithm>
#include <array>

#include "attest/measurement.hpp"

namespace nodeproof::attest {
namespace {

constexpr std::size_t kLastEventSize = 96;
constexpr std::size_t kDifferenceSize = 160;

std::uint32_t first_bytes(ByteView digest) {
  std::uint32_t out = 0;
  for (std::size_t i = 0; i < sizeof out; ++i) out = out << 8U | digest[i];
  return out;
}

// By PCR: the first bytes of the digest of each of its measurements.
using Beginnings = std::array<std::vector<std::uint32_t>, kPcrCount>;

Beginnings beginnings_of(std::span<const Measurement> log) {
  Beginnings out;
  for (const Measurement& event : log) {
    if (event.extends()) out.at(event.pcr).push_back(first_bytes(event.digest));
  }
  return out;
}

LoggedPcr to_logged(const ReplayedPcr& pcr, std::span<const Measurement> log,
                    std::vector<std::uint32_t> measurements) {
  LoggedPcr out;
  out.pcr = pcr.pcr;
  std::copy_n(pcr.value.begin(), out.value.size(), out.value.begin());
  out.measurements = std::move(measurements);
  out.measurements.shrink_to_fit();
  out.last_event = describe_event(log[pcr.last_event], kLastEventSize);
  out.last_event.shrink_to_fit();
  return out;
}

std::string placed(const Measurement& event) {
  return "PCR " + std::to_string(event.pcr) + ", " + describe_event(event, kDifferenceSize);
}

}  // namespace

std::shared_ptr<const LoggedPcr> LoggedPcrs::share(LoggedPcr pcr) {
  auto key = std::tuple(pcr.pcr, pcr.value, pcr.last_event);
  const auto found = known_.find(key);
  if (found != known_.end()) return found->second;
  if (known_.size() >= limit_) {
    // Those of one node alone first; if that makes no room, all of them: they come again.
    std::erase_if(known_, [](const auto& item) { return item.second.use_count() <= 2; });
    if (known_.size() >= limit_) known_.clear();
  }
  return known_.emplace(std::move(key), std::make_shared<const LoggedPcr>(std::move(pcr))).first->second;
}

const LoggedPcr* BootLog::find(unsigned pcr) const {
  const auto found =
      std::find_if(pcrs.begin(), pcrs.end(), [pcr](const auto& logged) { return logged->pcr == pcr; });
  return found == pcrs.end() ? nullptr : found->get();
}

Result<BootLog> read_boot_log(ByteView log, LoggedPcrs* known) {
  const OpensslScope scope;
  NODEPROOF_TRY(measurements, measurements_of(log, kTpmAlgSha256));
  NODEPROOF_TRY(hash, BankHash::make(kTpmAlgSha256));
  NODEPROOF_TRY(replayed, replay(measurements, hash));
  BootLog out;
  out.events = measurements.size() + 1;  // a log with a SHA-256 bank has a Spec ID, which is no measurement
  out.pcrs.reserve(replayed.size());
  Beginnings beginnings = beginnings_of(measurements);
  for (const ReplayedPcr& pcr : replayed) {
    LoggedPcr logged = to_logged(pcr, measurements, std::move(beginnings.at(pcr.pcr)));
    out.measurements += logged.measurements.size();
    out.pcrs.push_back(known != nullptr ? known->share(std::move(logged))
                                        : std::make_shared<const LoggedPcr>(std::move(logged)));
  }
  out.secure_boot = judge_secure_boot(measurements, hash);
  out.vm_id = measured_vm_id(measurements, hash);
  return out;
}

std::shared_ptr<const Result<BootLog>> read_boot_log_if_any(ByteView log, LoggedPcrs* known) {
  return log.empty() ? nullptr : std::make_shared<const Result<BootLog>>(read_boot_log(log, known));
}

std::optional<std::string> first_difference(const BootLog& before, ByteView log) {
  const OpensslScope scope;
  const auto measurements = measurements_of(log, kTpmAlgSha256);
  if (!measurements) return to_string(measurements.error());
  std::array<std::size_t, kPcrCount> seen{};
  for (const Measurement& event : *measurements) {
    if (!event.extends()) continue;
    const LoggedPcr* known = before.find(event.pcr);
    const std::size_t place = seen.at(event.pcr)++;
    const bool same = known != nullptr && place < known->measurements.size() && !event.digest.empty() &&
                      known->measurements[place] == first_bytes(event.digest);
    if (!same) return placed(event);
  }
  for (const auto& known : before.pcrs) {
    if (seen.at(known->pcr) == known->measurements.size()) continue;
    return "PCR " + std::to_string(known->pcr) + ", which has " + std::to_string(seen.at(known->pcr)) +
           " of " + std::to_string(known->measurements.size()) + " measurements";
  }
  return std::nullopt;
}

}  // namespace nodeproof::attest
