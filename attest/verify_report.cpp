// Numbers 2 to 5: one function per number, in their order.
#include "attest/verify_report.hpp"

#include <algorithm>

namespace nodeproof::attest {

struct ReportVerifier {
  const std::optional<ByteView>& bytes;
  const Check holder = Check::kReportFormat;
  const std::vector<Certificate>& certificates;
  const ReportOf use = ReportOf::kNode;  // the stricter one
  const VerifyParameters& parameters;
  JudgedReport out{};

  Result<Certificate> key =
      Error{Errc::kMissing, "certificates", "no report says which kind of key signed it"};
  std::optional<KeyExtensions> extensions{};
  std::optional<ByteArray<64>> hwid{};  // of a VCEK
  std::optional<std::string> csp_id{};  // of a VLEK
  std::optional<ValidityWindow> validity{};

  JudgedReport verify() {
    out.findings.reserve(all_checks().size());
    report_format();
    if (!out.report) return without_report();
    if (use == ReportOf::kNode) add(vmpl());
    add(guest_policy());
    key = select_endorsement_key(certificates, out.report->signing_key);
    endorsement_key();
    certificate_chain();
    report_signature();
    make_claims();
    return std::move(out);
  }

  void add(Finding finding) { out.findings.push_back(std::move(finding)); }
  std::string kind() const { return std::string(to_string(out.report->signing_key)); }
  bool has_chip_id() const { return out.report->signing_key == SigningKey::kVcek; }

  JudgedReport without_report() {
    for (const Check check : {Check::kVmpl, Check::kGuestPolicy, Check::kProduct, Check::kChipId,
                              Check::kTcbExtensions, Check::kCertificateChain, Check::kReportSignature}) {
      if (check == Check::kVmpl && use == ReportOf::kAnybody) continue;
      add(premise_failed(check, Check::kReportFormat));
    }
    return std::move(out);
  }

  // Number 2
  void report_format() {
    if (!bytes) return add(premise_failed(Check::kReportFormat, holder));
    auto parsed = parse_snp_report(*bytes);
    if (!parsed) return add(without_format(parsed.error()));
    if (use == ReportOf::kNode && parsed->signing_key != SigningKey::kVcek) {
      return add(
          failed(Check::kReportFormat, "not-vcek",
                 "report.key_info says VLEK; the reports of Azure's confidential VMs are signed by VCEKs",
                 "take the report from the node's own vTPM; verify snp-report judges one of elsewhere"));
    }
    out.report = *std::move(parsed);
    add(passed(Check::kReportFormat, "version " + std::to_string(out.report->version)));
  }

  static Finding without_format(const Error& error) {
    constexpr Check kThis = Check::kReportFormat;
    switch (error.code) {
      case Errc::kOtherKind:
        return failed(kThis, to_string(Errc::kUnsupported), error.where + " " + error.detail,
                      "ask the provider for reports that the chip's own key (VCEK) signs");
      case Errc::kTruncated:
      case Errc::kTrailing:
        return malformed(kThis, error, "take the report anew, all of its 1184 bytes and nothing else");
      default:
        return malformed(kThis, error, "use a version of nodeproof that supports this report");
    }
  }

  Finding vmpl() const {
    if (out.report->vmpl == 0) return passed(Check::kVmpl);
    return failed(Check::kVmpl, "not-zero",
                  "the report was requested at VMPL " + std::to_string(out.report->vmpl),
                  "only the paravisor, at VMPL 0, speaks for a node: the report comes from elsewhere");
  }

  Finding guest_policy() const {
    const std::string remedy = "create the node without it: its memory is open to the host";
    if (out.report->debug_allowed()) {
      return failed(Check::kGuestPolicy, "debug-allowed", "the guest policy allows debugging", remedy);
    }
    if (out.report->migration_allowed()) {
      return failed(Check::kGuestPolicy, "migration-allowed", "the guest policy allows a migration agent",
                    remedy);
    }
    return passed(Check::kGuestPolicy, "no debugging, no migration agent");
  }

  // Number 3. A missing key is a finding of number 4, the rest of which needs it.
  void endorsement_key() {
    if (!key) return skip_number_3(Check::kCertificateChain);
    if (const Status parsed = parse_extensions(); !parsed) {
      skip_number_3(Check::kTcbExtensions);
      return add(malformed(Check::kTcbExtensions, parsed.error(),
                           "supply the " + kind() + " that AMD issued for this report's TCB"));
    }
    check_product();
    if (has_chip_id()) add(chip_id());
    add(tcb_extensions());
  }

  void skip_number_3(Check premise) {
    add(premise_failed(Check::kProduct, premise));
    if (has_chip_id()) add(premise_failed(Check::kChipId, premise));
    if (premise != Check::kTcbExtensions) add(premise_failed(Check::kTcbExtensions, premise));
  }

  Status parse_extensions() {
    if (has_chip_id()) {
      NODEPROOF_TRY(parsed, parse_vcek_extensions(*key));
      hwid = parsed.hwid;
      extensions = std::move(parsed);
    } else {
      NODEPROOF_TRY(parsed, parse_vlek_extensions(*key));
      csp_id = parsed.csp_id;
      extensions = std::move(parsed);
    }
    return Ok{};
  }

  void check_product() {
    auto found = product_of(*out.report, *extensions);
    if (!found) {
      return add(
          malformed(Check::kProduct, found.error(), "supply the " + kind() + " of this report's chip"));
    }
    out.product = *found;
    add(passed(Check::kProduct, std::string(to_string(*out.product))));
  }

  Finding chip_id() const {
    if (all_zero(out.report->chip_id)) {
      return failed(Check::kChipId, "masked", "the report's chip id is masked",
                    "ask the provider to unmask it: no VCEK can be tied to this chip");
    }
    if (hwid != out.report->chip_id) {
      return failed(Check::kChipId, "mismatch", "the VCEK is of another chip than the report",
                    "supply the VCEK of this chip; a node's own comes from its metadata service");
    }
    return passed(Check::kChipId);
  }

  Finding tcb_extensions() const {
    const TcbVersion& reported = out.report->reported_tcb;
    if (extensions->tcb == reported) return passed(Check::kTcbExtensions, describe(reported));
    return failed(
        Check::kTcbExtensions, "mismatch",
        "the " + kind() + " is for " + describe(extensions->tcb) + ", the report's is " + describe(reported),
        "supply the " + kind() +
            " for the report's TCB; after a host update the metadata service may lag behind");
  }

  // Number 4
  void certificate_chain() {
    if (!key) {
      return add(
          malformed(Check::kCertificateChain, key.error(), "supply the " + kind() + " with its chain"));
    }
    if (!out.product) {
      const Check premise = extensions ? Check::kProduct : Check::kTcbExtensions;
      return add(premise_failed(Check::kCertificateChain, premise));
    }
    AmdChain chain =
        verify_amd_chain(*key, certificates, *out.product, parameters.anchors, parameters.revocation_lists,
                         parameters.now, parameters.known_endorsements);
    for (Finding& finding : chain.findings) add(std::move(finding));
    validity = chain.validity;
  }

  // Number 5: evaluated under the key as supplied, whether or not its chain holds.
  void report_signature() {
    if (!key) return add(premise_failed(Check::kReportSignature, Check::kCertificateChain));
    const SnpReport& report = *out.report;
    const ByteView message = bytes->first(kSnpReportSignedSize);
    add(key->key().verify_ecdsa_p384(message, report.signature_r, report.signature_s)
            ? passed(Check::kReportSignature)
            : failed(Check::kReportSignature, "invalid", "the report is not signed by the " + kind(),
                     "supply the " + kind() +
                         " of this chip and TCB; if it is the right one, the report was altered"));
  }

  void make_claims() {
    const bool all_passed = std::all_of(out.findings.begin(), out.findings.end(), [](const Finding& finding) {
      return finding.outcome == Outcome::kPassed;
    });
    if (!all_passed || !out.product || !validity) return;
    out.claims = ReportClaims(*out.report, *out.product, csp_id, *validity);
  }
};

JudgedReport verify_report(const std::optional<ByteView>& report, Check holder,
                           const std::vector<Certificate>& certificates, ReportOf use,
                           const VerifyParameters& parameters) {
  return ReportVerifier{
      .bytes = report, .holder = holder, .certificates = certificates, .use = use, .parameters = parameters}
      .verify();
}

ReportVerification verify_snp_report(const ReportEvidence& evidence, const VerifyParameters& parameters) {
  const std::optional<ByteView> bytes = evidence.report;
  JudgedReport judged =
      verify_report(bytes, Check::kReportFormat, evidence.certificates, ReportOf::kAnybody, parameters);
  return {std::move(judged.findings), std::move(judged.claims)};
}

}  // namespace nodeproof::attest
