#include "attest/endorsement_key.hpp"

#include <algorithm>

namespace nodeproof::attest {
namespace {

// AMD 57230, table "VCEK certificate extensions"; the arc is 1.3.6.1.4.1.3704.1.
constexpr std::string_view kStructureVersionOid = "1.3.6.1.4.1.3704.1.1";
constexpr std::string_view kProductNameOid = "1.3.6.1.4.1.3704.1.2";
constexpr std::string_view kBootloaderOid = "1.3.6.1.4.1.3704.1.3.1";
constexpr std::string_view kTeeOid = "1.3.6.1.4.1.3704.1.3.2";
constexpr std::string_view kSnpOid = "1.3.6.1.4.1.3704.1.3.3";
constexpr std::string_view kReserved4Oid = "1.3.6.1.4.1.3704.1.3.4";  // not on Turin
constexpr std::string_view kReservedOids[] = {"1.3.6.1.4.1.3704.1.3.5", "1.3.6.1.4.1.3704.1.3.6",
                                              "1.3.6.1.4.1.3704.1.3.7"};
constexpr std::string_view kMicrocodeOid = "1.3.6.1.4.1.3704.1.3.8";
constexpr std::string_view kFmcOid = "1.3.6.1.4.1.3704.1.3.9";  // Turin only
constexpr std::string_view kHwidOid = "1.3.6.1.4.1.3704.1.4";   // VCEK only
constexpr std::string_view kCspIdOid = "1.3.6.1.4.1.3704.1.5";  // VLEK only

constexpr std::uint8_t kIntegerTag = 0x02;
constexpr std::uint8_t kOctetStringTag = 0x04;
constexpr std::uint8_t kIa5StringTag = 0x16;
constexpr std::size_t kHwidSize = 64;  // Milan, Genoa
constexpr std::size_t kTurinHwidSize = 8;
constexpr std::uint8_t kTurinStructure = 1;  // Milan and Genoa have 0

Error bad_extension(Errc code, std::string_view oid, std::string detail) {
  return {code, "endorsement key extension " + std::string(oid), std::move(detail)};
}

// The content of the one DER value with this tag and a short length that fills `der`.
Result<ByteView> content_of(ByteView der, std::uint8_t tag, std::string_view oid) {
  if (der.size() < 2) return bad_extension(Errc::kTruncated, oid, "ends before its DER length");
  if (der[0] != tag) {
    return bad_extension(Errc::kWrongType, oid,
                         "has DER tag " + to_hex(der.first(1)) + ", must be " + to_hex({&tag, 1}));
  }
  if (der[1] >= 0x80) return bad_extension(Errc::kTooLarge, oid, "has a DER length of more than 127");
  const ByteView content = der.subspan(2);
  if (content.size() < der[1]) return bad_extension(Errc::kTruncated, oid, "is shorter than its DER length");
  if (content.size() > der[1]) return bad_extension(Errc::kTrailing, oid, "goes on after its DER value");
  return content;
}

// An INTEGER from 0 to 255 in its shortest form.
Result<std::uint8_t> small_integer(const Certificate& key, std::string_view oid) {
  NODEPROOF_TRY(der, key.extension(oid));
  NODEPROOF_TRY(content, content_of(der, kIntegerTag, oid));
  if (content.empty()) return bad_extension(Errc::kTruncated, oid, "is an INTEGER without content");
  if ((content[0] & 0x80U) != 0) return bad_extension(Errc::kBadValue, oid, "is negative");
  if (content.size() == 1) return content[0];
  if (content[0] == 0 && content[1] < 0x80) {
    return bad_extension(Errc::kBadValue, oid, "is an INTEGER that is not in its shortest form");
  }
  if (content[0] != 0 || content.size() != 2)
    return bad_extension(Errc::kBadValue, oid, "is larger than 255");
  return content[1];
}

// An IA5String of visible characters.
Result<std::string> visible_text(const Certificate& key, std::string_view oid) {
  NODEPROOF_TRY(der, key.extension(oid));
  NODEPROOF_TRY(content, content_of(der, kIa5StringTag, oid));
  const auto visible = [](std::uint8_t c) { return c > 0x20 && c < 0x7f; };
  if (content.empty() || !std::all_of(content.begin(), content.end(), visible)) {
    return bad_extension(Errc::kBadValue, oid, "is not a text of visible characters");
  }
  return std::string(as_text(content));
}

Status must_be_absent(const Certificate& key, std::string_view oid, std::string_view why) {
  if (!key.has_extension(oid)) return Ok{};
  return bad_extension(Errc::kUnknownField, oid, std::string(why));
}

// Reserved levels stand for the bytes of TCB_VERSION that are zero in a report.
Status zero_level(const Certificate& key, std::string_view oid) {
  NODEPROOF_TRY(level, small_integer(key, oid));
  if (level == 0) return Ok{};
  return bad_extension(Errc::kBadValue, oid, "is a reserved level that is not zero");
}

Result<TcbVersion> tcb(const Certificate& key, TcbLayout layout) {
  NODEPROOF_TRY(bootloader, small_integer(key, kBootloaderOid));
  NODEPROOF_TRY(tee, small_integer(key, kTeeOid));
  NODEPROOF_TRY(snp, small_integer(key, kSnpOid));
  NODEPROOF_TRY(microcode, small_integer(key, kMicrocodeOid));
  for (const std::string_view oid : kReservedOids) NODEPROOF_CHECK(zero_level(key, oid));
  TcbVersion out{bootloader, tee, snp, microcode, 0, layout};
  if (layout == TcbLayout::kTurin) {
    NODEPROOF_CHECK(must_be_absent(key, kReserved4Oid, "is not for a Turin"));
    NODEPROOF_TRY(fmc, small_integer(key, kFmcOid));
    out.fmc = fmc;
  } else {
    NODEPROOF_CHECK(zero_level(key, kReserved4Oid));
    NODEPROOF_CHECK(must_be_absent(key, kFmcOid, "is only for a Turin"));
  }
  return out;
}

// "Milan-B0" names the line and a stepping, "Genoa" the line alone.
std::string_view line_of(std::string_view product_name) {
  return product_name.substr(0, product_name.find('-'));
}

Result<TcbLayout> layout_of(const Certificate& key, std::string_view product_name) {
  NODEPROOF_TRY(version, small_integer(key, kStructureVersionOid));
  if (version > kTurinStructure) {
    return bad_extension(Errc::kUnsupported, kStructureVersionOid,
                         "structure version " + std::to_string(version) +
                             " is not supported; supported: 0 (Milan, Genoa), 1 (Turin)");
  }
  const bool turin = line_of(product_name) == to_string(Product::kTurin);
  if (turin != (version == kTurinStructure)) {
    return bad_extension(
        Errc::kBadValue, kStructureVersionOid,
        "structure version " + std::to_string(version) + " is not that of a " + std::string(product_name));
  }
  return turin ? TcbLayout::kTurin : TcbLayout::kMilanGenoa;
}

struct Common {
  KeyExtensions extensions;
  TcbLayout layout;
};

Result<Common> parse_common(const Certificate& key) {
  NODEPROOF_TRY(name, visible_text(key, kProductNameOid));
  NODEPROOF_TRY(layout, layout_of(key, name));
  NODEPROOF_TRY(levels, tcb(key, layout));
  return Common{{std::move(name), levels}, layout};
}

// The field has both: the raw bytes, and the same wrapped as a DER OCTET STRING.
Result<ByteArray<kHwidSize>> hwid(const Certificate& vcek, TcbLayout layout) {
  const std::size_t size = layout == TcbLayout::kTurin ? kTurinHwidSize : kHwidSize;
  NODEPROOF_TRY(raw, vcek.extension(kHwidOid));
  ByteView id = raw;
  if (id.size() != size) {
    NODEPROOF_TRY(content, content_of(raw, kOctetStringTag, kHwidOid));
    id = content;
  }
  if (id.size() != size) {
    return bad_extension(Errc::kBadValue, kHwidOid,
                         "is " + std::to_string(id.size()) + " bytes long, must be " + std::to_string(size));
  }
  ByteArray<kHwidSize> out{};
  std::copy(id.begin(), id.end(), out.begin());
  return out;
}

struct ModelRange {
  std::uint8_t family;
  std::uint8_t first;
  std::uint8_t last;
  Product product;
};
constexpr ModelRange kModels[] = {
    {0x19, 0x00, 0x0f, Product::kMilan},
    {0x19, 0x10, 0x1f, Product::kGenoa},
    {0x19, 0xa0, 0xaf, Product::kGenoa},  // Bergamo and Siena: same line, same chain
    {0x1a, 0x00, 0x11, Product::kTurin},
};

Result<Product> product_of_cpu(const CpuId& cpu) {
  for (const ModelRange& range : kModels) {
    if (cpu.family == range.family && cpu.model >= range.first && cpu.model <= range.last)
      return range.product;
  }
  return Error{Errc::kUnsupported, "report.cpuid_fam_id at 0x188",
               "CPU family 0x" + to_hex({&cpu.family, 1}) + " model 0x" + to_hex({&cpu.model, 1}) +
                   " is not supported; supported: Milan, Genoa, Turin"};
}

std::string common_name_of(SigningKey kind) {
  return "SEV-" + std::string(to_string(kind));
}

}  // namespace

std::string_view to_string(SigningKey kind) {
  return kind == SigningKey::kVcek ? "VCEK" : "VLEK";
}

Result<VcekExtensions> parse_vcek_extensions(const Certificate& vcek) {
  NODEPROOF_TRY(common, parse_common(vcek));
  NODEPROOF_TRY(chip, hwid(vcek, common.layout));
  NODEPROOF_CHECK(must_be_absent(vcek, kCspIdOid, "is only for a VLEK"));
  VcekExtensions out;
  static_cast<KeyExtensions&>(out) = std::move(common.extensions);
  out.hwid = chip;
  return out;
}

Result<VlekExtensions> parse_vlek_extensions(const Certificate& vlek) {
  NODEPROOF_TRY(common, parse_common(vlek));
  NODEPROOF_TRY(csp_id, visible_text(vlek, kCspIdOid));
  NODEPROOF_CHECK(must_be_absent(vlek, kHwidOid, "is only for a VCEK"));
  VlekExtensions out;
  static_cast<KeyExtensions&>(out) = std::move(common.extensions);
  out.csp_id = std::move(csp_id);
  return out;
}

Result<Product> product_of(const SnpReport& report, const KeyExtensions& key) {
  const std::string where = "endorsement key extension " + std::string(kProductNameOid);
  NODEPROOF_TRY(certified, parse_product(line_of(key.product_name), where));
  if (!report.cpuid) {
    if (certified != Product::kTurin) return certified;
    return Error{Errc::kBadValue, "report.version at 0x000",
                 "version 2 is older than Turin, whose TCB it cannot hold"};
  }
  NODEPROOF_TRY(product, product_of_cpu(*report.cpuid));
  if (product != certified) {
    return Error{Errc::kBadValue, "report.cpuid_fam_id at 0x188",
                 "the report is of a " + std::string(to_string(product)) + ", the endorsement key of a '" +
                     key.product_name + "'"};
  }
  return product;
}

Result<Certificate> select_endorsement_key(const std::vector<Certificate>& certificates, SigningKey kind) {
  const std::string wanted = common_name_of(kind);
  const SigningKey other = kind == SigningKey::kVcek ? SigningKey::kVlek : SigningKey::kVcek;
  const std::string other_name = common_name_of(other);
  const Certificate* key = nullptr;
  bool other_kind = false;
  for (const Certificate& certificate : certificates) {
    const std::string& name = certificate.subject_common_name();
    other_kind = other_kind || name == other_name;
    if (name != wanted) continue;
    if (key != nullptr && key->sha256() != certificate.sha256()) {
      return Error{
          Errc::kDuplicate, "certificates",
          "hold two different " + std::string(to_string(kind)) + "s, so it is open which one counts"};
    }
    key = &certificate;
  }
  if (key != nullptr) return *key;
  const std::string instead = other_kind ? ", but a " + std::string(to_string(other)) : "";
  return Error{Errc::kMissing, "certificates",
               "hold no " + std::string(to_string(kind)) + instead + ": none has the subject CN=" + wanted};
}

}  // namespace nodeproof::attest
