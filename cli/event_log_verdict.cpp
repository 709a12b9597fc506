#include "cli/event_log_verdict.hpp"

#include <algorithm>

#include "attest/pcr.hpp"
#include "cli/printable.hpp"

namespace nodeproof::cli {
namespace {

using attest::Check;
using attest::EventLog;
using attest::Finding;
using attest::PcrSelection;
using attest::ReplayedPcr;
using attest::SecureBootState;

constexpr const char* kSource =
    "give /sys/kernel/security/tpm0/binary_bios_measurements as it is; nodeproof inspect says what a file is";

std::vector<std::uint16_t> banks_of(const EventLog& log) {
  if (!log.spec_id) return {attest::kTpmAlgSha1};
  std::vector<std::uint16_t> out;
  for (const attest::SpecId::Algorithm& algorithm : log.spec_id->algorithms) out.push_back(algorithm.id);
  return out;
}

const ReplayedPcr* find_pcr(const std::vector<ReplayedPcr>& pcrs, unsigned pcr) {
  const auto found =
      std::find_if(pcrs.begin(), pcrs.end(), [pcr](const ReplayedPcr& one) { return one.pcr == pcr; });
  return found == pcrs.end() ? nullptr : &*found;
}

class Judge {
 public:
  explicit Judge(const std::optional<PcrBanks>& actual) : actual_(actual) {}

  EventLogVerdict judge(ByteView bytes) {
    auto log = attest::parse_event_log(bytes);
    if (!log) {
      const Error error = bytes.empty()
                              ? Error{Errc::kTruncated, "the event log", "is empty: firmware passed none on"}
                              : log.error();
      unparsed(error);
      return std::move(out_);
    }
    out_.log = *std::move(log);
    for (const std::uint16_t bank : banks_of(*out_.log)) replay(bank);
    out_.judged_bank = bank_to_judge();
    add(event_log_replay());
    add(secure_boot());
    return std::move(out_);
  }

 private:
  void add(Finding finding) { out_.verdict.findings.push_back(std::move(finding)); }

  void unparsed(const Error& error) {
    add(attest::malformed(Check::kEventLogReplay, error, kSource));
    add(attest::premise_failed(Check::kSecureBoot, Check::kEventLogReplay));
  }

  void replay(std::uint16_t bank) {
    ReplayedBank out{bank, {}, {}};
    auto pcrs = attest::replay(*out_.log, bank);
    if (pcrs) {
      out.pcrs = *std::move(pcrs);
    } else {
      out.error = pcrs.error();
    }
    out_.banks.push_back(std::move(out));
  }

  bool is_given(std::uint16_t bank) const { return !actual_ || actual_->contains(bank); }

  // SHA-256 where it is there, else the first bank that is.
  std::uint16_t bank_to_judge() const {
    std::uint16_t first = 0;
    for (const ReplayedBank& one : out_.banks) {
      if (!is_given(one.bank)) continue;
      if (one.bank == attest::kTpmAlgSha256) return one.bank;
      if (first == 0) first = one.bank;
    }
    return first;
  }

  Finding event_log_replay() {
    std::vector<std::string> compared;
    for (const ReplayedBank& bank : out_.banks) {
      const bool needed = actual_ ? is_given(bank.bank) : bank.bank == out_.judged_bank;
      if (!needed) continue;
      if (bank.error) return attest::malformed(Check::kEventLogReplay, *bank.error, kSource);
      if (!actual_) continue;
      if (auto missing = compare(bank)) return *std::move(missing);
      compared.push_back(attest::hash_name(bank.bank));
    }
    if (!actual_) {
      return attest::not_checked(Check::kEventLogReplay, "no-pcrs", "no PCR values were given",
                                 "give them with --pcrs");
    }
    if (compared.empty()) return no_common_bank();
    if (!out_.differences.empty()) return mismatch();
    return attest::passed(Check::kEventLogReplay,
                          "PCRs " + compared_.describe() + " of " + joined(compared) + not_given_text());
  }

  // A finding when a PCR that must be there is not given.
  std::optional<Finding> compare(const ReplayedBank& bank) {
    const std::map<unsigned, Bytes>& values = actual_->at(bank.bank);
    for (unsigned pcr = 0; pcr < attest::kPcrCount; ++pcr) {
      const ReplayedPcr* replayed = find_pcr(bank.pcrs, pcr);
      const bool must = attest::kBootPcrs.contains(pcr);
      if (!must && !(attest::kLoaderPcrs.contains(pcr) && replayed != nullptr)) continue;
      const auto value = values.find(pcr);
      if (value == values.end() && must) {
        return attest::failed(
            Check::kEventLogReplay, "missing",
            "no value of PCR " + std::to_string(pcr) + " (" + attest::hash_name(bank.bank) + ") is given",
            "give PCRs 0 to 7 at least");
      }
      if (value == values.end()) {
        not_given_ = PcrSelection(not_given_.bits() | 1U << pcr);
        continue;
      }
      compared_ = PcrSelection(compared_.bits() | 1U << pcr);
      const Bytes told = replayed != nullptr ? replayed->value : Bytes(value->second.size());
      if (!equal(told, value->second)) differs(bank.bank, pcr, told, value->second);
    }
    return std::nullopt;
  }

  void differs(std::uint16_t bank, unsigned pcr, const Bytes& told, const Bytes& actual) {
    out_.differences.push_back(
        {bank, pcr, told, actual, attest::explain_difference(*out_.log, bank, pcr, actual)});
  }

  std::string not_given_text() const {
    return not_given_.bits() == 0 ? "" : "; no values of PCRs " + not_given_.describe() + " were given";
  }

  Finding no_common_bank() const {
    std::vector<std::string> of_log;
    for (const ReplayedBank& bank : out_.banks) of_log.push_back(attest::hash_name(bank.bank));
    std::vector<std::string> given;
    for (const auto& [bank, values] : *actual_) given.push_back(attest::hash_name(bank));
    return attest::failed(Check::kEventLogReplay, "no-common-bank",
                          "the log is of " + joined(of_log) + ", the PCR values are of " + joined(given) +
                              ": they cannot be compared",
                          "give PCR values of a bank that the log has");
  }

  Finding mismatch() const {
    std::vector<std::string> names;
    for (const PcrDifference& one : out_.differences)
      names.push_back("PCR " + std::to_string(one.pcr) + " (" + attest::hash_name(one.bank) + ")");
    return attest::failed(Check::kEventLogReplay, "mismatch",
                          joined(names) + (names.size() == 1 ? " is" : " are") +
                              " not what the log replays to; " + out_.differences.front().story,
                          "take log and PCRs from the same boot; if they are, one of them was tampered with");
  }

  Finding secure_boot() {
    if (attest::find(out_.verdict.findings, Check::kEventLogReplay)->outcome == attest::Outcome::kFailed) {
      out_.secure_boot = {SecureBootState::kUnprovable, "event-log-replay did not pass"};
      return attest::premise_failed(Check::kSecureBoot, Check::kEventLogReplay);
    }
    out_.secure_boot = attest::judge_secure_boot(*out_.log, out_.judged_bank);
    if (out_.secure_boot.state == SecureBootState::kUnprovable) {
      return attest::failed(Check::kSecureBoot, "unprovable",
                            "PCR 7's events prove no state of Secure Boot: " + out_.secure_boot.reason,
                            "look at the events of PCR 7 in the list; firmware and boot loader make them");
    }
    std::string detail(attest::to_string(out_.secure_boot.state));
    if (!out_.secure_boot.reason.empty()) detail += "; " + out_.secure_boot.reason;
    if (!actual_) detail += "; as true as the log, which no PCR values bear out";
    return attest::passed(Check::kSecureBoot, std::move(detail));
  }

  const std::optional<PcrBanks>& actual_;
  PcrSelection compared_;
  PcrSelection not_given_;
  EventLogVerdict out_;
};

}  // namespace

EventLogVerdict judge_event_log(ByteView log, const std::optional<PcrBanks>& actual) {
  return Judge(actual).judge(log);
}

}  // namespace nodeproof::cli
