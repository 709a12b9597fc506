// What the command lines of the programs of the cluster have in common: flags that override the settings of
// one configuration file. By CLI11.
#pragma once

#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <variant>

#include "kube/settings.hpp"

namespace CLI {
class App;
}

namespace nodeproof::kube {

// Flags of all programs, as they were given; empty: not given.
struct CommonFlags {
  std::string config;
  std::string kubeconfig;
  std::string ns;
  std::string log_format;
};

// Adds these, --help and --version. `flags` is borrowed until the command line is parsed. `program` names it
// with its version, `ns_help` says whose namespace --namespace is.
void add_common_flags(CLI::App& app, const std::string& program, const std::string& ns_help,
                      CommonFlags& flags);

// What flag `name` says, read by `read`. Leaves `to` as it is when the flag was not given.
template <typename T>
Status read_flag(const std::string& flag, std::string_view name,
                 Result<T> (*read)(std::string_view text, std::string_view where), T& to) {
  if (flag.empty()) return Ok{};
  NODEPROOF_TRY(value, read(flag, name));
  to = std::move(value);
  return Ok{};
}

// The program's Config by its file, or its defaults without one, and by the flags that override it. `parse`
// gets the text and the name of the file.
template <typename Config>
Result<Config> read_config(const CommonFlags& flags, Result<Config> (*parse)(std::string_view, std::string)) {
  Config out;
  if (!flags.config.empty()) {
    NODEPROOF_TRY(text, read_settings_file(flags.config));
    NODEPROOF_TRY(config, parse(text, flags.config));
    out = std::move(config);
  }
  NODEPROOF_CHECK(read_flag(flags.ns, "--namespace", namespace_name, out.ns));
  NODEPROOF_CHECK(read_flag(flags.log_format, "--log-format", log_format, out.log_format));
  return out;
}

// How to reach the API server: as the current context of `kubeconfig` says when that is not empty, else as
// `configured`, else as every pod does. Throws as kubeconfig_connection and in_cluster_connection do.
Connection connection_of(const std::filesystem::path& kubeconfig,
                         const std::optional<Connection>& configured);

// The exit code when parsing leaves nothing more to do: 0 after --help and --version, 2 after an error.
std::optional<int> parse_flags(CLI::App& app, int argc, const char* const* argv, std::ostream& out,
                               std::ostream& err);
// Tells it in the program's name; the exit code, 2.
int usage_error(const CLI::App& app, const Error& error, std::ostream& err);

// The program's Options, which `combine` makes of its flags once they are parsed, or the exit code when there
// is nothing more to do: 0 after --help and --version, 2 after an error, told on `err` with its remedy.
template <typename Options>
std::variant<Options, int> read_command_line(CLI::App& app, int argc, const char* const* argv,
                                             std::ostream& out, std::ostream& err,
                                             const std::function<Result<Options>()>& combine) {
  if (const auto code = parse_flags(app, argc, argv, out, err)) return *code;
  auto options = combine();
  if (options) return std::move(*options);
  return usage_error(app, options.error(), err);
}

}  // namespace nodeproof::kube
