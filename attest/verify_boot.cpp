// Numbers 1-9 and 15 of a confidential VM: one function per number, in their order; 2-5 are in
// verify_report.cpp.
#include <algorithm>
#include <iterator>

#include "attest/hcl_report.hpp"
#include "attest/verify_report.hpp"

namespace nodeproof::attest {
namespace {

constexpr std::size_t kBindingSize = 32;  // report_data: SHA-256 of the runtime claims, then zeros

}  // namespace

struct BootVerifier {
  const BootEvidence& evidence;
  const VerifyParameters& parameters;
  BootVerification out{};

  std::optional<HclReport> hcl{};
  JudgedReport snp{};
  std::optional<RuntimeClaims> runtime{};
  std::optional<ValidityWindow> ak_validity{};

  BootVerification verify() {
    out.findings.reserve(all_checks().size());
    hcl_frame();
    snp_report();
    report_data_binding();
    runtime_claims();
    ak_certificate();
    paravisor();
    add(residency());
    out.unverified_log = read_boot_log_if_any(evidence.event_log, parameters.known_pcrs);
    make_claims();
    return std::move(out);
  }

  void add(Finding finding) { out.findings.push_back(std::move(finding)); }
  bool has(Check check) const { return has_passed(out.findings, check); }

  // The first of `premises` that has not passed, as a finding for `check`; nothing when all have.
  std::optional<Finding> missing_premise(Check check, std::initializer_list<Check> premises) const {
    for (const Check premise : premises) {
      if (!has(premise)) return premise_failed(check, premise);
    }
    return std::nullopt;
  }

  static Finding without_frame(const Error& error) {
    switch (error.code) {
      case Errc::kOtherKind:
        return failed(Check::kHclFrame, std::string(kOtherTee), error.where + " " + error.detail,
                      "use a node pool of an AMD SEV-SNP confidential VM size");
      case Errc::kUnsupported:
        return malformed(Check::kHclFrame, error, "use a version of nodeproof that supports this report");
      default:
        return malformed(Check::kHclFrame, error, "read NV index 0x01400001 of a confidential VM anew");
    }
  }

  // Number 1
  void hcl_frame() {
    auto parsed = parse_hcl_report(evidence.hcl_report);
    if (!parsed) return add(without_frame(parsed.error()));
    hcl = *parsed;
    add(passed(Check::kHclFrame));
  }

  // Numbers 2 to 5
  void snp_report() {
    std::optional<ByteView> bytes;
    if (hcl) bytes = hcl->hardware_report;
    snp = verify_report(bytes, Check::kHclFrame, evidence.certificates, ReportOf::kNode, parameters);
    std::move(snp.findings.begin(), snp.findings.end(), std::back_inserter(out.findings));
  }

  // Number 6
  void report_data_binding() {
    if (!snp.report) return add(premise_failed(Check::kReportDataBinding, Check::kReportFormat));
    const ByteView data = snp.report->report_data;
    if (!equal(data.first(kBindingSize), sha256(hcl->runtime_claims))) {
      return add(failed(Check::kReportDataBinding, "mismatch",
                        "report_data is not the hash of the runtime claims",
                        "treat the evidence as altered: the claims are not those that the hardware signed"));
    }
    if (!all_zero(data.subspan(kBindingSize))) {
      return add(failed(Check::kReportDataBinding, "not-zero", "the upper half of report_data is not zero",
                        "the report was not made by the paravisor"));
    }
    add(passed(Check::kReportDataBinding));
  }

  // Number 7
  void runtime_claims() {
    parse_claims();
    add(runtime ? report_freshness() : premise_failed(Check::kReportFreshness, Check::kRuntimeClaims));
  }

  void parse_claims() {
    if (!hcl) return add(premise_failed(Check::kRuntimeClaims, Check::kHclFrame));
    const auto parsed = parse_runtime_claims(hcl->runtime_claims);
    const auto ak = parsed ? Result<PublicKey>(parsed->ak) : parse_claimed_ak(hcl->runtime_claims);
    if (ak) out.unverified_ak.emplace(*ak);
    if (auto missing = missing_premise(Check::kRuntimeClaims, {Check::kReportDataBinding}))
      return add(*missing);
    if (!parsed) {
      return add(
          malformed(Check::kRuntimeClaims, parsed.error(), "the paravisor's claims are not of a known form"));
    }
    runtime = *parsed;
    const std::string& id = runtime->vm_unique_id;
    out.unverified_vm = {id, {vm_id_pcr6(id, false), vm_id_pcr6(id, true)}};
    add(passed(Check::kRuntimeClaims));
  }

  // Never a failure: the guest may not have written a challenge, or something else wrote its own.
  Finding report_freshness() const {
    constexpr Check kThis = Check::kReportFreshness;
    if (!parameters.report_challenge)
      return not_checked(kThis, "no-challenge", "no challenge is known for this report");
    if (!runtime->user_data || all_zero(*runtime->user_data)) {
      return not_checked(kThis, "challenge-absent", "the report carries no challenge");
    }
    if (!equal(*runtime->user_data, *parameters.report_challenge)) {
      return not_checked(kThis, "challenge-differs",
                         "the report carries another challenge than the expected one");
    }
    return passed(kThis);
  }

  // Number 8
  void ak_certificate() {
    if (!evidence.ak_certificate) return add(no_ak_certificate());
    if (!out.unverified_ak) return add(premise_failed(Check::kAkCertificate, Check::kRuntimeClaims));
    AkCertificateResult result =
        verify_ak_certificate(*evidence.ak_certificate, evidence.certificates, out.unverified_ak->key,
                              NodeClass::kConfidential, parameters.anchors, parameters.revocation_lists,
                              parameters.now, parameters.ak_certificate_grace, parameters.known_endorsements);
    ak_validity = result.validity;
    add(std::move(result.finding));
  }

  // Number 9: AMD's signature proves some genuine chip; only this proves Microsoft's paravisor.
  void paravisor() {
    if (auto missing = missing_premise(
            Check::kParavisor, {Check::kReportFormat, Check::kProduct, Check::kChipId, Check::kTcbExtensions,
                                Check::kCertificateChain, Check::kReportSignature})) {
      return add(*missing);
    }
    add(match_reference_values());
  }

  Finding match_reference_values() const {
    const SnpReport& report = *snp.report;
    const std::string digest = to_hex(report.id_key_digest);
    const ParavisorReference* best = nullptr;
    for (const ParavisorReference& reference : parameters.reference_values) {
      if (reference.product != *snp.product || reference.id_key_digest != report.id_key_digest) continue;
      if (best == nullptr || reference.minimum_guest_svn < best->minimum_guest_svn) best = &reference;
    }
    if (best == nullptr) {
      return failed(Check::kParavisor, "unknown-id-key",
                    "no reference value names ID key digest " + digest.substr(0, 16) + " on " +
                        std::string(to_string(*snp.product)),
                    "if Microsoft published this digest, add it to the reference values");
    }
    if (report.guest_svn < best->minimum_guest_svn) {
      return failed(Check::kParavisor, "guest-svn-too-low",
                    "GUEST_SVN is " + std::to_string(report.guest_svn) + ", the minimum is " +
                        std::to_string(best->minimum_guest_svn),
                    "redeploy the node so that it gets a current paravisor");
    }
    return passed(Check::kParavisor, "ID key digest " + digest.substr(0, 16) + ", GUEST_SVN " +
                                         std::to_string(report.guest_svn));
  }

  // Number 15: by certificate, and where there is none by what only a vTPM with this EK could open. Of the EK
  // the paravisor alone speaks: another than a genuine one may name a key of its own making.
  Finding residency() {
    constexpr Check kThis = Check::kAkResidency;
    Finding by_certificate = residency_by_certificate(out.findings, evidence.ak_certificate.has_value());
    if (evidence.ak_certificate || !runtime || runtime->ek_modulus.empty()) return by_certificate;
    if (auto missing = missing_premise(kThis, {Check::kParavisor})) return *std::move(missing);
    out.activation = std::make_shared<const ActivationTarget>(
        ActivationTarget{out.unverified_ak->name, runtime->ek_modulus});
    if (!evidence.activation) {
      return not_checked(kThis, "activation-outstanding",
                         "there is no AK certificate, and the node's vTPM has not opened a credential yet",
                         "wait for the node's agent to answer the credential in its NodeAttestation");
    }
    if (!parameters.activation) {
      return not_checked(kThis, "activation-key-unknown",
                         "the key that the answer to the credential was made of is not known here",
                         "wait for the node's agent to answer a newer credential");
    }
    const auto& [key, node_uid] = *parameters.activation;
    const Bytes name = ak_name(runtime->ak.rsa_modulus());
    if (equal(*evidence.activation, activation_secret(key, name, out.activation->ek_digest(), node_uid)))
      return passed(kThis, "by activation");
    return failed(kThis, "activation-wrong", "the answer is not what the credential for the AK holds",
                  "treat the node as compromised: its attestation key does not live in its vTPM");
  }

  Residency proven_residency() const {
    if (!has(Check::kAkResidency)) return Residency::kUnproven;
    return ak_validity ? Residency::kCertificate : Residency::kActivation;
  }

  void make_claims() {
    if (!snp.claims || !has(Check::kHclFrame) || !has(Check::kReportDataBinding) ||
        !has(Check::kRuntimeClaims))
      return;
    // It is there when its check passed. Were it not, a claim would be made of nothing.
    if (!runtime || !out.unverified_ak) return;
    const Residency residency = proven_residency();
    ValidityWindow validity = snp.claims->validity();
    if (residency == Residency::kCertificate) {
      validity.from = std::max(validity.from, ak_validity->from);
      validity.until = std::min(validity.until, ak_validity->until);
    }
    ConfidentialClaims confidential(*snp.claims, *runtime, has(Check::kParavisor));
    out.claims = BootClaims(std::make_shared<const ConfidentialClaims>(std::move(confidential)),
                            out.unverified_ak->name, residency, validity);
  }
};

void BootVerification::condense() {
  if (!claims) return;
  std::erase_if(findings, [](const Finding& finding) { return finding.outcome == Outcome::kPassed; });
  findings.shrink_to_fit();
  claims->condense();
  if (unverified_ak) unverified_ak->key.condense();
}

BootVerification verify_boot(const BootEvidence& evidence, const VerifyParameters& parameters) {
  return BootVerifier{.evidence = evidence, .parameters = parameters}.verify();
}

}  // namespace nodeproof::attest
