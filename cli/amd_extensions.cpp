#include "cli/amd_extensions.hpp"

namespace nodeproof::cli {
namespace {

struct Extension {
  const char* oid;
  const char* name;
};
constexpr Extension kExtensions[] = {
    {"1.3.6.1.4.1.3704.1.1", "structureVersion"},
    {"1.3.6.1.4.1.3704.1.2", "productName"},
    {"1.3.6.1.4.1.3704.1.3.9", "fmcSpl"},
    {"1.3.6.1.4.1.3704.1.3.1", "bootloaderSpl"},
    {"1.3.6.1.4.1.3704.1.3.2", "teeSpl"},
    {"1.3.6.1.4.1.3704.1.3.3", "snpSpl"},
    {"1.3.6.1.4.1.3704.1.3.8", "microcodeSpl"},
    {"1.3.6.1.4.1.3704.1.4", "hwid"},
    {"1.3.6.1.4.1.3704.1.5", "cspId"},
};

constexpr std::uint8_t kInteger = 0x02;
constexpr std::uint8_t kOctetString = 0x04;
constexpr std::uint8_t kIa5String = 0x16;

// INTEGER, IA5String and OCTET STRING by their own length; anything else, the raw HWID above all, as hex.
std::string text_of(ByteView content) {
  if (content.size() < 3 || content[1] != content.size() - 2) return to_hex(content);
  const ByteView inner = content.subspan(2);
  if (content[0] == kIa5String) return std::string(as_text(inner));
  if (content[0] == kOctetString) return to_hex(inner);
  if (content[0] != kInteger || inner.size() > 4) return to_hex(content);
  std::uint32_t number = 0;
  for (const std::uint8_t byte : inner) number = number << 8U | byte;
  return std::to_string(number);
}

}  // namespace

std::vector<Item> amd_extension_items(const attest::Certificate& certificate) {
  std::vector<Item> out;
  for (const Extension& extension : kExtensions) {
    if (!certificate.has_extension(extension.oid)) continue;
    const auto content = certificate.extension(extension.oid);
    out.emplace_back(extension.name, content ? text_of(*content) : to_string(content.error()));
  }
  return out;
}

}  // namespace nodeproof::cli
