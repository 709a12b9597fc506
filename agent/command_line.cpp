#include "agent/command_line.hpp"

#include <CLI/CLI.hpp>

#include "kube/command_line.hpp"

namespace nodeproof::agent {
namespace {

constexpr const char* kDescription =
    "Publishes what the hardware and the vTPM of this node can prove.\n\n"
    "Runs on every node, as the DaemonSet of the Helm chart does it. Once per boot it collects the AK\n"
    "certificate, the firmware's event log and, on a confidential VM, the SEV-SNP report and AMD's\n"
    "certificates into NodeEvidence; at every refresh it signs a fresh TPM quote into NodeQuote. Both\n"
    "are named like the node and judged elsewhere: this program verifies nothing. A node without a TPM\n"
    "says so in its NodeEvidence.";

constexpr const char* kFooter =
    "Flags override the configuration file (YAML):\n"
    "  namespace: nodeproof-system      # of the ConfigMap nodeproof-epoch\n"
    "  tcti: device:/dev/tpmrm0         # or swtpm:host=127.0.0.1,port=2321\n"
    "  refresh: 120s                    # a new quote this often; well below every maxEvidenceAge\n"
    "  maxReportAge: 24h                # as the webhook has it; evidence is renewed before half of it\n"
    "  thim: http://169.254.169.254     # where the host serves AMD's certificates\n"
    "  cacheDirectory: /var/cache/nodeproof\n"
    "  bootIdFile: /proc/sys/kernel/random/boot_id\n"
    "  eventLogFile: /sys/kernel/security/tpm0/binary_bios_measurements\n"
    "  efivarsDirectory: /sys/firmware/efi/efivars\n"
    "  lockdownFile: /sys/kernel/security/lockdown\n"
    "  metricsListen: 0.0.0.0:8082      # HTTP: GET /livez, /healthz, /readyz, /metrics; not with --once\n"
    "  logFormat: text                  # or json: an object a line\n"
    "  connection:                      # only outside a pod\n"
    "    server: https://127.0.0.1:6443\n"
    "    caFile: ca.crt\n"
    "    tokenFile: token               # or clientCertFile and clientKeyFile\n\n"
    "Try it once on a machine outside the cluster, with a token of the agent's service account:\n"
    "  nodeproof-agent --config agent.yaml --node-name \"$(hostname)\" --once\n"
    "The chart's policy lets nobody else write evidence, and that account only for its own node.\n\n"
    "Exit code: 0 stopped by a signal, or published (--once); 2 usage or configuration; 3 environment.";

struct Flags : kube::CommonFlags {
  std::string node_name;
  std::string tcti;
  std::string metrics_listen;
  bool once = false;
};

Result<Options> combine(const Flags& flags) {
  NODEPROOF_TRY(config, kube::read_config(flags, parse_config));
  Options out{std::move(config), {}, flags.kubeconfig, flags.once};
  if (flags.node_name.empty()) {
    return Error{
        Errc::kMissing, "--node-name",
        "is not given and NODE_NAME is not set; name the Node that this machine is, see kubectl get nodes"};
  }
  NODEPROOF_CHECK(kube::read_flag(flags.node_name, "--node-name", kube::node_name, out.node_name));
  if (!flags.tcti.empty()) out.config.tcti = flags.tcti;
  NODEPROOF_CHECK(
      kube::read_flag(flags.metrics_listen, "--metrics-listen", kube::endpoint, out.config.metrics_listen));
  return out;
}

void add_flags(CLI::App& app, Flags& flags) {
  kube::add_common_flags(app, "nodeproof-agent " NODEPROOF_VERSION,
                         "Namespace of the ConfigMap nodeproof-epoch", flags);
  app.add_option("--node-name", flags.node_name, "Name of this machine's Node")
      ->envname("NODE_NAME")
      ->type_name("NAME");
  app.add_option("--tcti", flags.tcti, "How to reach the TPM, as tpm2-tss takes it")->type_name("TCTI");
  app.add_flag("--once", flags.once, "Collect and publish once, then exit: 0 published, 3 not");
  app.add_option("--metrics-listen", flags.metrics_listen,
                 "Address and port of probes and metrics; port 0: a free one")
      ->type_name("ADDRESS:PORT");
  app.footer(kFooter);
}

}  // namespace

std::variant<Options, int> read_command_line(int argc, const char* const* argv, std::ostream& out,
                                             std::ostream& err) {
  CLI::App app{kDescription, "nodeproof-agent"};
  Flags flags;
  add_flags(app, flags);
  return kube::read_command_line<Options>(app, argc, argv, out, err, [&flags] { return combine(flags); });
}

}  // namespace nodeproof::agent
