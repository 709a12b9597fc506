// Numbers 1-9 and 15: one function per number, in their order.
#include <algorithm>

#include "attest/hcl_report.hpp"
#include "attest/verify.hpp"

namespace nodeproof::attest {
namespace {

constexpr std::size_t kBindingSize = 32;  // report_data: SHA-256 of the runtime claims, then zeros

Finding malformed(Check check, const Error& error, std::string remedy) {
  return failed(check, to_string(error.code), error.where + " " + error.detail, std::move(remedy));
}

}  // namespace

struct BootVerifier {
  const BootEvidence& evidence;
  const VerifyParameters& parameters;
  BootVerification out{};

  std::optional<HclReport> hcl{};
  std::optional<SnpReport> report{};
  Result<Certificate> vcek = select_vcek(evidence.certificates);
  std::optional<VcekExtensions> extensions{};
  std::optional<Product> product{};
  std::optional<RuntimeClaims> runtime{};
  std::optional<ValidityWindow> amd_validity{};
  std::optional<ValidityWindow> ak_validity{};

  BootVerification verify() {
    hcl_frame();
    snp_report();
    endorsement_key();
    certificate_chain();
    report_signature();
    report_data_binding();
    runtime_claims();
    ak_certificate();
    paravisor();
    ak_residency();
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

  // Number 1
  void hcl_frame() {
    auto parsed = parse_hcl_report(evidence.hcl_report);
    if (!parsed) {
      return add(
          malformed(Check::kHclFrame, parsed.error(), "read NV index 0x01400001 of a confidential VM anew"));
    }
    hcl = *parsed;
    add(passed(Check::kHclFrame));
  }

  // Number 2
  void snp_report() {
    report_format();
    if (!report) {
      add(premise_failed(Check::kVmpl, Check::kReportFormat));
      add(premise_failed(Check::kGuestPolicy, Check::kReportFormat));
      return;
    }
    add(report->vmpl == 0
            ? passed(Check::kVmpl)
            : failed(Check::kVmpl, "not-zero",
                     "the report was requested at VMPL " + std::to_string(report->vmpl),
                     "only the paravisor, at VMPL 0, speaks for a node: the report comes from elsewhere"));
    add(guest_policy());
  }

  void report_format() {
    if (!hcl) return add(premise_failed(Check::kReportFormat, Check::kHclFrame));
    auto parsed = parse_snp_report(hcl->hardware_report);
    if (!parsed) {
      return add(malformed(Check::kReportFormat, parsed.error(), "use a version that supports this report"));
    }
    if (parsed->signing_key != SigningKey::kVcek) {
      return add(failed(Check::kReportFormat, "unsupported", "report.key_info says VLEK; supported: VCEK",
                        "use a version that supports VLEKs"));
    }
    report = *parsed;
    add(passed(Check::kReportFormat, "version " + std::to_string(report->version)));
  }

  Finding guest_policy() const {
    const std::string remedy = "create the node without it: its memory is open to the host";
    if (report->debug_allowed()) {
      return failed(Check::kGuestPolicy, "debug-allowed", "the guest policy allows debugging", remedy);
    }
    if (report->migration_allowed()) {
      return failed(Check::kGuestPolicy, "migration-allowed", "the guest policy allows a migration agent",
                    remedy);
    }
    return passed(Check::kGuestPolicy, "no debugging, no migration agent");
  }

  // Number 3. A missing VCEK is a finding of number 4, the rest of which needs it.
  void endorsement_key() {
    for (const Check check : {Check::kProduct, Check::kChipId, Check::kTcbExtensions}) {
      if (!report)
        add(premise_failed(check, Check::kReportFormat));
      else if (!vcek)
        add(premise_failed(check, Check::kCertificateChain));
    }
    if (!report || !vcek) return;
    auto parsed = parse_vcek_extensions(*vcek);
    if (!parsed) {
      add(premise_failed(Check::kProduct, Check::kTcbExtensions));
      add(premise_failed(Check::kChipId, Check::kTcbExtensions));
      return add(
          malformed(Check::kTcbExtensions, parsed.error(), "supply the VCEK that AMD issued for this chip"));
    }
    extensions = *parsed;
    check_product();
    add(chip_id());
    add(tcb_extensions());
  }

  void check_product() {
    auto found = product_of(*report, *extensions);
    if (!found) {
      return add(malformed(Check::kProduct, found.error(), "supply the VCEK of this report's chip"));
    }
    product = *found;
    add(passed(Check::kProduct, std::string(to_string(*product))));
  }

  Finding chip_id() const {
    if (all_zero(report->chip_id)) {
      return failed(Check::kChipId, "masked", "the report's chip id is masked",
                    "ask the provider to unmask it: no VCEK can be tied to this chip");
    }
    if (extensions->hwid != report->chip_id) {
      return failed(Check::kChipId, "mismatch", "the VCEK is of another chip than the report",
                    "supply the VCEK of this chip; a node's own comes from its metadata service");
    }
    return passed(Check::kChipId);
  }

  Finding tcb_extensions() const {
    if (extensions->tcb == report->reported_tcb)
      return passed(Check::kTcbExtensions, describe(report->reported_tcb));
    return failed(
        Check::kTcbExtensions, "mismatch",
        "the VCEK is for " + describe(extensions->tcb) + ", the report's is " +
            describe(report->reported_tcb),
        "supply the VCEK for the report's TCB; after a host update the metadata service may lag behind");
  }

  // Number 4
  void certificate_chain() {
    if (!vcek)
      return add(malformed(Check::kCertificateChain, vcek.error(), "supply the VCEK with its chain"));
    if (!product) {
      const Check premise = extensions ? Check::kProduct
                            : report   ? Check::kTcbExtensions
                                       : Check::kReportFormat;
      return add(premise_failed(Check::kCertificateChain, premise));
    }
    AmdChain chain = verify_amd_chain(*vcek, evidence.certificates, *product, parameters.anchors,
                                      parameters.now, parameters.known_endorsements);
    for (Finding& finding : chain.findings) add(std::move(finding));
    amd_validity = chain.validity;
  }

  // Number 5: evaluated under the VCEK as supplied, whether or not its chain holds.
  void report_signature() {
    if (!report) return add(premise_failed(Check::kReportSignature, Check::kReportFormat));
    if (!vcek) return add(premise_failed(Check::kReportSignature, Check::kCertificateChain));
    const ByteView message = hcl->hardware_report.first(kSnpReportSignedSize);
    add(vcek->key().verify_ecdsa_p384(message, report->signature_r, report->signature_s)
            ? passed(Check::kReportSignature)
            : failed(Check::kReportSignature, "invalid", "the report is not signed by the VCEK",
                     "supply the VCEK of this chip and TCB; if it is the right one, the report was altered"));
  }

  // Number 6
  void report_data_binding() {
    if (!report) return add(premise_failed(Check::kReportDataBinding, Check::kReportFormat));
    const ByteView data = report->report_data;
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
    if (auto missing = missing_premise(Check::kReportFreshness, {Check::kRuntimeClaims}))
      return add(*missing);
    add(report_freshness());
  }

  void parse_claims() {
    if (!hcl) return add(premise_failed(Check::kRuntimeClaims, Check::kHclFrame));
    const auto parsed = parse_runtime_claims(hcl->runtime_claims);
    const auto ak = parsed ? Result<PublicKey>(parsed->ak) : parse_claimed_ak(hcl->runtime_claims);
    if (ak) out.unverified_ak = {*ak, ak_qualified_name(ak->rsa_modulus())};
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
    if (!evidence.ak_certificate) {
      return add(not_checked(Check::kAkCertificate, "no-ak-certificate", "no AK certificate was supplied",
                             "read NV index 0x01C101D0"));
    }
    if (!out.unverified_ak) return add(premise_failed(Check::kAkCertificate, Check::kRuntimeClaims));
    AkCertificateResult result = verify_ak_certificate(
        *evidence.ak_certificate, evidence.certificates, out.unverified_ak->key, NodeClass::kConfidential,
        parameters.anchors, parameters.now, parameters.ak_certificate_grace, parameters.known_endorsements);
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
    const std::string digest = to_hex(report->id_key_digest);
    const ParavisorReference* best = nullptr;
    for (const ParavisorReference& reference : parameters.reference_values) {
      if (reference.product != *product || reference.id_key_digest != report->id_key_digest) continue;
      if (best == nullptr || reference.minimum_guest_svn < best->minimum_guest_svn) best = &reference;
    }
    if (best == nullptr) {
      return failed(Check::kParavisor, "unknown-id-key",
                    "no reference value names ID key digest " + digest.substr(0, 16) + " on " +
                        std::string(to_string(*product)),
                    "if Microsoft published this digest, add it to the reference values");
    }
    if (report->guest_svn < best->minimum_guest_svn) {
      return failed(Check::kParavisor, "guest-svn-too-low",
                    "GUEST_SVN is " + std::to_string(report->guest_svn) + ", the minimum is " +
                        std::to_string(best->minimum_guest_svn),
                    "redeploy the node so that it gets a current paravisor");
    }
    return passed(Check::kParavisor, "ID key digest " + digest.substr(0, 16) + ", GUEST_SVN " +
                                         std::to_string(report->guest_svn));
  }

  // Number 15, first half: guest root can put a software key where the paravisor finds the AK, so
  // only a certificate for exactly that key shows that it lives in the vTPM.
  void ak_residency() {
    if (has(Check::kAkCertificate)) return add(passed(Check::kAkResidency, "by AK certificate"));
    if (evidence.ak_certificate) return add(premise_failed(Check::kAkResidency, Check::kAkCertificate));
    add(not_checked(Check::kAkResidency, "no-ak-certificate", "nothing shows that the AK lives in the vTPM",
                    "supply the AK certificate of NV index 0x01C101D0"));
  }

  void make_claims() {
    constexpr Check kVouchedBy[] = {
        Check::kHclFrame,          Check::kReportFormat,     Check::kVmpl,
        Check::kGuestPolicy,       Check::kProduct,          Check::kChipId,
        Check::kTcbExtensions,     Check::kCertificateChain, Check::kReportSignature,
        Check::kReportDataBinding, Check::kRuntimeClaims};
    if (!std::all_of(std::begin(kVouchedBy), std::end(kVouchedBy), [this](Check c) { return has(c); }))
      return;
    BootClaims claims(*report, *product, *runtime);
    claims.paravisor_genuine_ = has(Check::kParavisor);
    claims.ak_resident_ = has(Check::kAkResidency);
    claims.validity_ = *amd_validity;
    if (claims.ak_resident_ && ak_validity) {
      claims.validity_.from = std::max(claims.validity_.from, ak_validity->from);
      claims.validity_.until = std::min(claims.validity_.until, ak_validity->until);
    }
    out.claims = std::move(claims);
  }
};

BootVerification verify_boot(const BootEvidence& evidence, const VerifyParameters& parameters) {
  return BootVerifier{.evidence = evidence, .parameters = parameters}.verify();
}

}  // namespace nodeproof::attest
