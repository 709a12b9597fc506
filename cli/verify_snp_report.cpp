#include "cli/verify_snp_report.hpp"

#include <ostream>

#include "base/file.hpp"

namespace nodeproof::cli {
namespace {

void print_vmpl(std::ostream& out, const Verdict& verdict) {
  if (!verdict.report) return;
  out << "The report was requested at VMPL " << verdict.report->report()->vmpl
      << ", which is for you to judge: who runs there, and what its REPORT_DATA means.\n";
}

Result<ExitCode> judge(const SnpReportOptions& options, UnixTime now, std::ostream& out, std::ostream& err) {
  NODEPROOF_TRY(trust, read_trust(options, now));
  NODEPROOF_TRY(certificates, read_certificates(options.certificates));
  const attest::ReportEvidence evidence{read_file(options.report, kMaxFile), std::move(certificates)};
  name_extra_anchors(err, trust.anchors);
  const Verdict verdict =
      report_verdict(attest::verify_snp_report(evidence, {.anchors = trust.anchors,
                                                          .reference_values = {},
                                                          .now = trust.at,
                                                          .revocation_lists = trust.revocation_lists}));
  if (options.json) {
    print_json(out, verdict);
  } else {
    print_checklist(out, verdict);
    print_vmpl(out, verdict);
  }
  return verdict.verified() ? kVerified : kRefused;
}

}  // namespace

ExitCode verify_snp_report(const SnpReportOptions& options, UnixTime now, std::ostream& out,
                           std::ostream& err) {
  return run_verb("verify snp-report", err, [&] { return judge(options, now, out, err); });
}

}  // namespace nodeproof::cli
