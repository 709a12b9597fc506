#include "webhook/command_line.hpp"

#include <CLI/CLI.hpp>
#include <ostream>

#include "kube/settings.hpp"

namespace nodeproof::webhook {
namespace {

constexpr int kUsageError = 2;

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
    "  identity: NAME                   # of this replica; the host's name by default\n"
    "  logFormat: text                  # or json: an object a line\n"
    "  connection:                      # only outside a pod\n"
    "    server: https://127.0.0.1:6443\n"
    "    caFile: ca.crt\n"
    "    tokenFile: token               # or clientCertFile and clientKeyFile\n\n"
    "Exit code: 0 stopped by a signal; 2 usage or configuration; 3 environment; 4 stopped at once by a "
    "second\n"
    "signal.";

struct Flags {
  std::string config;
  std::string kubeconfig;
  std::string ns;
  std::string log_format;
  std::string listen;
};

Result<Config> load_config(const std::string& path) {
  if (path.empty()) return Config{};
  NODEPROOF_TRY(text, kube::read_settings_file(path));
  return parse_config(text, path);
}

Result<Options> combine(const Flags& flags) {
  NODEPROOF_TRY(config, load_config(flags.config));
  Options out;
  out.config = std::move(config);
  if (!flags.ns.empty()) {
    NODEPROOF_TRY(ns, kube::namespace_name(flags.ns, "--namespace"));
    out.config.ns = std::move(ns);
  }
  if (!flags.listen.empty()) {
    NODEPROOF_TRY(listen, kube::endpoint(flags.listen, "--listen"));
    out.config.listen = std::move(listen);
  }
  if (!flags.log_format.empty()) {
    NODEPROOF_TRY(format, kube::log_format(flags.log_format, "--log-format"));
    out.config.log_format = format;
  }
  if (!flags.kubeconfig.empty()) out.kubeconfig = flags.kubeconfig;
  return out;
}

void add_flags(CLI::App& app, Flags& flags) {
  app.set_help_flag("-h,--help", "Print this and exit");
  app.set_version_flag("--version", "nodeproof-webhook " NODEPROOF_VERSION, "Print the version and exit");
  app.add_option("--config", flags.config, "Configuration file (YAML); defaults hold without one")
      ->type_name("FILE");
  app.add_option("--kubeconfig", flags.kubeconfig, "Reach the API server by this file's current context")
      ->type_name("FILE");
  app.add_option("--namespace", flags.ns, "Namespace of the release")->type_name("NAME");
  app.add_option("--listen", flags.listen, "Address and port of the admission endpoint")
      ->type_name("ADDRESS:PORT");
  app.add_option("--log-format", flags.log_format, "text, or json: an object a line")->type_name("FORMAT");
  app.footer(kFooter);
}

}  // namespace

std::variant<Options, int> read_command_line(int argc, const char* const* argv, std::ostream& out,
                                             std::ostream& err) {
  CLI::App app{kDescription, "nodeproof-webhook"};
  Flags flags;
  add_flags(app, flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e, out, err) == 0 ? 0 : kUsageError;
  }
  auto options = combine(flags);
  if (options) return std::move(*options);
  err << "nodeproof-webhook: " << to_string(options.error()) << "\n";
  return kUsageError;
}

}  // namespace nodeproof::webhook
