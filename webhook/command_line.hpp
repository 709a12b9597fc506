// nodeproof-webhook's command line: --help, flags, and the configuration file that they override.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <variant>

#include "webhook/config.hpp"

namespace nodeproof::webhook {

struct Options {
  Config config;
  std::filesystem::path kubeconfig;  // empty: not given
};

// The options, or the exit code when there is nothing more to do: 0 after --help and --version, 2
// after an error, told on `err` with its remedy.
std::variant<Options, int> read_command_line(int argc, const char* const* argv, std::ostream& out,
                                             std::ostream& err);

}  // namespace nodeproof::webhook
