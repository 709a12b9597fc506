// Which paravisors are genuine: (product, ID-key digest, minimum GUEST_SVN). Built in are only
// digests seen on HCL reports; `d3ed...` (Container Instances) is never among them, because there
// the tenant chooses report_data at VMPL 0.
#pragma once

#include <string>
#include <vector>

#include "attest/tcb.hpp"

namespace nodeproof::attest {

struct ParavisorReference {
  Product product;
  ByteArray<48> id_key_digest;
  std::uint32_t minimum_guest_svn;
  std::string source;  // where the value was seen
};

using ReferenceValues = std::vector<ParavisorReference>;

// The list in reference_values_data.cpp.
const ReferenceValues& built_in_reference_values();

}  // namespace nodeproof::attest
