#include <CLI/CLI.hpp>
#include <cstdlib>
#include <iostream>

#include "base/clock.hpp"
#include "cli/verify_azure_snp.hpp"
#include "cli/verify_snp_report.hpp"

namespace {

using nodeproof::cli::AzureSnpOptions;
using nodeproof::cli::SnpReportOptions;
using nodeproof::cli::TrustOptions;

constexpr const char* kFooter =
    R"(Exit codes: 0 verified, 1 refused, 2 usage or malformed input, 3 environment.)";

constexpr const char* kVerifyFooter =
    R"(Nothing is taken on trust but the pinned roots of AMD and Microsoft. Each check is listed as passed,
failed or not checked, with its reason; what one was not given the means to check is never passed over in
silence, and most checks must pass. Output is for people; --json is for programs.

Begin with: nodeproof verify azure-snp --help

Exit codes: 0 verified, 1 refused, 2 usage or malformed input, 3 environment.)";

constexpr const char* kAzureSnpFooter = R"(Files are raw as the TPM or firmware gives them:
  --hcl           NV index 0x01400001, padding and all
  --certificates  any mix of PEM and DER, in any order: VCEK, ASK, ARK, and the CAs of an AK certificate
  --quote         TPMS_ATTEST;  --signature raw RSASSA bytes or TPMT_SIGNATURE
  --pcrs          24 x 32 raw bytes, JSON {"0": "hex", ...}, or tpm2-tools' PCR file

Roots are pinned in the program. A quote is refused without --qualifying-data, because nothing else shows
that it is not an old one; --accept-unfresh leaves that one check open.

Example:
  nodeproof verify azure-snp --hcl hcl.bin --certificates vcek.der ask.pem ark.pem \
      --quote quote.msg --signature quote.sig --pcrs pcrs.bin --qualifying-data 6368616c6c656e6765

Exit codes: 0 verified, 1 refused, 2 usage or malformed input, 3 environment.)";

constexpr const char* kSnpReportFooter = R"(Files are raw as the firmware gives them:
  --report        1184 bytes, of version 2, 3 or 5
  --certificates  any mix of PEM and DER, in any order: VCEK, ASK and ARK, or VLEK, ASVK and ARK

Authenticity and guest policy are judged. The VMPL is only reported, and what REPORT_DATA means is not known
here: for a node of Azure use verify azure-snp.

Example:
  nodeproof verify snp-report --report report.bin --certificates vcek.der ask.pem ark.pem

Exit codes: 0 verified, 1 refused, 2 usage or malformed input, 3 environment.)";

void add_trust(CLI::App& verb, TrustOptions& options) {
  verb.add_option("--trust-anchor", options.trust_anchors,
                  "Roots beside the built-in ones, and vTPM intermediates; only for emulated nodes")
      ->type_name("FILE..");
  verb.add_option("--crl", options.revocation_lists, "Revocation lists of the CAs, PEM or DER, in date")
      ->type_name("FILE..");
  verb.add_option("--at", options.at, "Verify as of this time instead of now")->type_name("RFC3339");
}

void add_snp_report(CLI::App& verify, SnpReportOptions& options, int& exit_code) {
  CLI::App* verb = verify.add_subcommand("snp-report", "Verify an SEV-SNP report on its own");
  verb->footer(kSnpReportFooter);
  verb->add_option("--report", options.report, "SEV-SNP attestation report")->required()->type_name("FILE");
  verb->add_option("--certificates", options.certificates, "VCEK or VLEK and CA certificates")
      ->required()
      ->type_name("FILE..");
  add_trust(*verb, options);
  verb->add_flag("--json", options.json, "Print JSON");
  verb->callback([&options, &exit_code] {
    exit_code =
        nodeproof::cli::verify_snp_report(options, nodeproof::SystemClock().now(), std::cout, std::cerr);
  });
}

void add_azure_snp(CLI::App& verify, AzureSnpOptions& options, int& exit_code) {
  CLI::App* verb = verify.add_subcommand("azure-snp", "Verify evidence of an Azure SEV-SNP confidential VM");
  verb->footer(kAzureSnpFooter);
  verb->add_option("--hcl", options.hcl, "HCL report")->required()->type_name("FILE");
  verb->add_option("--certificates", options.certificates, "VCEK and CA certificates")
      ->required()
      ->type_name("FILE..");
  verb->add_option("--ak-certificate", options.ak_certificate, "AK certificate, NV index 0x01C101D0")
      ->type_name("FILE");
  verb->add_option("--user-data", options.user_data, "The 64 bytes that NV index 0x01400002 held")
      ->type_name("HEX");
  verb->add_option("--reference-values", options.reference_values,
                   "Genuine paravisors, instead of the built-in list")
      ->type_name("FILE");
  verb->add_option("--quote", options.quote, "TPM quote")->type_name("FILE");
  verb->add_option("--signature", options.signature, "Signature of the quote")->type_name("FILE");
  verb->add_option("--pcrs", options.pcrs, "PCR values of the SHA-256 bank")->type_name("FILE");
  CLI::Option* data =
      verb->add_option("--qualifying-data", options.qualifying_data, "The challenge in the quote")
          ->type_name("HEX");
  verb->add_flag("--accept-unfresh", options.accept_unfresh, "Leave the age of the quote open")
      ->excludes(data);
  add_trust(*verb, options);
  verb->add_flag("--json", options.json, "Print JSON");
  verb->callback([&options, &exit_code] {
    exit_code =
        nodeproof::cli::verify_azure_snp(options, nodeproof::SystemClock().now(), std::cout, std::cerr);
  });
}

}  // namespace

int main(int argc, char** argv) {
  // tss2-mu writes its own lines to standard error about a quote that does not parse; the finding says it.
  ::setenv("TSS2_LOG", "all+none", 0);
  CLI::App app("Verifies and explains the attestation of cluster nodes, offline.", "nodeproof");
  app.set_version_flag("--version", NODEPROOF_VERSION);
  app.require_subcommand(1);
  app.footer(kFooter);
  CLI::App* verify = app.add_subcommand("verify", "Verify evidence: every check with its outcome and reason");
  verify->require_subcommand(1);
  verify->footer(kVerifyFooter);
  AzureSnpOptions azure_snp;
  int exit_code = nodeproof::cli::kUsage;
  add_azure_snp(*verify, azure_snp, exit_code);
  SnpReportOptions snp_report;
  add_snp_report(*verify, snp_report, exit_code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : nodeproof::cli::kUsage;
  }
  return exit_code;
}
