// Names of TPM 2.0 algorithms and structures (TCG Algorithm Registry; TPM 2.0 part 2), and the TPM2B
// shape, for inspect.
#pragma once

#include <string>

#include "base/byte_reader.hpp"

namespace nodeproof::cli {

// "RSASSA (0x0014)"; the number alone when it has no name here.
std::string algorithm_text(std::uint16_t algorithm);
bool is_hash_algorithm(std::uint16_t algorithm);
// "ATTEST_QUOTE (0x8018)"
std::string structure_tag_text(std::uint16_t tag);

// A length of 2 bytes, big endian, and as many bytes.
Result<ByteView> take_tpm2b(ByteReader& reader, std::string_view field);

}  // namespace nodeproof::cli
