// `nodeproof verify event-log`: what firmware and boot loader say they measured, and whether PCRs bear it
// out.
#pragma once

#include <iosfwd>
#include <optional>
#include <string>

#include "cli/pcr_banks.hpp"
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

// The same for a log and PCR values at hand: prints, and gives kVerified or kRefused.
ExitCode print_event_log(ByteView log, const std::optional<PcrBanks>& pcrs, bool json, std::ostream& out);

}  // namespace nodeproof::cli
