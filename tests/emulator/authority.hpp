// The stand-ins for AMD and Microsoft that the emulated node's evidence chains to, kept in a folder.
#pragma once

#include <filesystem>

#include "tests/support/forge.hpp"

namespace nodeproof::emulator {

struct Authority {
  forge::AmdAuthority amd;
  forge::VtpmAuthority vtpm;
};

// Makes keys and certificates for both product lines, valid for ten years, and what a verifier must
// be told to trust them: amd-ark.pem, vtpm-trust-anchors.pem, reference-values.yaml. Throws
// std::runtime_error when `folder` holds an authority already.
void make_authority(const std::filesystem::path& folder, unsigned amd_rsa_bits, UnixTime now);

// Throws std::runtime_error when `folder` holds none, or a broken one.
Authority load_authority(const std::filesystem::path& folder, attest::Product product);

}  // namespace nodeproof::emulator
