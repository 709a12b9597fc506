// The extensions that AMD puts into VCEK and VLEK certificates (AMD 57230; azure-evidence 4.2).
#pragma once

#include <vector>

#include "attest/crypto.hpp"
#include "cli/description.hpp"

namespace nodeproof::cli {

// Those of arc 1.3.6.1.4.1.3704.1 that are there, decoded; empty for other certificates.
std::vector<Item> amd_extension_items(const attest::Certificate& certificate);

}  // namespace nodeproof::cli
