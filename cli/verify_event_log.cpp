#include "cli/verify_event_log.hpp"

#include <algorithm>
#include <iomanip>
#include <ostream>

#include "base/file.hpp"
#include "cli/event_log_verdict.hpp"
#include "cli/input.hpp"
#include "cli/printable.hpp"
#include "cli/verdict_json.hpp"

namespace nodeproof::cli {
namespace {

using attest::LogEvent;
using web::json::value;

value text(std::string_view content) {
  return value::string(printable(content));
}

// The Spec ID record is event 0, as in errors and reasons.
std::size_t first_number(const attest::EventLog& log) {
  return log.spec_id ? 1 : 0;
}

// ---- For programs ----

value claims_of(const EventLogVerdict& judged) {
  value out = value::object();
  std::vector<value> banks;
  out["pcrs"] = value::object();
  for (const ReplayedBank& bank : judged.banks) {
    const std::string name = attest::hash_name(bank.bank);
    banks.push_back(text(name));
    if (bank.error) continue;
    out["pcrs"][name] = value::object();
    for (const attest::ReplayedPcr& pcr : bank.pcrs)
      out["pcrs"][name][std::to_string(pcr.pcr)] = text(to_hex(pcr.value));
  }
  out["banks"] = value::array(std::move(banks));
  out["events"] =
      value::number(static_cast<std::uint64_t>(judged.log->events.size() + first_number(*judged.log)));
  out["secureBoot"] = text(attest::to_string(judged.secure_boot.state));
  out["reason"] = text(judged.secure_boot.reason);
  return out;
}

value to_value(const LogEvent& event, std::size_t number) {
  value out = value::object();
  out["event"] = value::number(static_cast<std::uint64_t>(number));
  out["pcr"] = event.pcr < attest::kPcrCount ? value::number(event.pcr) : value::null();
  out["type"] = text(attest::event_type_name(event.type));
  out["measured"] = text(attest::describe_measurement(event, kMaxText));
  out["digests"] = value::object();
  for (const attest::EventDigest& digest : event.digests)
    out["digests"][attest::hash_name(digest.algorithm)] = text(to_hex(digest.digest));
  return out;
}

value to_value(const PcrDifference& difference) {
  value out = value::object();
  out["bank"] = text(attest::hash_name(difference.bank));
  out["pcr"] = value::number(difference.pcr);
  out["replayed"] = text(to_hex(difference.replayed));
  out["actual"] = text(to_hex(difference.actual));
  out["story"] = text(difference.story);
  return out;
}

void print_json(std::ostream& out, const EventLogVerdict& judged) {
  value root = to_value(judged.verdict);
  if (judged.log) {
    root["claims"]["eventLog"] = claims_of(judged);
    std::vector<value> differences;
    for (const PcrDifference& one : judged.differences) differences.push_back(to_value(one));
    root["differences"] = value::array(std::move(differences));
    std::vector<value> events;
    std::size_t number = first_number(*judged.log);
    for (const LogEvent& event : judged.log->events) events.push_back(to_value(event, number++));
    root["log"] = value::array(std::move(events));
  }
  out << root.serialize() << '\n';
}

// ---- For people ----

void print_differences(std::ostream& out, const EventLogVerdict& judged) {
  for (const PcrDifference& one : judged.differences) {
    out << "\nPCR " << one.pcr << " (" << attest::hash_name(one.bank) << ") differs:\n  log  "
        << to_hex(one.replayed) << "\n  PCR  " << to_hex(one.actual) << "\n  " << printable(one.story)
        << '\n';
  }
}

std::string_view compared(const EventLogVerdict& judged, const std::optional<PcrBanks>& actual,
                          const ReplayedBank& bank, const attest::ReplayedPcr& pcr) {
  if (!actual) return "";
  const auto differs =
      std::any_of(judged.differences.begin(), judged.differences.end(),
                  [&](const PcrDifference& one) { return one.bank == bank.bank && one.pcr == pcr.pcr; });
  if (differs) return "DIFFERS";
  const auto values = actual->find(bank.bank);
  if (values == actual->end() || !values->second.contains(pcr.pcr)) return "not given";
  return equal(values->second.at(pcr.pcr), pcr.value) ? "equal" : "not compared";
}

void print_bank(std::ostream& out, const EventLogVerdict& judged, const std::optional<PcrBanks>& actual,
                const ReplayedBank& bank) {
  out << "\nReplayed PCRs, " << attest::hash_name(bank.bank) << ":\n";
  if (bank.error) {
    out << "  none: " << printable(to_string(*bank.error)) << '\n';
    return;
  }
  for (const attest::ReplayedPcr& pcr : bank.pcrs) {
    const std::string_view outcome = compared(judged, actual, bank, pcr);
    out << "  " << std::setw(2) << pcr.pcr << "  " << to_hex(pcr.value) << "  " << std::setw(3) << pcr.events
        << (pcr.events == 1 ? " event" : " events") << (outcome.empty() ? "" : "  ") << outcome << '\n';
  }
}

void print_events(std::ostream& out, const attest::EventLog& log, std::uint16_t bank) {
  constexpr int kTypeWidth = 32;
  out << "\nEvents, by their " << attest::hash_name(bank) << " digests:\n";
  std::size_t number = first_number(log);
  for (const LogEvent& event : log.events) {
    const attest::EventDigest* digest = digest_of(event, bank);
    out << std::setw(5) << number++ << "  PCR "
        << (event.pcr < attest::kPcrCount ? std::to_string(event.pcr) : "-") << (event.pcr < 10 ? " " : "")
        << "  " << std::left << std::setw(kTypeWidth) << attest::event_type_name(event.type) << std::right
        << "  " << (digest != nullptr ? to_hex(digest->digest) : "no digest") << "  "
        << attest::describe_measurement(event) << '\n';
  }
}

void print_listing(std::ostream& out, const EventLogVerdict& judged, const std::optional<PcrBanks>& actual) {
  print_checklist(out, judged.verdict);
  if (!judged.log) return;
  print_differences(out, judged);
  std::string banks;
  for (const ReplayedBank& bank : judged.banks)
    banks += (banks.empty() ? "" : ", ") + attest::hash_name(bank.bank);
  out << "\nThe log is " << (judged.log->spec_id ? "crypto agile" : "a legacy one (SHA-1 alone)") << ": "
      << judged.log->events.size() + first_number(*judged.log) << " events; banks " << banks << ".\n";
  for (const ReplayedBank& bank : judged.banks) print_bank(out, judged, actual, bank);
  print_events(out, *judged.log, judged.judged_bank != 0 ? judged.judged_bank : judged.banks.front().bank);
}

Result<std::optional<PcrBanks>> read_pcr_banks(const std::string& file) {
  if (file.empty()) return std::optional<PcrBanks>();
  NODEPROOF_TRY(banks, parse_pcr_banks(read_file(file, kMaxFile)));
  return std::optional(std::move(banks));
}

}  // namespace

ExitCode print_event_log(ByteView log, const std::optional<PcrBanks>& pcrs, bool json, std::ostream& out) {
  const EventLogVerdict judged = judge_event_log(log, pcrs);
  if (json) {
    print_json(out, judged);
  } else {
    print_listing(out, judged, pcrs);
  }
  return judged.verdict.verified() ? kVerified : kRefused;
}

ExitCode verify_event_log(const EventLogOptions& options, std::ostream& out, std::ostream& err) {
  return run_verb("verify event-log", err, [&]() -> Result<ExitCode> {
    if (options.file == "-" && options.pcrs == "-")
      return Error{Errc::kDuplicate, "--pcrs", "standard input can be one file only"};
    NODEPROOF_TRY(actual, read_pcr_banks(options.pcrs));
    return print_event_log(read_file(options.file, attest::kMaxEventLog), actual, options.json, out);
  });
}

}  // namespace nodeproof::cli
