#include "kube/command_line.hpp"

#include <CLI/CLI.hpp>
#include <ostream>

namespace nodeproof::kube {
namespace {

constexpr int kUsageError = 2;

}  // namespace

void add_common_flags(CLI::App& app, const std::string& program, const std::string& ns_help,
                      CommonFlags& flags) {
  app.set_help_flag("-h,--help", "Print this and exit");
  app.set_version_flag("--version", program, "Print the version and exit");
  app.add_option("--config", flags.config, "Configuration file (YAML); defaults hold without one")
      ->type_name("FILE");
  app.add_option("--kubeconfig", flags.kubeconfig, "Reach the API server by this file's current context")
      ->type_name("FILE");
  app.add_option("--namespace", flags.ns, ns_help)->type_name("NAME");
  app.add_option("--log-format", flags.log_format, "text, or json: an object a line")->type_name("FORMAT");
}

Connection connection_of(const std::filesystem::path& kubeconfig,
                         const std::optional<Connection>& configured) {
  if (!kubeconfig.empty()) return kubeconfig_connection({kubeconfig});
  if (configured) return *configured;
  return in_cluster_connection();
}

std::optional<int> parse_flags(CLI::App& app, int argc, const char* const* argv, std::ostream& out,
                               std::ostream& err) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e, out, err) == 0 ? 0 : kUsageError;
  }
  return std::nullopt;
}

int usage_error(const CLI::App& app, const Error& error, std::ostream& err) {
  err << app.get_name() << ": " << to_string(error) << "\n";
  return kUsageError;
}

}  // namespace nodeproof::kube
