// VCEK certificates and AMD's chain (AMD 57230; azure-evidence 4).
#pragma once

#include <optional>
#include <vector>

#include "attest/checks.hpp"
#include "attest/endorsement_cache.hpp"
#include "attest/snp_report.hpp"
#include "attest/trust_anchors.hpp"

namespace nodeproof::attest {

// The AMD extensions of a VCEK (arc 1.3.6.1.4.1.3704.1), each required exactly once.
struct VcekExtensions {
  std::string product_name;  // "Milan-B0", "Genoa"
  TcbVersion tcb;
  ByteArray<64> hwid{};
};
Result<VcekExtensions> parse_vcek_extensions(const Certificate& vcek);

// The product line from CPUID (report version >= 3), otherwise from the VCEK's product name.
Result<Product> product_of(const SnpReport& report, const VcekExtensions& vcek);

// Picks by subject CN "SEV-VCEK"; none or two different ones are Errors.
Result<Certificate> select_vcek(const std::vector<Certificate>& certificates);

struct ValidityWindow {
  UnixTime from;
  UnixTime until;
};

struct AmdChain {
  std::vector<Finding> findings;          // certificate-chain
  std::optional<ValidityWindow> validity;  // of the whole chain, when it verified
};
// Number 4: VCEK <- ASK <- ARK with the ARK pinned for `product`, all valid at `now`. The ARK may be
// in `certificates` or not; it is trusted by its pin alone. `known` may be null.
AmdChain verify_amd_chain(const Certificate& vcek, const std::vector<Certificate>& certificates, Product product,
                          const TrustAnchors& anchors, UnixTime now, EndorsementCache* known = nullptr);

}  // namespace nodeproof::attest
