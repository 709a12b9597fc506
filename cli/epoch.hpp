// `nodeproof epoch`: the generations of a cluster's epoch key, and the end of one before its time.
#pragma once

#include <iosfwd>

#include "cli/cluster.hpp"
#include "cli/verdict.hpp"

namespace nodeproof::cli {

// As given on the command line; texts are not parsed yet. Empty: not given.
struct EpochOptions : ClusterOptions {
  std::string ns = "nodeproof-system";  // of the release
  std::string kid;                      // of `revoke`
  std::string epoch_length = "30s";     // the webhook's; for times of day alone
  bool json = false;
};

// Prints the generations, never their keys.
ExitCode list_generations(const EpochOptions& options, UnixTime now, std::ostream& out, std::ostream& err);

// Marks the generation as revoked in the Secret, unless somebody changed the Secret meanwhile; says what it
// did. kVerified: it is revoked, now or before. A kid that the Secret does not hold is kUsage.
ExitCode revoke_generation(const EpochOptions& options, std::ostream& out, std::ostream& err);

}  // namespace nodeproof::cli
