// Number 10, the qualifying data of number 11, and the VM id of number 14.
#include <algorithm>

#include "attest/verify.hpp"

namespace nodeproof::attest {
namespace {

constexpr unsigned kVmIdPcr = 6;

}  // namespace

struct QuoteVerifier {
  const QuoteEvidence& evidence;
  const BootVerification& boot;
  const ExpectedQualifyingData& expected;
  const RequiredPcrs& required;
  QuoteVerification out{};
  std::optional<TpmQuote> quote{};

  QuoteVerification verify() {
    out.findings.reserve(all_checks().size());
    quote_format();
    ak_name();
    add(quote_signature());
    add(pcr_selection());
    add(pcr_digest());
    add(qualifying_data());
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
    if (!boot.unverified_ak) return add(premise_failed(Check::kAkName, Check::kRuntimeClaims));
    if (equal(quote->qualified_signer, boot.unverified_ak->qualified_name)) {
      return add(passed(Check::kAkName));
    }
    add(failed(Check::kAkName, "mismatch",
               "the quote names another signer than the AK under Azure's template",
               "the key at 0x81000003 is not the one that the paravisor made: redeploy the node"));
  }

  Finding quote_signature() const {
    if (!boot.unverified_ak) return premise_failed(Check::kQuoteSignature, Check::kRuntimeClaims);
    const auto signature = parse_quote_signature(evidence.signature);
    if (!signature) {
      return failed(Check::kQuoteSignature, to_string(signature.error().code),
                    signature.error().where + " " + signature.error().detail, "quote anew with TPM2_Quote");
    }
    if (boot.unverified_ak->key.verify_rsassa_sha256(evidence.attest, *signature))
      return passed(Check::kQuoteSignature);
    return failed(Check::kQuoteSignature, "invalid",
                  "the quote is not signed by the AK that the hardware report names",
                  "treat the node as compromised until its vTPM is explained, and redeploy it");
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

  // PCR 6 is what Azure's firmware measured of the VM's id (azure-evidence 9).
  Finding vm_id() const {
    constexpr Check kThis = Check::kVmId;
    // Claims are made only where it passed; those that are kept may be without findings that passed.
    if (!boot.claims && !has_passed(boot.findings, Check::kReportDataBinding))
      return premise_failed(kThis, Check::kReportDataBinding);
    if (!boot.unverified_vm) return premise_failed(kThis, Check::kRuntimeClaims);
    for (const Check premise : {Check::kQuoteSignature, Check::kPcrSelection, Check::kPcrDigest}) {
      if (!has(premise)) return premise_failed(kThis, premise);
    }
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

  void make_claims() {
    for (const Check check : {Check::kQuoteFormat, Check::kAkName, Check::kQuoteSignature,
                              Check::kPcrSelection, Check::kPcrDigest, Check::kVmId}) {
      if (!has(check)) return;
    }
    out.claims = QuoteClaims(*quote, evidence.pcrs.only(quote->selection));
  }
};

QuoteVerification verify_quote(const QuoteEvidence& evidence, const BootVerification& boot,
                               const ExpectedQualifyingData& expected, const RequiredPcrs& required) {
  return QuoteVerifier{.evidence = evidence, .boot = boot, .expected = expected, .required = required}
      .verify();
}

}  // namespace nodeproof::attest
