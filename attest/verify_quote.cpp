// Numbers 10, 12 and 13, the qualifying data of number 11, and the VM id of number 14.
#include <algorithm>

#include "attest/verify.hpp"

namespace nodeproof::attest {
namespace {

constexpr std::size_t kShownDigits = 16;  // of a digest, in a sentence

}  // namespace

struct QuoteVerifier {
  const QuoteEvidence& evidence;
  const BootVerification& boot;
  const ExpectedQualifyingData& expected;
  const RequiredPcrs& required;
  QuoteVerification out{};
  std::optional<TpmQuote> quote{};
  MeasuredBoot measured_boot = MeasuredBoot::kNoLog;

  QuoteVerification verify() {
    out.findings.reserve(all_checks().size());
    quote_format();
    ak_name();
    add(quote_signature());
    certified_key();
    add(pcr_selection());
    add(pcr_digest());
    add(qualifying_data());
    add(event_log_replay());
    add(secure_boot());
    add(vm_id());
    make_claims();
    return std::move(out);
  }

  void add(Finding finding) { out.findings.push_back(std::move(finding)); }
  bool has(Check check) const { return has_passed(out.findings, check); }

  void quote_format() {
    auto parsed = parse_tpms_attest(evidence.attest);
    if (!parsed) {
      return add(failed(Check::kQuoteFormat, to_string(parsed.error().code),
                        parsed.error().where + " " + parsed.error().detail, "quote anew with TPM2_Quote"));
    }
    quote = *parsed;
    add(passed(Check::kQuoteFormat));
  }

  void ak_name() {
    if (!quote) return add(premise_failed(Check::kAkName, Check::kQuoteFormat));
    if (!boot.unverified_ak) return add(premise_failed(Check::kAkName, holder_of_ak()));
    if (equal(quote->qualified_signer, boot.unverified_ak->qualified_name)) {
      return add(passed(Check::kAkName));
    }
    const std::string what = "the quote names another signer than the AK under Azure's template";
    if (!boot.strict) return add(not_checked(Check::kAkName, "mismatch", what));
    add(failed(Check::kAkName, "mismatch", what,
               "the key at 0x81000003 is not the one that the platform made: redeploy the node"));
  }

  bool confidential() const { return boot.node_class == NodeClass::kConfidential; }
  // What names the AK: the check without which nothing does.
  Check holder_of_ak() const { return confidential() ? Check::kRuntimeClaims : Check::kAkCertificate; }

  Finding quote_signature() const {
    if (!boot.unverified_ak) return premise_failed(Check::kQuoteSignature, holder_of_ak());
    const auto signature = parse_quote_signature(evidence.signature);
    if (!signature) {
      return failed(Check::kQuoteSignature, to_string(signature.error().code),
                    signature.error().where + " " + signature.error().detail, "quote anew with TPM2_Quote");
    }
    if (boot.unverified_ak->key.verify_rsassa_sha256(evidence.attest, *signature))
      return passed(Check::kQuoteSignature);
    return failed(Check::kQuoteSignature, "invalid",
                  std::string("the quote is not signed by the AK that the ") +
                      (confidential() ? "hardware report names" : "AK certificate is for"),
                  "treat the node as compromised until its vTPM is explained, and redeploy it");
  }

  // Number 8 once more, on Trusted Launch: only now the quoting key is seen, and it must be the certified
  // one.
  void certified_key() {
    const Finding& signature = out.findings.back();
    if (confidential() || signature.outcome != Outcome::kFailed || signature.code != "invalid") return;
    add(failed(
        Check::kAkCertificate, "key-mismatch",
        "the AK certificate is for another key than the one that signed the quote",
        "quote with the key at 0x81000003, which the certificate is for; if it was replaced, redeploy the "
        "VM so that it gets its own AK and certificate back"));
    add(premise_failed(Check::kAkResidency, Check::kAkCertificate));
  }

  Finding pcr_selection() const {
    if (!quote) return premise_failed(Check::kPcrSelection, Check::kQuoteFormat);
    if (!quote->sha256_bank_only) {
      return failed(Check::kPcrSelection, "bank", "the quote does not select the SHA-256 bank alone",
                    "quote PCRs " + required.selection.describe() + " of the SHA-256 bank");
    }
    const bool enough = required.exact ? quote->selection == required.selection
                                       : quote->selection.contains(required.selection);
    if (enough) return passed(Check::kPcrSelection, "PCRs " + quote->selection.describe());
    return failed(Check::kPcrSelection, "selection", "the quote selects PCRs " + quote->selection.describe(),
                  std::string("quote ") + (required.exact ? "exactly" : "at least") + " PCRs " +
                      required.selection.describe() + " of the SHA-256 bank");
  }

  // H is the hash of the signing scheme, which is SHA-256 for the AK, over the quoted values only.
  Finding pcr_digest() const {
    if (!quote) return premise_failed(Check::kPcrDigest, Check::kQuoteFormat);
    if (!quote->sha256_bank_only) return premise_failed(Check::kPcrDigest, Check::kPcrSelection);
    const auto digest = attest::pcr_digest(evidence.pcrs, quote->selection);
    if (!digest) {
      return failed(Check::kPcrDigest, to_string(digest.error().code),
                    digest.error().where + ": " + digest.error().detail,
                    "supply the value of every quoted PCR");
    }
    if (equal(*digest, quote->pcr_digest)) return passed(Check::kPcrDigest);
    return failed(Check::kPcrDigest, "mismatch", "the PCR values are not the quoted ones",
                  "read the PCRs and quote anew; if it stays, the values were altered");
  }

  // An empty challenge is no challenge, whatever the caller accepts.
  Finding qualifying_data() const {
    constexpr Check kThis = Check::kQualifyingData;
    if (!quote) return premise_failed(kThis, Check::kQuoteFormat);
    if (quote->qualifying_data.empty()) {
      return failed(kThis, "empty", "the quote carries no challenge, so it may be of any age",
                    "quote over a fresh challenge");
    }
    if (!expected.value) {
      if (expected.accept_unfresh)
        return not_checked(kThis, "unfresh", "accepted without a challenge to compare");
      return failed(kThis, "no-challenge", "no challenge was given to compare with",
                    "give --qualifying-data, or --accept-unfresh to leave the age open");
    }
    if (!expected.value->empty() && equal(*expected.value, quote->qualifying_data)) return passed(kThis);
    return failed(kThis, "mismatch", "the quote carries another challenge than the expected one",
                  "quote over the expected challenge");
  }

  // The first check without which the PCR values prove nothing, as the premise of `check`; nothing when they
  // do.
  std::optional<Finding> unproven_pcrs(Check check) const {
    for (const Check premise : {Check::kQuoteSignature, Check::kPcrSelection, Check::kPcrDigest}) {
      if (!has(premise)) return premise_failed(check, premise);
    }
    return std::nullopt;
  }

  // Number 12: the PCRs that firmware must measure, and those that a boot loader does where it did.
  Finding event_log_replay() {
    constexpr Check kThis = Check::kEventLogReplay;
    if (!boot.unverified_log) {
      return not_checked(kThis, "no-event-log", "there is no event log of this boot",
                         "see noEventLog in the node's NodeEvidence, or give --event-log");
    }
    measured_boot = MeasuredBoot::kUnknown;
    if (!*boot.unverified_log) {
      return malformed(kThis, boot.unverified_log->error(), "see what nodeproof inspect says of the log");
    }
    if (auto unproven = unproven_pcrs(kThis)) return *std::move(unproven);
    const BootLog& log = boot.unverified_log->value();
    const std::string differing = differing_pcrs(log);
    if (differing.empty()) {
      measured_boot = MeasuredBoot::kVerified;
      return passed(kThis, std::to_string(log.measurements) + " measurements");
    }
    measured_boot = MeasuredBoot::kMismatch;
    return failed(
        kThis, "mismatch", differing,
        "treat the node as tampered with: reboot it from a known image; nodeproof node log says where "
        "the log and the PCRs part");
  }

  // Empty: none.
  std::string differing_pcrs(const BootLog& log) const {
    std::string text;
    for (unsigned pcr = 0; pcr < kPcrCount; ++pcr) {
      const LoggedPcr* logged = log.find(pcr);
      const bool must = kBootPcrs.contains(pcr) || (kLoaderPcrs.contains(pcr) && logged != nullptr);
      const Sha256Digest* quoted = evidence.pcrs.find(pcr);
      if (!must || !quote->selection.contains(pcr) || quoted == nullptr) continue;
      const Sha256Digest replayed = logged == nullptr ? Sha256Digest{} : logged->value;
      if (*quoted == replayed) continue;
      text += (text.empty() ? "PCR " : "; PCR ") + std::to_string(pcr) + " is " +
              to_hex(*quoted).substr(0, kShownDigits) + "..., " + told(logged);
    }
    return text;
  }

  static std::string told(const LoggedPcr* logged) {
    if (logged == nullptr) return "of which the event log tells nothing";
    return "the event log tells " + to_hex(logged->value).substr(0, kShownDigits) + "..., ending in " +
           logged->last_event;
  }

  // Number 13: the log's word, once the PCRs prove it; on a confidential VM the paravisor's must agree.
  Finding secure_boot() const {
    constexpr Check kThis = Check::kSecureBoot;
    if (!boot.unverified_log) return not_checked(kThis, "no-event-log", "there is no event log of this boot");
    if (!has(Check::kEventLogReplay)) return premise_failed(kThis, Check::kEventLogReplay);
    const SecureBootVerdict& told = boot.unverified_log->value().secure_boot;
    const std::string state(to_string(told.state));
    if (told.state == SecureBootState::kUnprovable) {
      return failed(kThis, "unprovable",
                    "the event log does not prove the state of Secure Boot: " + told.reason,
                    "see nodeproof verify event-log; a log of another form than is known cannot be believed");
    }
    if (const auto stated = stated_secure_boot();
        stated && *stated != (told.state == SecureBootState::kEnabled)) {
      return failed(kThis, "disagrees",
                    std::string("the paravisor states that Secure Boot is ") +
                        (*stated ? "enabled" : "disabled") + ", the event log that it is " + state,
                    "treat the node as compromised until this is explained, and redeploy it");
    }
    return passed(kThis, told.reason.empty() ? state : state + "; " + told.reason);
  }

  // What the paravisor says, where the hardware vouches for its words.
  std::optional<bool> stated_secure_boot() const {
    const ConfidentialClaims* claims = boot.claims ? boot.claims->confidential() : nullptr;
    return claims != nullptr ? claims->runtime().secure_boot : std::nullopt;
  }

  // On Trusted Launch only the log says which VM it is.
  Finding logged_vm_id() const {
    constexpr Check kThis = Check::kVmId;
    if (auto unproven = unproven_pcrs(kThis)) return *std::move(unproven);
    if (!boot.unverified_log) return not_checked(kThis, "no-event-log", "no event log says which VM this is");
    if (!has(Check::kEventLogReplay)) return premise_failed(kThis, Check::kEventLogReplay);
    const auto& id = boot.unverified_log->value().vm_id;
    if (id) return passed(kThis, *id);
    const std::string what = "PCR 6 measures no VM id in a known form";
    if (!boot.strict) return not_checked(kThis, "not-measured", what);
    return failed(kThis, "not-measured", what, "use a VM whose firmware measures its id, or unset strict");
  }

  // PCR 6 is what Azure's firmware measured of the VM's id (azure-evidence 9).
  Finding vm_id() const {
    constexpr Check kThis = Check::kVmId;
    if (!confidential()) return logged_vm_id();
    // Claims are made only where it passed; those that are kept may be without findings that passed.
    if (!boot.claims && !has_passed(boot.findings, Check::kReportDataBinding))
      return premise_failed(kThis, Check::kReportDataBinding);
    if (!boot.unverified_vm) return premise_failed(kThis, Check::kRuntimeClaims);
    if (auto unproven = unproven_pcrs(kThis)) return *std::move(unproven);
    const auto& [id, known] = *boot.unverified_vm;
    const Sha256Digest* measured =
        quote->selection.contains(kVmIdPcr) ? evidence.pcrs.find(kVmIdPcr) : nullptr;
    if (measured != nullptr && std::find(known.begin(), known.end(), *measured) != known.end()) {
      return passed(kThis, id);
    }
    return failed(
        kThis, "pcr6-mismatch", "PCR 6 does not measure the VM id " + id,
        "the report and the vTPM are of different VMs, or the firmware measures more than is known");
  }

  // Passed, or left open by the class of the node.
  bool stands(Check check) const {
    const Finding* finding = find(out.findings, check);
    if (finding == nullptr || confidential())
      return finding != nullptr && finding->outcome == Outcome::kPassed;
    return finding->outcome != Outcome::kFailed;
  }

  void make_claims() {
    for (const Check check :
         {Check::kQuoteFormat, Check::kQuoteSignature, Check::kPcrSelection, Check::kPcrDigest}) {
      if (!has(check)) return;
    }
    if (!stands(Check::kAkName) || !stands(Check::kVmId)) return;
    // What was compared with the AK's name and with the PCRs says nothing more: thousands are kept.
    quote->qualified_signer = {};
    quote->pcr_digest = {};
    out.claims = QuoteClaims(*quote);
    out.claims->measured_boot_ = measured_boot;
    // Shares ownership with the verification, from which it was read.
    if (measured_boot == MeasuredBoot::kVerified)
      out.claims->log_ = std::shared_ptr<const BootLog>(boot.unverified_log, &boot.unverified_log->value());
    out.claims->unlogged_pcrs_ = evidence.pcrs.only(unlogged(out.claims->log_.get()));
  }

  // The quoted PCRs whose values `log` does not hold; null: all.
  PcrSelection unlogged(const BootLog* log) const {
    if (log == nullptr) return quote->selection;
    std::uint32_t bits = quote->selection.bits();
    for (unsigned pcr = 0; pcr < kPcrCount; ++pcr) {
      const LoggedPcr* logged = log->find(pcr);
      const Sha256Digest* quoted = evidence.pcrs.find(pcr);
      if (logged != nullptr && quoted != nullptr && logged->value == *quoted) bits &= ~(1U << pcr);
    }
    return PcrSelection(bits);
  }
};

QuoteVerification verify_quote(const QuoteEvidence& evidence, const BootVerification& boot,
                               const ExpectedQualifyingData& expected, const RequiredPcrs& required) {
  return QuoteVerifier{.evidence = evidence, .boot = boot, .expected = expected, .required = required}
      .verify();
}

}  // namespace nodeproof::attest
