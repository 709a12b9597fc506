#include "webhook/node_trust.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <variant>

#include "wire/node_verification.hpp"

namespace nodeproof::webhook {
namespace {

using attest::Check;
using attest::Finding;
using attest::Findings;
using attest::Outcome;
using wire::EvidenceSummary;
using wire::kAgentRemedy;
using wire::kMalformedRemedy;
using wire::NodeQuote;
using wire::Phase;

NodeTrust conclude(Phase phase, std::string code, std::string detail, std::string remedy) {
  NodeTrust out;
  out.phase = phase;
  out.code = std::move(code);
  out.detail = std::move(detail);
  out.remedy = std::move(remedy);
  return out;
}

// The check that could not be made becomes the reason, and a finding of its own.
NodeTrust pending(Check check, std::string code, const std::string& detail,
                  const std::string& remedy = kAgentRemedy) {
  NodeTrust out = conclude(Phase::kPending, std::string(attest::name_of(check)), detail, remedy);
  out.findings.push_back(attest::not_checked(check, std::move(code), detail, remedy));
  return out;
}

NodeTrust contradicted(const Finding& finding, Findings findings) {
  NodeTrust out =
      conclude(Phase::kFailed, std::string(attest::name_of(finding.check)), finding.detail, finding.remedy);
  out.findings = std::move(findings);
  return out;
}

NodeTrust malformed(Check check, const Error& error) {
  const Finding finding = attest::failed(check, "malformed", to_string(error), kMalformedRemedy);
  return contradicted(finding, {finding});
}

// What can be said from the evidence object alone; nothing when it is there to be verified.
std::optional<NodeTrust> judge_collection(const EvidenceSummary& evidence) {
  const std::string& code = evidence.collection.code;
  const std::string detail = wire::detail_of(evidence.collection);
  const std::string remedy = wire::remedy_of(evidence.collection);
  if (wire::proves_nothing(evidence)) return conclude(Phase::kUnsupported, code, detail, remedy);
  if (code != wire::kComplete) return conclude(Phase::kPending, code, detail, remedy);
  return std::nullopt;
}

std::optional<NodeTrust> judge_identity(const attest::BootIdentity& node, const attest::BootIdentity& told,
                                        const std::string& object) {
  if (told.node_uid != node.node_uid) {
    return pending(Check::kNodeIdentity, "other-node",
                   "the " + object + " is of an earlier Node with this name");
  }
  if (node.boot_id.empty()) {
    return pending(Check::kBootChanged, "no-boot-id", "the Node does not report its boot ID yet",
                   "check that the kubelet of the node reports its status");
  }
  if (told.boot_id != node.boot_id) {
    return pending(Check::kBootChanged, "other-boot",
                   "the " + object + " is not of the boot that the Node reports");
  }
  return std::nullopt;
}

// For claims of a while ago: what they rest on may have ended since.
std::optional<NodeTrust> judge_dates(const attest::ValidityWindow& window, UnixTime now) {
  if (now < window.from) {
    return pending(Check::kCertificateChain, "not-yet-valid",
                   "the evidence's certificates begin at " + to_rfc3339(window.from),
                   "check the clocks of the webhook's nodes");
  }
  if (now > window.until) {
    return pending(
        Check::kCertificateChain, "expired",
        "a certificate or revocation list that the evidence rests on ended at " + to_rfc3339(window.until));
  }
  return std::nullopt;
}

// A report in a form, or of a processor, that this version does not know contradicts nothing.
bool is_of_unknown_form(const Finding& finding) {
  const bool names_form = finding.check == Check::kHclFrame || finding.check == Check::kReportFormat ||
                          finding.check == Check::kProduct;
  return names_form && finding.code == to_string(Errc::kUnsupported);
}

// An agent publishes a report without the key's certificate when it does not know the form that the report
// has.
bool lacks_endorsement_key(const Finding& finding) {
  return finding.check == Check::kCertificateChain && finding.code == to_string(Errc::kMissing);
}

bool is_no_fault(const Finding& finding) {
  return attest::blames_lists(finding.code) || is_of_unknown_form(finding) ||
         lacks_endorsement_key(finding) || finding.code == attest::kOtherTee;
}

// What is no fault of the node leaves it open; any other failure contradicts.
std::optional<NodeTrust> judge_boot(const VerifiedBoot& verified, GenerationView generations, UnixTime now) {
  const attest::BootVerification& boot = verified.verification;
  const Finding* excused = nullptr;
  for (const Finding& finding : boot.findings) {
    if (finding.outcome != Outcome::kFailed) continue;
    if (!is_no_fault(finding)) return contradicted(finding, boot.findings);
    if (excused == nullptr) excused = &finding;
  }
  if (excused != nullptr) {
    NodeTrust out = conclude(excused->code == attest::kOtherTee ? Phase::kUnsupported : Phase::kPending,
                             std::string(attest::name_of(excused->check)), excused->detail, excused->remedy);
    out.findings = boot.findings;
    return out;
  }
  if (boot.claims) {
    const std::string& kid = verified.activation_kid;
    if (!kid.empty() && (find_generation(generations, kid) == nullptr || is_revoked(generations, kid))) {
      return pending(Check::kAkResidency, "activation-ended",
                     "the key generation of the credential that the vTPM opened ended or was revoked");
    }
    return judge_dates(boot.claims->validity(), now);
  }
  // No failed check and no claims: nothing to hold on to, so nothing is accepted.
  if (const Finding* open = attest::find(boot.findings, Check::kAkResidency);
      open != nullptr && open->outcome == Outcome::kNotChecked && open->code != "premise-failed") {
    return pending(open->check, open->code, open->detail, open->remedy);
  }
  return pending(Check::kEvidenceBinding, "incomplete", "the evidence was verified only in part");
}

// Whether this quote can be judged at all with what this replica knows by now.
std::optional<NodeTrust> judge_order(const NodeView& view, const NodeQuote& quote,
                                     const EvidenceSummary& evidence) {
  if (auto other = judge_identity(*view.node, quote.boot, "quote")) return other;
  if (quote.evidence_digest != evidence.digest) {
    return pending(Check::kEvidenceBinding, "other-evidence",
                   "the quote is over another evidence than the one at hand");
  }
  return std::nullopt;
}

// The nonce that the quote must answer, or why it is not known here.
using Expected = std::variant<attest::Nonce, NodeTrust>;
using NonceSource = Expected (*)(const NodeView&, const NodeQuote&);

// Silence about freshness, not compromise of the node: it was proven, and will be by its next quote.
NodeTrust revoked(const std::string& kid) {
  constexpr Check kThis = Check::kQualifyingData;
  NodeTrust out = conclude(
      Phase::kStale, std::string(attest::name_of(kThis)),
      "the key generation " + kid + " whose nonce the last quote answers was revoked",
      "wait for the node's next quote; if it stays so, check that the nodeproof agent runs on the node");
  out.findings.push_back(attest::not_checked(kThis, "revoked-kid", out.detail, out.remedy));
  return out;
}

Expected recomputed_nonce(const NodeView& view, const NodeQuote& quote) {
  if (find_generation(view.generations, quote.epoch.kid) == nullptr) {
    return pending(Check::kQualifyingData, "unknown-kid",
                   "the quote's key generation " + quote.epoch.kid + " is not known here");
  }
  if (is_revoked(view.generations, quote.epoch.kid)) return revoked(quote.epoch.kid);
  if (const auto nonce = nonce_of(view.generations, quote.epoch)) return *nonce;
  return pending(Check::kQualifyingData, "outside-generation",
                 "the quote's epoch is outside the window of its key generation");
}

Expected carried_nonce(const NodeView& /*view*/, const NodeQuote& quote) {
  return quote.nonce;
}

std::optional<NodeTrust> judge_epoch(const attest::Epoch& epoch, const TrustParameters& parameters,
                                     UnixTime now) {
  if (epoch.number <= attest::epoch_at(now, parameters.epoch_length) + 1) return std::nullopt;
  return pending(Check::kEpochFuture, "future", "the quote's epoch has not begun by this replica's clock",
                 "check the clocks of the webhook's nodes");
}

// A log that cannot be read, or proves nothing of Secure Boot, leaves that open; it contradicts nothing.
bool contradicts(const Finding& finding) {
  if (finding.outcome != Outcome::kFailed) return false;
  if (finding.check == Check::kEventLogReplay) return finding.code == "mismatch";
  if (finding.check == Check::kSecureBoot) return finding.code == "disagrees";
  return true;
}

// The signature first: when another key signed, that is what happened, whatever else fails with it. Then
// the log: PCRs that it does not explain are the reason for what else does not fit.
const Finding* contradiction_in(const Findings& findings) {
  constexpr std::array kChecks{Check::kQuoteSignature, Check::kQuoteFormat, Check::kAkName,
                               Check::kPcrSelection,   Check::kPcrDigest,   Check::kEventLogReplay,
                               Check::kSecureBoot,     Check::kVmId,        Check::kCounters};
  for (const Check check : kChecks) {
    const Finding* finding = attest::find(findings, check);
    if (finding != nullptr && contradicts(*finding)) return finding;
  }
  return nullptr;
}

NodeTrust without_residency(const Findings& findings) {
  constexpr Check kThis = Check::kAkResidency;
  const Finding* finding = attest::find(findings, kThis);
  const bool outstanding = finding != nullptr && finding->code.starts_with("activation-");
  return conclude(
      Phase::kPending, std::string(attest::name_of(kThis)),
      outstanding ? finding->detail : "nothing proves that the attestation key lives in the node's vTPM",
      outstanding ? finding->remedy : "use an Azure VM size and image whose vTPM carries an AK certificate");
}

NodeTrust verified(const attest::BootClaims& boot, attest::QuoteClaims quote, Findings findings,
                   UnixTime quoted_since) {
  NodeTrust out = boot.ak_resident() ? conclude(Phase::kVerified, {}, {}, {}) : without_residency(findings);
  out.findings = std::move(findings);
  out.claims =
      std::make_shared<const attest::NodeClaims>(attest::NodeClaims{boot, std::move(quote), quoted_since});
  return out;
}

UnixTime collection_time(const attest::Epoch& collected, const TrustParameters& parameters) {
  return attest::epoch_start(collected.number, parameters.epoch_length);
}

// Findings on the boot that did not pass. A report's freshness, once checked, is worth nothing when the
// report has grown old since.
Findings open_findings(const attest::BootVerification& boot, const EvidenceSummary& evidence,
                       const TrustParameters& parameters, UnixTime now) {
  Findings out = boot.findings;
  if (boot.node_class == attest::NodeClass::kConfidential &&
      attest::find(out, Check::kReportFreshness) == nullptr &&
      now > collection_time(evidence.collected, parameters) + parameters.max_report_age) {
    out.push_back(attest::not_checked(Check::kReportFreshness, "too-old",
                                      "the report is older than maxReportAge allows", kAgentRemedy));
  }
  return out;
}

// Number 15: whether the quote may follow those that were seen before. Moves `mark` when the AK signed it.
std::optional<Finding> judge_counters(const NodeView& view, const NodeQuote& quote,
                                      const attest::QuoteVerification& result, std::uint64_t epoch_now,
                                      std::optional<CounterMark>& mark) {
  const auto counted = attest::parse_tpms_attest(quote.attest);
  if (!counted || !attest::has_passed(result.findings, Check::kQuoteSignature)) return std::nullopt;
  const CountedQuote by_ak{view.boot->verification.claims->ak(), quote.boot.boot_id, *counted};
  std::optional<std::uint64_t> proven;
  if (attest::has_passed(result.findings, Check::kQualifyingData)) proven = quote.epoch.number;
  auto finding = mark ? against_mark(*mark, by_ak, proven) : std::nullopt;
  mark = raised(mark, by_ak, epoch_now);
  return finding;
}

// The boot of the Node is over for its TPM.
bool tells_reset(const Finding& finding) {
  return finding.check == Check::kBootChanged && finding.code == "tpm-reset" &&
         finding.outcome != Outcome::kPassed;
}

NodeTrust conclude_quote(const NodeView& view, const EvidenceSummary& evidence,
                         const TrustParameters& parameters, const NodeQuote& quote,
                         attest::QuoteVerification result, Findings findings) {
  if (const Finding* failure = contradiction_in(findings)) return contradicted(*failure, findings);
  if (!attest::has_passed(result.findings, Check::kQualifyingData)) {
    NodeTrust out = conclude(
        Phase::kPending, std::string(attest::name_of(Check::kQualifyingData)),
        "the quote does not answer the epoch, node, boot and evidence that it is filed under", kAgentRemedy);
    out.findings = std::move(findings);
    return out;
  }
  if (const auto reset = std::find_if(findings.begin(), findings.end(), tells_reset);
      reset != findings.end()) {
    NodeTrust out =
        conclude(Phase::kPending, std::string(attest::name_of(reset->check)), reset->detail, reset->remedy);
    out.findings = std::move(findings);
    return out;
  }
  if (!result.claims) {
    return pending(Check::kQuoteFormat, "incomplete", "the quote was verified only in part");
  }
  NodeTrust out = verified(*view.boot->verification.claims, *std::move(result.claims), std::move(findings),
                           attest::epoch_start(quote.epoch.number, parameters.epoch_length));
  out.boot = view.node;
  out.evidence_digest = evidence.digest;
  out.epoch = quote.epoch.number;
  out.kid = quote.epoch.kid;
  out.activation = view.boot->verification.activation;
  if (out.claims->quote.log() != nullptr) out.log_change = view.boot->log_change;
  return out;
}

NodeTrust judge_quote(const NodeView& view, const EvidenceSummary& evidence,
                      const TrustParameters& parameters, UnixTime now, NonceSource nonces) {
  if (view.quote == nullptr) {
    return conclude(Phase::kPending, std::string(kNoQuote), "the node has published no quote yet",
                    kAgentRemedy);
  }
  if (!view.quote->has_value()) return malformed(Check::kQuoteFormat, view.quote->error());
  const NodeQuote& quote = **view.quote;
  if (auto out = judge_order(view, quote, evidence)) return *std::move(out);
  const Expected nonce = nonces(view, quote);
  if (const auto* unknown = std::get_if<NodeTrust>(&nonce)) return *unknown;
  if (auto out = judge_epoch(quote.epoch, parameters, now)) return *std::move(out);

  attest::QuoteVerification result =
      wire::verify_quote(quote, evidence, std::get<attest::Nonce>(nonce), view.boot->verification);
  Findings findings = open_findings(view.boot->verification, evidence, parameters, now);
  std::copy_if(result.findings.begin(), result.findings.end(), std::back_inserter(findings),
               [](const Finding& finding) { return finding.outcome != Outcome::kPassed; });
  if (result.claims) {
    auto other_vm = wire::compare_system_uuid(view.boot->verification, *result.claims, view.system_uuid);
    if (other_vm) findings.push_back(*std::move(other_vm));
  }
  std::optional<CounterMark> mark = view.mark;
  auto counted = judge_counters(view, quote, result, attest::epoch_at(now, parameters.epoch_length), mark);
  if (counted) findings.push_back(*std::move(counted));
  findings.shrink_to_fit();
  NodeTrust out = conclude_quote(view, evidence, parameters, quote, std::move(result), std::move(findings));
  if (mark) out.mark = std::make_shared<const CounterMark>(*std::move(mark));
  return out;
}

NodeTrust judge_anew(const NodeView& view, const TrustParameters& parameters, UnixTime now,
                     NonceSource nonces) {
  if (view.evidence == nullptr) {
    return conclude(Phase::kPending, std::string(kNoEvidence), "the node has published no evidence yet",
                    "check that the nodeproof agent runs on the node");
  }
  if (!view.evidence->has_value()) return malformed(Check::kEvidenceBinding, view.evidence->error());
  const EvidenceSummary& evidence = **view.evidence;
  if (auto out = judge_identity(*view.node, *evidence.boot, "evidence")) return *std::move(out);
  if (auto out = judge_collection(evidence)) return *std::move(out);
  if (view.boot == nullptr) {
    return pending(Check::kEvidenceBinding, "not-verified", "the evidence has not been verified yet");
  }
  if (auto out = judge_boot(*view.boot, view.generations, now)) return *std::move(out);
  return judge_quote(view, evidence, parameters, now, nonces);
}

// The last verified pair outlives whatever is pending, but neither a contradiction nor its own boot.
bool outlives(const NodeTrust& pair, const NodeView& view, const NodeTrust& fresh) {
  if (!pair.claims || fresh.phase == Phase::kFailed || !(pair.boot == view.node)) return false;
  if (is_revoked(view.generations, pair.kid)) return false;
  if (std::any_of(fresh.findings.begin(), fresh.findings.end(), tells_reset)) return false;
  if (view.evidence != nullptr && view.evidence->has_value() && (*view.evidence)->boot != *pair.boot)
    return false;
  return !fresh.claims || fresh.claims->quoted_since < pair.claims->quoted_since;
}

}  // namespace

NodeTrust judge(const NodeView& view, const TrustParameters& parameters, UnixTime now) {
  NodeTrust fresh = judge_anew(view, parameters, now, recomputed_nonce);
  if (!fresh.mark && view.mark) fresh.mark = std::make_shared<const CounterMark>(*view.mark);
  if (view.previous == nullptr || !outlives(*view.previous, view, fresh)) return fresh;
  NodeTrust kept = *view.previous;
  kept.mark = std::move(fresh.mark);
  return kept;
}

NodeTrust judge_without_key(const NodeView& view, const TrustParameters& parameters, UnixTime now) {
  NodeView without_mark = view;
  without_mark.mark.reset();
  return judge_anew(without_mark, parameters, now, carried_nonce);
}

std::optional<NodeTrust> ended_by_revocation(const NodeTrust& trust, GenerationView generations) {
  if (!trust.claims || !is_revoked(generations, trust.kid)) return std::nullopt;
  return revoked(trust.kid);
}

Phase phase_at(const NodeTrust& trust, Seconds max_age, UnixTime now) {
  const bool stale =
      trust.phase == Phase::kVerified && trust.claims && attest::age_of(*trust.claims, now) > max_age;
  return stale ? Phase::kStale : trust.phase;
}

}  // namespace nodeproof::webhook
