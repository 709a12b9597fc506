// The line of log for a change of a node's phase.
#pragma once

#include <string>

#include "wire/node_attestation.hpp"

namespace nodeproof::webhook {

// Bad news is a warning.
void log_phase(const std::string& node, wire::Phase phase, const std::string& code,
               const std::string& detail);

}  // namespace nodeproof::webhook
