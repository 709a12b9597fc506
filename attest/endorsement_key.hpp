// VCEK and VLEK certificates: the AMD keys that sign SNP reports (AMD 57230; azure-evidence 4).
//
// A VCEK is of one chip, a VLEK of one cloud provider; both are for one TCB. Nothing here is verified:
// amd_chain.hpp does that.
#pragma once

#include <string>
#include <vector>

#include "attest/crypto.hpp"
#include "attest/snp_report.hpp"

namespace nodeproof::attest {

// "VCEK", "VLEK"; the subject CN of the certificate is "SEV-" and this.
std::string_view to_string(SigningKey kind);

// The AMD extensions that both kinds have (arc 1.3.6.1.4.1.3704.1), each required exactly once.
struct KeyExtensions {
  std::string product_name;  // "Milan-B0", "Genoa", "Turin"; of a VLEK "Milan"
  TcbVersion tcb;
};
struct VcekExtensions : KeyExtensions {
  ByteArray<64> hwid{};  // Turin's 8 bytes are filled up with zeros, as CHIP_ID is
};
struct VlekExtensions : KeyExtensions {
  std::string csp_id;  // for example "CN=cc-us-east-2.amazonaws.com"
};
// Refused too: what belongs to the other kind, or to another product than the one named.
Result<VcekExtensions> parse_vcek_extensions(const Certificate& vcek);
Result<VlekExtensions> parse_vlek_extensions(const Certificate& vlek);

// The product line from CPUID (report version >= 3), which the key's product name must confirm;
// otherwise from the product name, which then cannot be Turin.
Result<Product> product_of(const SnpReport& report, const KeyExtensions& key);

// Picks by subject CN; none or two different ones are Errors.
Result<Certificate> select_endorsement_key(const std::vector<Certificate>& certificates, SigningKey kind);

}  // namespace nodeproof::attest
