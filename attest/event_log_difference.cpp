// Where a log and a PCR part: the stories that would make both true, the cheapest first.
#include <algorithm>

#include "attest/measurement.hpp"

namespace nodeproof::attest {
namespace {

constexpr std::size_t kNameSize = 120;
// Leaving out, doubling or mending each of n events costs n * n / 2 extends: so many are tried, some 20 ms,
// that no log makes a verifier work for minutes.
constexpr std::size_t kMaxExtends = std::size_t{1} << 17U;
constexpr std::size_t kMaxListed = 8;

std::string named(const Measurement& event) {
  return "event " + std::to_string(event.number) + " (" + describe_event(event, kNameSize) + ")";
}

// What GRUB writes before the text that it measures, which ends before its NUL.
std::optional<ByteView> grub_text(const Measurement& event) {
  if (event.type != kEvIpl) return std::nullopt;
  ByteView data = event.data;
  for (const std::string_view prefix : {"grub_cmd: ", "kernel_cmdline: "}) {
    if (!as_text(data).starts_with(prefix)) continue;
    data = data.subspan(prefix.size());
    return data.empty() || data.back() != 0 ? data : data.first(data.size() - 1);
  }
  return std::nullopt;
}

// The parts of an event's data that its digest may be over; empty where it is over something else.
std::vector<ByteView> measured_parts(const Measurement& event) {
  if (const auto text = grub_text(event)) return {*text};
  if (!digest_is_of_data(event.type)) return {};
  if (event.type == kEvEfiVariableAuthority && !event.data.empty())
    return {event.data, event.data.first(event.data.size() - 1)};
  return {event.data};
}

class Story {
 public:
  Story(std::vector<Measurement> events, unsigned pcr, ByteView actual, BankHash& hash)
      : events_(std::move(events)), pcr_(pcr), actual_(actual), hash_(hash) {}

  std::string tell(const HashValue& start) {
    states_ = {start};
    states_.reserve(events_.size() + 1);
    for (const Measurement& event : events_) states_.push_back(extended(states_.back(), event.digest));
    if (equal(states_.back(), actual_)) return explained();
    if (events_.empty()) return name() + " is not at its start value, and the log has no event for it";
    for (const auto story :
         {&Story::stopped, &Story::started_elsewhere, &Story::altered, &Story::left_out, &Story::doubled}) {
      if (const auto told = (this->*story)()) return *told;
    }
    return untold();
  }

 private:
  std::string name() const { return "PCR " + std::to_string(pcr_); }

  HashValue extended(HashValue from, ByteView digest) {
    hash_.extend(from, digest);
    return from;
  }

  // Whether the events from `first` on lead from `value` to the PCR.
  bool leads(HashValue value, std::size_t first) {
    const std::size_t cost = events_.size() - first + 1;
    if (cost > left_) {
      left_ = 0;
      return false;
    }
    left_ -= cost;
    for (std::size_t i = first; i < events_.size(); ++i) hash_.extend(value, events_[i].digest);
    return equal(value, actual_);
  }

  bool data_is_measured(const Measurement& event) {
    const auto parts = measured_parts(event);
    return parts.empty() || std::any_of(parts.begin(), parts.end(),
                                        [&](ByteView part) { return hash_.covers(event.digest, part); });
  }

  // The events whose data is not what was measured.
  std::string suspects() {
    std::string out;
    for (const Measurement& event : events_) {
      if (data_is_measured(event)) continue;
      out += "; the data of " + named(event) + " is not what its digest covers: one of them was altered";
      if (out.size() > kMaxListed * kNameSize) break;
    }
    return out;
  }

  std::string explained() { return "the log explains " + name() + suspects(); }

  std::optional<std::string> stopped() {
    for (std::size_t i = 0; i < events_.size(); ++i) {
      if (!equal(states_[i], actual_)) continue;
      if (i == 0) return name() + " is at its start value: none of the log's events is in it";
      return named(events_[i]) + " is not in " + name() + ": it stopped before, with " + std::to_string(i) +
             " of " + std::to_string(events_.size()) + " events";
    }
    return std::nullopt;
  }

  // The log is silent or wrong about the locality from which the TPM was started.
  std::optional<std::string> started_elsewhere() {
    if (pcr_ != 0) return std::nullopt;
    for (const std::uint8_t locality : ByteArray<3>{0, 3, 4}) {
      HashValue start(hash_.size());
      start.data()[hash_.size() - 1] = locality;
      if (leads(start, 0)) {
        return "PCR 0 is that of a TPM started from locality " + std::to_string(locality) +
               ", which the log does not say";
      }
    }
    return std::nullopt;
  }

  std::optional<std::string> altered() {
    for (std::size_t i = 0; i < events_.size(); ++i) {
      if (data_is_measured(events_[i])) continue;
      for (const ByteView part : measured_parts(events_[i])) {
        if (leads(extended(states_[i], hash_.of(part)), i + 1)) {
          return "the digest of " + named(events_[i]) +
                 " is not that of its data; with the right one the log explains " + name();
        }
      }
    }
    return std::nullopt;
  }

  std::optional<std::string> left_out() {
    for (std::size_t i = 0; i < events_.size(); ++i) {
      if (leads(states_[i], i + 1))
        return named(events_[i]) + " is not in " + name() + ", all others are: it was not measured";
    }
    return std::nullopt;
  }

  std::optional<std::string> doubled() {
    for (std::size_t i = 0; i < events_.size(); ++i) {
      if (leads(states_[i + 1], i)) return named(events_[i]) + " is in " + name() + " twice, in the log once";
    }
    return std::nullopt;
  }

  std::string untold() {
    std::string numbers;
    for (std::size_t i = 0; i < events_.size() && i < kMaxListed; ++i)
      numbers += (numbers.empty() ? "" : ", ") + std::to_string(events_[i].number);
    if (events_.size() > kMaxListed) numbers += ", ... " + std::to_string(events_.back().number);
    const std::string count = std::to_string(events_.size());
    return name() + " is made of " + (events_.size() == 1 ? "event " : count + " events, ") + numbers +
           ": any of them may be the one that differs, or something was measured that the log does not tell" +
           (left_ == 0 ? "; they are too many to try each" : "") + suspects();
  }

  std::vector<Measurement> events_;  // of this PCR
  unsigned pcr_;
  ByteView actual_;
  BankHash& hash_;
  std::vector<HashValue> states_;  // before each event, and after the last
  std::size_t left_ = kMaxExtends;
};

Result<std::string> explain(const EventLog& log, std::uint16_t bank, unsigned pcr, ByteView actual) {
  NODEPROOF_TRY(all, measurements_of(log, bank));
  NODEPROOF_TRY(hash, BankHash::make(bank));
  NODEPROOF_CHECK(replay(all, hash));
  NODEPROOF_TRY(start, start_value(all, hash, pcr));
  if (actual.size() != hash.size()) {
    return Error{
        Errc::kBadValue, "PCR " + std::to_string(pcr),
        "is given in " + std::to_string(actual.size()) + " bytes, must be " + std::to_string(hash.size())};
  }
  std::erase_if(all, [pcr](const Measurement& event) { return event.pcr != pcr || !event.extends(); });
  return Story(std::move(all), pcr, actual, hash).tell(start);
}

}  // namespace

std::string explain_difference(const EventLog& log, std::uint16_t bank, unsigned pcr, ByteView actual) {
  const OpensslScope scope;
  const auto told = explain(log, bank, pcr, actual);
  return told ? *told : to_string(told.error());
}

}  // namespace nodeproof::attest
