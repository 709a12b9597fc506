// `nodeproof verify trusted-launch`: evidence of an Azure Trusted Launch VM, from files.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "cli/quote_input.hpp"

namespace nodeproof::cli {

// As given on the command line; texts are not parsed yet. Empty: not given.
struct TrustedLaunchOptions : TrustOptions, QuoteOptions {
  std::vector<std::string> certificates;  // intermediates of the AK certificate
  std::string ak_certificate;
  bool strict = false;
  bool json = false;
};

// As verify_azure_snp.
ExitCode verify_trusted_launch(const TrustedLaunchOptions& options, UnixTime now, std::ostream& out,
                               std::ostream& err);

}  // namespace nodeproof::cli
