// `nodeproof node log`: the event log that a node published, held against its quoted PCRs.
#pragma once

#include <iosfwd>

#include "cli/verify_node.hpp"

namespace nodeproof::cli {

// Prints as verify_event_log does. A node without a log is kRefused, with what its agent says of it. The
// quote is taken as published: whether it is genuine, verify_node says.
ExitCode node_log(const NodeOptions& options, std::ostream& out, std::ostream& err);

}  // namespace nodeproof::cli
