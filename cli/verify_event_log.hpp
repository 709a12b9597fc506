// `nodeproof verify event-log`: what firmware and boot loader say they measured, and whether PCRs bear it
// out.
#pragma once

#include <iosfwd>
#include <string>

#include "cli/verdict.hpp"

namespace nodeproof::cli {

struct EventLogOptions {
  std::string file;  // "-": standard input
  std::string pcrs;  // empty: not given
  bool json = false;
};

// Prints checks, replayed PCRs and events to `out` and errors with their remedy to `err`. A log that does not
// parse is a failed check; a file that cannot be read is kEnvironment; PCR values that cannot be parsed are
// kUsage.
ExitCode verify_event_log(const EventLogOptions& options, std::ostream& out, std::ostream& err);

}  // namespace nodeproof::cli
