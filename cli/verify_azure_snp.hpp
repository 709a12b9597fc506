// `nodeproof verify azure-snp`: evidence of an Azure SEV-SNP confidential VM, from files.
#pragma once

#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "cli/quote_input.hpp"

namespace nodeproof::cli {

// As given on the command line; texts are not parsed yet. Empty: not given.
struct AzureSnpOptions : TrustOptions, QuoteOptions {
  std::string hcl;
  std::vector<std::string> certificates;
  std::string ak_certificate;
  std::string user_data;
  std::string reference_values;
  bool json = false;
};

// Reads the files, verifies at `--at` or else at `now`, prints the verdict to `out` and errors with
// their remedy to `err`. Evidence that does not parse is a failed check; a file that cannot be read
// is kEnvironment; an option or a supporting file that cannot be parsed is kUsage.
ExitCode verify_azure_snp(const AzureSnpOptions& options, UnixTime now, std::ostream& out, std::ostream& err);

}  // namespace nodeproof::cli
