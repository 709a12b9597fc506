#include "webhook/command_line.hpp"

#include <CLI/CLI.hpp>

#include "kube/command_line.hpp"

namespace nodeproof::webhook {
namespace {

constexpr const char* kDescription =
    "Decides where sensitive pods may be placed.\n\n"
    "Verifies the evidence that nodes publish, answers the API server's admission requests for pods and\n"
    "bindings of enrolled namespaces, and, as the leader among its replicas, publishes epochs,\n"
    "NodeAttestation objects and node labels.";

constexpr const char* kFooter =
    "Flags override the configuration file (YAML):\n"
    "  namespace: nodeproof-system      # of the lease, the epoch ConfigMap and the epoch key\n"
    "  listen: 0.0.0.0:8443             # HTTPS: POST /admit, /mutate\n"
    "  healthListen: 0.0.0.0:8081       # HTTP: GET /livez, /healthz, /readyz, /metrics\n"
    "  tls:                             # the webhook's own certificate, in a Secret that the leader renews\n"
    "    names: [NAME, ...]             # DNS names and IP addresses; those of the Service by default\n"
    "    caLifetime: 8760h\n"
    "    lifetime: 2160h\n"
    "  tls: {certFile: tls.crt, keyFile: tls.key}   # or one of yours; read again when it changes\n"
    "  epochLength: 30s                 # the granularity of freshness\n"
    "  maxReportAge: 24h                # how long ended keys still verify evidence\n"
    "  viewAge: 30s                     # unready when nothing was heard of the API server for so long\n"
    "  akCertificateGrace: 720h         # an AK certificate expired by less is accepted with a warning\n"
    "  trustAnchors: {amd: FILE, vtpm: FILE}        # PEM; beside the built-in roots\n"
    "  revocationLists: [FILE, ...]     # CRLs of AMD's and Microsoft's CAs; past nextUpdate they refuse\n"
    "  referenceValues: FILE            # YAML; instead of the built-in paravisors\n"
    "  trustedLaunch: {strict: false}   # true: AK and VM id must have the form of confidential VMs\n"
    "  loss: {taintUnverified: false, dryRun: false}              # when a node loses its proof\n"
    "  brake: {maxEvictionsPerHour: 250, maxNodesFraction: 10%}   # past it a person decides\n"
    "  admissionPolicies: FILE          # as the chart installed them; the leader tells what differs\n"
    "  identity: NAME                   # of this replica; the host's name by default\n"
    "  logFormat: text                  # or json: an object a line\n"
    "  connection:                      # only outside a pod\n"
    "    server: https://127.0.0.1:6443\n"
    "    caFile: ca.crt\n"
    "    tokenFile: token               # or clientCertFile and clientKeyFile\n\n"
    "Exit code: 0 stopped by a signal; 2 usage or configuration; 3 environment; 4 stopped at once by a\n"
    "second signal.";

struct Flags : kube::CommonFlags {
  std::string listen;
};

Result<Options> combine(const Flags& flags) {
  NODEPROOF_TRY(config, kube::read_config(flags, parse_config));
  NODEPROOF_CHECK(kube::read_flag(flags.listen, "--listen", kube::endpoint, config.listen));
  return Options{std::move(config), flags.kubeconfig};
}

void add_flags(CLI::App& app, Flags& flags) {
  kube::add_common_flags(app, "nodeproof-webhook " NODEPROOF_VERSION, "Namespace of the release", flags);
  app.add_option("--listen", flags.listen, "Address and port of the admission endpoint")
      ->type_name("ADDRESS:PORT");
  app.footer(kFooter);
}

}  // namespace

std::variant<Options, int> read_command_line(int argc, const char* const* argv, std::ostream& out,
                                             std::ostream& err) {
  CLI::App app{kDescription, "nodeproof-webhook"};
  Flags flags;
  add_flags(app, flags);
  return kube::read_command_line<Options>(app, argc, argv, out, err, [&flags] { return combine(flags); });
}

}  // namespace nodeproof::webhook
