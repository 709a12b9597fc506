#include "cli/verdict.hpp"

#include <cpprest/json.h>

#include <algorithm>
#include <ostream>

#include "cli/printable.hpp"
#include "cli/verdict_json.hpp"
#include "wire/utf8.hpp"

namespace nodeproof::cli {
namespace {

using attest::Check;
using attest::Finding;
using attest::Findings;
using attest::Outcome;
using web::json::value;

struct Unchecked {
  Check check;
  std::string_view code;
  std::string_view detail;
  std::string_view remedy;
};

// What one set of files cannot show (DESIGN 9).
constexpr Unchecked kOffline[] = {
    {Check::kEvidenceBinding, "offline", "needs the node's NodeEvidence", ""},
    {Check::kEvidenceAge, "offline", "needs the epoch of a cluster", ""},
    {Check::kEpochFuture, "offline", "needs the epoch of a cluster", ""},
    {Check::kNodeIdentity, "offline", "needs the Node of a cluster", ""},
    {Check::kNodeInventory, "offline", "needs the inventory of a cluster", ""},
    {Check::kDuplicateIdentity, "offline", "needs the other nodes of a cluster", ""},
    {Check::kBootChanged, "offline", "needs the Node of a cluster", ""},
    {Check::kCounters, "offline", "needs an earlier quote", ""},
    {Check::kPolicy, "no-policy", "no policy was supplied", ""},
};

constexpr Check kOfQuote[] = {Check::kQuoteFormat,    Check::kAkName,     Check::kQuoteSignature,
                              Check::kPcrSelection,   Check::kPcrDigest,  Check::kQualifyingData,
                              Check::kEventLogReplay, Check::kSecureBoot, Check::kVmId};

value to_value(const attest::TcbVersion& tcb) {
  value out = value::object();
  if (tcb.layout == attest::TcbLayout::kTurin) out["fmc"] = value::number(tcb.fmc);
  out["bootloader"] = value::number(tcb.bootloader);
  out["tee"] = value::number(tcb.tee);
  out["snp"] = value::number(tcb.snp);
  out["microcode"] = value::number(tcb.microcode);
  return out;
}

value optional_boolean(const std::optional<bool>& flag) {
  return flag ? value::boolean(*flag) : value::null();
}

// JSON numbers are exact only below 2^53.
value hex64(std::uint64_t number) {
  Bytes bytes;
  append_be64(bytes, number);
  return json_text(to_hex(bytes));
}

value snp_claims(const attest::ReportClaims& claims, const attest::ValidityWindow& validity) {
  const attest::SnpReport& report = *claims.report();
  value out = value::object();
  out["version"] = value::number(report.version);
  out["product"] = json_text(attest::to_string(claims.product()));
  out["guestSvn"] = value::number(report.guest_svn);
  out["policy"] = value::number(report.policy);
  out["vmpl"] = value::number(report.vmpl);
  out["platformInfo"] = value::number(report.platform_info);
  out["reportData"] = json_text(to_hex(report.report_data));
  out["measurement"] = json_text(to_hex(report.measurement));
  out["hostData"] = json_text(to_hex(report.host_data));
  out["idKeyDigest"] = json_text(to_hex(report.id_key_digest));
  out["reportId"] = json_text(to_hex(report.report_id));
  if (claims.csp_id()) {
    out["cspId"] = json_text(*claims.csp_id());
  } else {
    out["chipId"] = json_text(to_hex(report.chip_id));
  }
  out["tcb"] = to_value(report.reported_tcb);
  out["currentTcb"] = to_value(report.current_tcb);
  out["committedTcb"] = to_value(report.committed_tcb);
  out["launchTcb"] = to_value(report.launch_tcb);
  if (report.mitigations) {
    out["launchMitigationVector"] = hex64(report.mitigations->launch);
    out["currentMitigationVector"] = hex64(report.mitigations->current);
  }
  out["validFrom"] = json_text(to_rfc3339(validity.from));
  out["validUntil"] = json_text(to_rfc3339(validity.until));
  return out;
}

// Only a genuine paravisor's word about the VM counts (number 9).
std::optional<value> vm_claims(const attest::BootClaims& claims) {
  const attest::ConfidentialClaims* confidential = claims.confidential();
  if (confidential == nullptr || !confidential->paravisor_genuine()) return std::nullopt;
  const attest::RuntimeClaims& runtime = confidential->runtime();
  value out = value::object();
  out["id"] = json_text(runtime.vm_unique_id);
  out["secureBoot"] = optional_boolean(runtime.secure_boot);
  out["tpmEnabled"] = optional_boolean(runtime.tpm_enabled);
  out["akResident"] = value::boolean(claims.ak_resident());
  return out;
}

// On Trusted Launch the quoted PCRs and the log that they prove say what VM it is, where a log does.
value trusted_launch_vm(const attest::BootClaims& boot, const attest::QuoteClaims& quote) {
  value out = value::object();
  if (const std::string id = attest::vm_id_of(boot, quote); !id.empty()) out["id"] = json_text(id);
  out["secureBoot"] = optional_boolean(attest::secure_boot_of(boot, quote));
  out["akResident"] = value::boolean(boot.ak_resident());
  return out;
}

// Of the log that the quote proves.
value event_log_claims(const attest::BootLog& log) {
  value out = value::object();
  out["banks"] = value::array({json_text("sha256")});
  out["events"] = value::number(static_cast<std::uint64_t>(log.events));
  for (const auto& pcr : log.pcrs)
    out["pcrs"]["sha256"][std::to_string(pcr->pcr)] = json_text(to_hex(pcr->value));
  out["secureBoot"] = json_text(attest::to_string(log.secure_boot.state));
  out["reason"] = json_text(log.secure_boot.reason);
  return out;
}

void add_boot_claims(value& claims, const Verdict& verdict) {
  const attest::BootClaims& boot = *verdict.boot;
  if (const attest::ConfidentialClaims* confidential = boot.confidential())
    claims["snp"] = snp_claims(confidential->snp(), boot.validity());
  if (auto vm = vm_claims(boot)) claims["vm"] = *std::move(vm);
  if (boot.confidential() == nullptr && verdict.quote) claims["vm"] = trusted_launch_vm(boot, *verdict.quote);
}

value quote_claims(const attest::QuoteClaims& claims) {
  const attest::TpmQuote& quote = claims.quote();
  value out = value::object();
  out["qualifyingData"] = json_text(to_hex(quote.qualifying_data));
  out["clock"] = value::number(quote.clock);
  out["resetCount"] = value::number(quote.reset_count);
  out["restartCount"] = value::number(quote.restart_count);
  out["safe"] = value::boolean(quote.safe);
  out["firmwareVersion"] = hex64(quote.firmware_version);
  out["pcrs"] = value::object();
  for (unsigned pcr = 0; pcr < attest::kPcrCount; ++pcr) {
    if (const Sha256Digest* value = claims.pcr(pcr))
      out["pcrs"][std::to_string(pcr)] = json_text(to_hex(*value));
  }
  return out;
}

value to_value(const Finding& finding) {
  value out = value::object();
  out["check"] = json_text(attest::name_of(finding.check));
  out["outcome"] = json_text(attest::to_string(finding.outcome));
  out["code"] = json_text(finding.code);
  out["detail"] = json_text(finding.detail);
  out["remedy"] = json_text(finding.remedy);
  return out;
}

}  // namespace

value json_text(std::string_view content) {
  return value::string(wire::valid_utf8(content, kMaxText));
}

bool may_stay_open(const Finding& finding) {
  switch (finding.check) {
    case Check::kAkCertificate:
    case Check::kAkResidency:
    case Check::kReportFreshness:
    case Check::kEpochOrigin:
    case Check::kEventLogReplay:
    case Check::kSecureBoot:
      return true;
    // A VM that is known by its event log alone, of which there is none (Trusted Launch).
    case Check::kVmId:
      return finding.code == "no-event-log" || finding.code == "not-measured" || finding.code == "other-vm" ||
             finding.code == "no-system-uuid";
    case Check::kAkName:
      return finding.code == "mismatch";
    case Check::kQualifyingData:
      return finding.code == "unfresh";
    default:
      return std::any_of(std::begin(kOffline), std::end(kOffline),
                         [&](const Unchecked& open) { return open.check == finding.check; });
  }
}

bool Verdict::verified() const {
  if (findings.empty()) return false;
  return std::all_of(findings.begin(), findings.end(), [](const Finding& finding) {
    return finding.outcome == Outcome::kPassed ||
           (finding.outcome == Outcome::kNotChecked && may_stay_open(finding));
  });
}

void complete(Verdict& verdict, const std::string& no_quote, const std::string& no_quote_remedy) {
  Findings& findings = verdict.findings;
  const auto absent = [&findings](Check check) { return attest::find(findings, check) == nullptr; };
  for (const Check check : kOfQuote) {
    if (absent(check)) findings.push_back(attest::not_checked(check, "no-quote", no_quote, no_quote_remedy));
  }
  for (const Unchecked& open : kOffline) {
    if (!absent(open.check)) continue;
    findings.push_back(attest::not_checked(open.check, std::string(open.code), std::string(open.detail),
                                           std::string(open.remedy)));
  }
  std::stable_sort(findings.begin(), findings.end(),
                   [](const Finding& a, const Finding& b) { return a.check < b.check; });
}

Verdict offline_verdict(const attest::BootVerification& boot, const attest::QuoteVerification* quote) {
  Verdict out{boot.findings, boot.claims, {}, {}};
  if (quote != nullptr) {
    attest::supersede(out.findings, quote->findings);
    out.quote = quote->claims;
  }
  complete(out, "no quote was supplied", "give --quote, --signature and --pcrs");
  return out;
}

Verdict report_verdict(const attest::ReportVerification& report) {
  return {report.findings, {}, {}, report.claims};
}

value to_value(const Verdict& verdict) {
  value root = value::object();
  root["verdict"] = json_text(verdict.verified() ? "verified" : "refused");
  std::vector<value> checks;
  for (const Finding& finding : verdict.findings) checks.push_back(to_value(finding));
  root["checks"] = value::array(std::move(checks));
  root["claims"] = value::object();
  if (verdict.boot) add_boot_claims(root["claims"], verdict);
  if (verdict.report) root["claims"]["snp"] = snp_claims(*verdict.report, verdict.report->validity());
  if (verdict.quote) {
    root["claims"]["quote"] = quote_claims(*verdict.quote);
    if (const attest::BootLog* log = verdict.quote->log())
      root["claims"]["eventLog"] = event_log_claims(*log);
  }
  return root;
}

void print_json(std::ostream& out, const Verdict& verdict) {
  out << to_value(verdict).serialize() << '\n';
}

}  // namespace nodeproof::cli
