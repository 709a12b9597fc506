// `nodeproof verify snp-report`: an SEV-SNP attestation report of any platform, from files.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "cli/input.hpp"

namespace nodeproof::cli {

// As given on the command line.
struct SnpReportOptions : TrustOptions {
  std::string report;
  std::vector<std::string> certificates;
  bool json = false;
};

// Judges authenticity and guest policy; the VMPL is only printed. Otherwise as verify_azure_snp.
ExitCode verify_snp_report(const SnpReportOptions& options, UnixTime now, std::ostream& out,
                           std::ostream& err);

}  // namespace nodeproof::cli
