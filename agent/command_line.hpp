// nodeproof-agent's command line: --help, flags, and the configuration file that they override.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <variant>

#include "agent/config.hpp"

namespace nodeproof::agent {

struct Options {
  Config config;
  std::string node_name;
  std::filesystem::path kubeconfig;  // empty: not given
  bool once = false;
};

// The options, or the exit code when there is nothing more to do: 0 after --help and --version, 2
// after an error, told on `err` with its remedy.
std::variant<Options, int> read_command_line(int argc, const char* const* argv, std::ostream& out,
                                             std::ostream& err);

}  // namespace nodeproof::agent
