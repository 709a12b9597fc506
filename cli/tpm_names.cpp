#include "cli/tpm_names.hpp"

#include <algorithm>
#include <array>

#include "attest/event_log.hpp"
#include "cli/description.hpp"

namespace nodeproof::cli {
namespace {

struct Name {
  std::uint16_t number;
  std::string_view name;
};
constexpr std::array kAlgorithms{
    Name{0x0001, "RSA"},       Name{0x0006, "AES"},   Name{0x0008, "KEYEDHASH"}, Name{0x0010, "NULL"},
    Name{0x0014, "RSASSA"},    Name{0x0015, "RSAES"}, Name{0x0016, "RSAPSS"},    Name{0x0017, "OAEP"},
    Name{0x0018, "ECDSA"},     Name{0x0019, "ECDH"},  Name{0x001A, "ECDAA"},     Name{0x001B, "SM2"},
    Name{0x001C, "ECSCHNORR"}, Name{0x0023, "ECC"},   Name{0x0025, "SYMCIPHER"}, Name{0x0042, "OFB"},
    Name{0x0043, "CFB"},       Name{0x0044, "ECB"},
};
constexpr std::array kTags{
    Name{0x8014, "ATTEST_NV"},
    Name{0x8015, "ATTEST_COMMAND_AUDIT"},
    Name{0x8016, "ATTEST_SESSION_AUDIT"},
    Name{0x8017, "ATTEST_CERTIFY"},
    Name{0x8018, "ATTEST_QUOTE"},
    Name{0x8019, "ATTEST_TIME"},
    Name{0x801A, "ATTEST_CREATION"},
};

std::string named(std::span<const Name> names, std::uint16_t number) {
  const auto found =
      std::find_if(names.begin(), names.end(), [number](const Name& n) { return n.number == number; });
  const std::string digits = hex_number(number, 4);
  return found == names.end() ? digits : std::string(found->name) + " (" + digits + ")";
}

}  // namespace

bool is_hash_algorithm(std::uint16_t algorithm) {
  return attest::hash_size(algorithm).has_value();
}

std::string algorithm_text(std::uint16_t algorithm) {
  if (is_hash_algorithm(algorithm))
    return attest::hash_name(algorithm) + " (" + hex_number(algorithm, 4) + ")";
  return named(kAlgorithms, algorithm);
}

std::string structure_tag_text(std::uint16_t tag) {
  return named(kTags, tag);
}

Result<ByteView> take_tpm2b(ByteReader& reader, std::string_view field) {
  NODEPROOF_TRY(size, reader.u16be(field));
  return reader.take(size, field);
}

}  // namespace nodeproof::cli
