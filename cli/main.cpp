#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <CLI/CLI.hpp>

#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "cli/cluster_verbs.hpp"
#include "cli/inspect.hpp"
#include "cli/node_log.hpp"
#include "cli/verify_azure_snp.hpp"
#include "cli/verify_event_log.hpp"
#include "cli/verify_node.hpp"
#include "cli/verify_snp_report.hpp"
#include "cli/verify_trusted_launch.hpp"

namespace {

using nodeproof::cli::add_trust;
using nodeproof::cli::AzureSnpOptions;
using nodeproof::cli::EventLogOptions;
using nodeproof::cli::InspectOptions;
using nodeproof::cli::NodeOptions;
using nodeproof::cli::QuoteOptions;
using nodeproof::cli::SnpReportOptions;
using nodeproof::cli::TrustedLaunchOptions;

constexpr const char* kFooter = R"(What to run first:
  nodeproof inspect FILE             what is this file? Prints it; verifies nothing
  nodeproof nodes                    which nodes of my cluster are proven, and what does that cover?
  nodeproof verify node NODE         is this node of my cluster what it says? (needs a kubeconfig)
  nodeproof explain pod NS/NAME      may this pod be placed, on which nodes, and why not?
  nodeproof pods --unproven          which sensitive pods run without proof?
  nodeproof policy test -f FILE      what does this policy demand, and can it be used?
  nodeproof gate check -n NS         does the gate refuse and admit as it must?
  nodeproof verify azure-snp --help  is the evidence I took from a VM genuine? Says how to take it

Exit codes of every verb: 0 verified (or recognised), 1 refused, 2 usage or malformed input, 3 environment:
a file, TPM or cluster that cannot be reached. --json prints JSON on standard output; errors are on standard
error and say what to do. A file named - is standard input.)";

constexpr const char* kVerifyFooter =
    R"(Nothing is taken on trust but the pinned roots of AMD and Microsoft. Each check is listed as passed,
failed or not checked, with its reason; what one was not given the means to check is never passed over in
silence, and most checks must pass. Output is for people; --json is for programs.

Begin with: nodeproof verify node NODE, or nodeproof verify azure-snp --help

Exit codes: 0 verified, 1 refused, 2 usage or malformed input, 3 environment.)";

constexpr const char* kAzureSnpFooter = R"(Files are raw as the TPM or firmware gives them:
  --hcl           NV index 0x01400001, padding and all
  --certificates  any mix of PEM and DER, in any order: VCEK, ASK, ARK, and the CAs of an AK certificate
  --quote         TPMS_ATTEST;  --signature raw RSASSA bytes or TPMT_SIGNATURE
  --pcrs          24 x 32 raw bytes, JSON {"0": "hex", ...}, or tpm2-tools' PCR file

Where they come from, on the VM, with tpm2-tools and jq:
  C=$(openssl rand -hex 32)                       # the challenge; make it where you verify, not on the VM
  tpm2_nvread -C o 0x01400001 > hcl.bin
  tpm2_nvread -C o 0x01C101D0 > ak-certificate.bin
  curl -sH Metadata:true http://169.254.169.254/metadata/THIM/amd/certification |
      jq -r '.vcekCert + .certificateChain' > chain.pem
  tpm2_quote -c 0x81000003 -l sha256:0,1,2,3,4,5,6,7,8,9,11,12,13,14,15 -q $C -m quote.msg -s quote.sig -o pcrs.bin

Roots are pinned in the program. A quote is refused without --qualifying-data, because nothing else shows
that it is not an old one; --accept-unfresh leaves that one check open.

Example:
  nodeproof verify azure-snp --hcl hcl.bin --certificates chain.pem --ak-certificate ak-certificate.bin \
      --quote quote.msg --signature quote.sig --pcrs pcrs.bin --qualifying-data $C

Exit codes: 0 verified, 1 refused, 2 usage or malformed input, 3 environment.)";

constexpr const char* kSnpReportFooter = R"(Files are raw as the firmware gives them:
  --report        1184 bytes, of version 2, 3 or 5
  --certificates  any mix of PEM and DER, in any order: VCEK, ASK and ARK, or VLEK, ASVK and ARK

Authenticity and guest policy are judged. The VMPL is only reported, and what REPORT_DATA means is not known
here: for a node of Azure use verify azure-snp.

Example:
  nodeproof verify snp-report --report report.bin --certificates vcek.der ask.pem ark.pem

Exit codes: 0 verified, 1 refused, 2 usage or malformed input, 3 environment.)";

void add_quote(CLI::App& verb, QuoteOptions& options) {
  verb.add_option("--quote", options.quote, "TPM quote")->type_name("FILE");
  verb.add_option("--signature", options.signature, "Signature of the quote")->type_name("FILE");
  verb.add_option("--pcrs", options.pcrs, "PCR values of the SHA-256 bank")->type_name("FILE");
  CLI::Option* data =
      verb.add_option("--qualifying-data", options.qualifying_data, "The challenge in the quote")
          ->type_name("HEX");
  verb.add_flag("--accept-unfresh", options.accept_unfresh, "Leave the age of the quote open")
      ->excludes(data);
  verb.add_option("--event-log", options.event_log,
                  "Firmware's event log, /sys/kernel/security/tpm0/binary_bios_measurements")
      ->type_name("FILE");
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

constexpr const char* kNodeFooter =
    R"(Judges NodeEvidence and NodeQuote of one node as the webhook does, but for what needs the cluster's epoch key:
who made the nonce that the quote answers (epoch-origin), and so the quote's age, and whether the report
carries a recent challenge (report-freshness). Those are listed as not checked. A quote that somebody kept
for a day therefore still passes here; the webhook refuses it.

From a cluster the Node object is compared too (UID, boot ID). The kubeconfig is --kubeconfig, else those of
KUBECONFIG, read as kubectl reads them, else ~/.kube/config. A program that it names to log in with (exec, such
as kubelogin) is run; passwords, impersonation and proxies are refused.
It needs the right to get nodes, nodeevidences and nodequotes.

Examples:
  nodeproof verify node worker-7
  kubectl get nodeevidence/worker-7 nodequote/worker-7 node/worker-7 -o yaml | nodeproof verify node -f -
  nodeproof verify node worker-7 -f all-nodes.yaml --at 2026-08-25T00:00:00Z --json

Exit codes: 0 verified, 1 refused, 2 usage or malformed input, 3 environment.)";

constexpr const char* kInspectFooter =
    R"(Knows HCL and SNP reports, TD quotes, certificates, CRLs and keys (PEM, DER, padded as NV holds them),
TPM quotes, signatures, public areas and PCR files, TCG event logs, IMA lists, UEFI variables, JSON web
tokens, AdmissionReviews, NodeEvidence, NodeQuote and other Kubernetes objects, JSON and YAML.

A file that is almost one of these is shown as far as it goes, with what is wrong and where.

Examples:
  nodeproof inspect hcl.bin
  tpm2_nvread -C o 0x01400001 | nodeproof inspect -
  kubectl get nodequote worker-7 -o yaml | nodeproof inspect --json -

Exit codes: 0 recognised, 2 not recognised or usage, 3 the file cannot be read.)";

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
  add_quote(*verb, options);
  add_trust(*verb, options);
  verb->add_flag("--json", options.json, "Print JSON");
  verb->callback([&options, &exit_code] {
    exit_code =
        nodeproof::cli::verify_azure_snp(options, nodeproof::SystemClock().now(), std::cout, std::cerr);
  });
}

constexpr const char* kTrustedLaunchFooter = R"(Files are raw as the TPM or firmware gives them:
  --ak-certificate  NV index 0x01C101D0, padding and all, or PEM
  --certificates    intermediates beside the built-in ones, PEM or DER
  --quote           TPMS_ATTEST;  --signature raw RSASSA bytes or TPMT_SIGNATURE
  --pcrs            24 x 32 raw bytes, JSON {"0": "hex", ...}, or tpm2-tools' PCR file
  --event-log       /sys/kernel/security/tpm0/binary_bios_measurements

The vTPM of a Trusted Launch VM is run by the host: a verdict says nothing against the host's operator. Which VM
it is, and whether Secure Boot is on, comes from the event log alone. How the AK and the VM id look is
established for confidential VMs only: without --strict, what differs from those is listed as not checked.

Where they come from, on the VM, with tpm2-tools:
  C=$(openssl rand -hex 32)                       # the challenge; make it where you verify, not on the VM
  tpm2_nvread -C o 0x01C101D0 > ak-certificate.bin
  tpm2_quote -c 0x81000003 -l sha256:0,1,2,3,4,5,6,7,8,9,11,12,13,14,15 -q $C -m quote.msg -s quote.sig -o pcrs.bin
  cat /sys/kernel/security/tpm0/binary_bios_measurements > log.bin

Example:
  nodeproof verify trusted-launch --ak-certificate ak-certificate.bin --quote quote.msg --signature quote.sig \
      --pcrs pcrs.bin --qualifying-data $C --event-log log.bin

Exit codes: 0 verified, 1 refused, 2 usage or malformed input, 3 environment.)";

void add_trusted_launch(CLI::App& verify, TrustedLaunchOptions& options, int& exit_code) {
  CLI::App* verb = verify.add_subcommand("trusted-launch", "Verify evidence of an Azure Trusted Launch VM");
  verb->footer(kTrustedLaunchFooter);
  verb->add_option("--ak-certificate", options.ak_certificate, "AK certificate, NV index 0x01C101D0")
      ->required()
      ->type_name("FILE");
  verb->add_option("--certificates", options.certificates, "Intermediate CA certificates")
      ->type_name("FILE..");
  add_quote(*verb, options);
  verb->add_flag("--strict", options.strict,
                 "Refuse an AK or a VM id in another form than on confidential VMs");
  add_trust(*verb, options);
  verb->add_flag("--json", options.json, "Print JSON");
  verb->callback([&options, &exit_code] {
    exit_code =
        nodeproof::cli::verify_trusted_launch(options, nodeproof::SystemClock().now(), std::cout, std::cerr);
  });
}

constexpr const char* kEventLogFooter =
    R"(Replays the log in every bank it has, judges Secure Boot by the events of PCR 7, and lists all events. With
--pcrs the log is held against what the PCRs really hold: PCRs 0-7, and 8, 9 and 14 where the log has events for
them. Where they differ, it says from which event on. Without --pcrs anybody can have written the log.

Files are raw as firmware and TPM give them:
  FILE    /sys/kernel/security/tpm0/binary_bios_measurements, crypto agile or legacy; - for standard input
  --pcrs  24 raw values of one bank, JSON {"0": "hex", ...} or {"sha1": {...}, "sha256": {...}}, or
          tpm2-tools' PCR file. They are taken at your word: a quote proves them (verify azure-snp,
          verify trusted-launch)

Examples:
  nodeproof verify event-log /sys/kernel/security/tpm0/binary_bios_measurements
  tpm2_pcrread sha256:all -o pcrs.bin
  nodeproof verify event-log log.bin --pcrs pcrs.bin --json

Exit codes: 0 verified, 1 refused, 2 usage or malformed input, 3 environment.)";

void add_event_log(CLI::App& verify, EventLogOptions& options, int& exit_code) {
  CLI::App* verb =
      verify.add_subcommand("event-log", "Replay an event log; say what Secure Boot is and what differs");
  verb->footer(kEventLogFooter);
  verb->add_option("file", options.file, "Firmware's event log; - for standard input")
      ->required()
      ->type_name("FILE");
  verb->add_option("--pcrs", options.pcrs, "PCR values to compare with")->type_name("FILE");
  verb->add_flag("--json", options.json, "Print JSON");
  verb->callback([&options, &exit_code] {
    exit_code = nodeproof::cli::verify_event_log(options, std::cout, std::cerr);
  });
}

void add_objects(CLI::App& verb, NodeOptions& options) {
  verb.add_option("node", options.node, "The node; may be left out when a file is of one node alone")
      ->type_name("NODE");
  CLI::Option* file = verb.add_option("-f,--filename", options.file,
                                      "YAML or JSON instead of a cluster; - for standard input")
                          ->type_name("FILE");
  nodeproof::cli::add_cluster(verb, options, file);
}

constexpr const char* kNodeLogFooter =
    R"(Lists every event of the firmware's log with PCR, type, what was measured and digest, and holds the replayed
values against the PCRs of the node's last quote, as published: whether that quote is genuine, nodeproof verify
node says.

Examples:
  nodeproof node log worker-7
  kubectl get nodeevidence/worker-7 nodequote/worker-7 -o yaml | nodeproof node log -f -

Exit codes: 0 the log explains the PCRs, 1 refused or no log, 2 usage or malformed input, 3 environment.)";

void add_node_log(CLI::App& app, NodeOptions& options, int& exit_code) {
  CLI::App* node = app.add_subcommand("node", "What a node published");
  node->require_subcommand(1);
  CLI::App* verb = node->add_subcommand("log", "Print the event log of a node's boot");
  verb->footer(kNodeLogFooter);
  add_objects(*verb, options);
  verb->add_flag("--json", options.json, "Print JSON");
  verb->callback(
      [&options, &exit_code] { exit_code = nodeproof::cli::node_log(options, std::cout, std::cerr); });
}

void add_node(CLI::App& verify, NodeOptions& options, int& exit_code) {
  CLI::App* verb = verify.add_subcommand("node", "Verify what a node published in a cluster");
  verb->footer(kNodeFooter);
  add_objects(*verb, options);
  verb->add_option("--reference-values", options.reference_values,
                   "Genuine paravisors, instead of the built-in list")
      ->type_name("FILE");
  add_trust(*verb, options);
  verb->add_flag("--json", options.json, "Print JSON");
  verb->callback([&options, &exit_code] {
    exit_code = nodeproof::cli::verify_node(options, nodeproof::SystemClock().now(), std::cout, std::cerr);
  });
}

void add_inspect(CLI::App& app, InspectOptions& options, int& exit_code) {
  CLI::App* verb = app.add_subcommand("inspect", "Say what a file is and print it; nothing is verified");
  verb->footer(kInspectFooter);
  verb->add_option("file", options.file, "Any file of evidence; - for standard input")
      ->required()
      ->type_name("FILE");
  verb->add_flag("--json", options.json, "Print JSON");
  verb->callback(
      [&options, &exit_code] { exit_code = nodeproof::cli::inspect(options, std::cout, std::cerr); });
}

// CLI11 finds the subcommand missing before it looks at the word that was given instead.
std::string failure_message(const CLI::App* app, const CLI::Error& error) {
  const std::vector<std::string> unknown = app->remaining(true);
  if (error.get_name() != "RequiredError" || unknown.empty()) return CLI::FailureMessage::simple(app, error);
  return "nodeproof: " + unknown.front() +
         ": there is no such command. Run with --help for those there are.\n";
}

int run(int argc, char** argv) {
  // tss2-mu writes its own lines to standard error about a quote that does not parse; the finding says it.
  ::setenv("TSS2_LOG", "all+none", 0);
  // Standard output is the verdict's.
  spdlog::set_default_logger(spdlog::stderr_logger_mt("nodeproof"));
  CLI::App app("Verifies and explains the attestation of cluster nodes, from files or from a cluster.",
               "nodeproof");
  app.set_version_flag("--version", NODEPROOF_VERSION);
  app.require_subcommand(1);
  app.failure_message(failure_message);
  app.footer(kFooter);
  CLI::App* verify = app.add_subcommand("verify", "Verify evidence: every check with its outcome and reason");
  verify->require_subcommand(1);
  verify->footer(kVerifyFooter);
  AzureSnpOptions azure_snp;
  InspectOptions inspect;
  int exit_code = nodeproof::cli::kUsage;
  add_inspect(app, inspect, exit_code);
  add_azure_snp(*verify, azure_snp, exit_code);
  TrustedLaunchOptions trusted_launch;
  add_trusted_launch(*verify, trusted_launch, exit_code);
  EventLogOptions event_log;
  add_event_log(*verify, event_log, exit_code);
  SnpReportOptions snp_report;
  add_snp_report(*verify, snp_report, exit_code);
  NodeOptions node;
  add_node(*verify, node, exit_code);
  NodeOptions log;
  add_node_log(app, log, exit_code);
  nodeproof::cli::ClusterVerbs cluster;
  add_cluster_verbs(app, cluster, exit_code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : nodeproof::cli::kUsage;
  }
  return exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "nodeproof: " << error.what() << '\n';
    return nodeproof::cli::kEnvironment;
  }
}
