#include "attest/amd_chain.hpp"

#include <algorithm>
#include <variant>

#include "attest/certificate_path.hpp"

namespace nodeproof::attest {
namespace {

constexpr std::string_view kVcekName = "SEV-VCEK";
constexpr std::string_view kVlekName = "SEV-VLEK";

// AMD 57230, table "VCEK certificate extensions"; the arc is 1.3.6.1.4.1.3704.1.
constexpr std::string_view kStructureVersionOid = "1.3.6.1.4.1.3704.1.1";
constexpr std::string_view kProductNameOid = "1.3.6.1.4.1.3704.1.2";
constexpr std::string_view kBootloaderOid = "1.3.6.1.4.1.3704.1.3.1";
constexpr std::string_view kTeeOid = "1.3.6.1.4.1.3704.1.3.2";
constexpr std::string_view kSnpOid = "1.3.6.1.4.1.3704.1.3.3";
constexpr std::string_view kReservedOids[] = {"1.3.6.1.4.1.3704.1.3.4", "1.3.6.1.4.1.3704.1.3.5",
                                              "1.3.6.1.4.1.3704.1.3.6", "1.3.6.1.4.1.3704.1.3.7"};
constexpr std::string_view kMicrocodeOid = "1.3.6.1.4.1.3704.1.3.8";
constexpr std::string_view kHwidOid = "1.3.6.1.4.1.3704.1.4";

constexpr std::uint8_t kIntegerTag = 0x02;
constexpr std::uint8_t kOctetStringTag = 0x04;
constexpr std::uint8_t kIa5StringTag = 0x16;
constexpr std::size_t kHwidSize = 64;

Error bad_extension(Errc code, std::string_view oid, std::string detail) {
  return {code, "vcek extension " + std::string(oid), std::move(detail)};
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
Result<std::uint8_t> small_integer(const Certificate& vcek, std::string_view oid) {
  NODEPROOF_TRY(der, vcek.extension(oid));
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

Result<std::string> product_name(const Certificate& vcek) {
  NODEPROOF_TRY(der, vcek.extension(kProductNameOid));
  NODEPROOF_TRY(content, content_of(der, kIa5StringTag, kProductNameOid));
  const auto printable = [](std::uint8_t c) { return c > 0x20 && c < 0x7f; };
  if (content.empty() || !std::all_of(content.begin(), content.end(), printable)) {
    return bad_extension(Errc::kBadValue, kProductNameOid, "is not a product name");
  }
  return std::string(as_text(content));
}

// The field has both: 64 raw bytes, and the same wrapped as a DER OCTET STRING.
Result<ByteArray<kHwidSize>> hwid(const Certificate& vcek) {
  NODEPROOF_TRY(raw, vcek.extension(kHwidOid));
  const std::string where = "vcek extension " + std::string(kHwidOid);
  if (raw.size() == kHwidSize) return to_array<kHwidSize>(raw, where);
  NODEPROOF_TRY(content, content_of(raw, kOctetStringTag, kHwidOid));
  return to_array<kHwidSize>(content, where);
}

Result<TcbVersion> tcb(const Certificate& vcek) {
  NODEPROOF_TRY(bootloader, small_integer(vcek, kBootloaderOid));
  NODEPROOF_TRY(tee, small_integer(vcek, kTeeOid));
  NODEPROOF_TRY(snp, small_integer(vcek, kSnpOid));
  NODEPROOF_TRY(microcode, small_integer(vcek, kMicrocodeOid));
  // They stand for bytes 2 to 5 of TCB_VERSION, which are zero in a report.
  for (const std::string_view oid : kReservedOids) {
    NODEPROOF_TRY(reserved, small_integer(vcek, oid));
    if (reserved != 0) return bad_extension(Errc::kBadValue, oid, "is a reserved level that is not zero");
  }
  return TcbVersion{bootloader, tee, snp, microcode};
}

// "Milan-B0" names the line and a stepping, "Genoa" the line alone.
Result<Product> product_of_name(std::string_view name) {
  return parse_product(name.substr(0, name.find('-')), "vcek extension " + std::string(kProductNameOid));
}

struct ModelRange {
  std::uint8_t first;
  std::uint8_t last;
  Product product;
};
constexpr std::uint8_t kZen3And4Family = 0x19;
constexpr ModelRange kModels[] = {
    {0x00, 0x0f, Product::kMilan},
    {0x10, 0x1f, Product::kGenoa},
    {0xa0, 0xaf, Product::kGenoa},  // Bergamo and Siena: same line, same chain
};

Result<Product> product_of_cpu(const CpuId& cpu) {
  for (const ModelRange& range : kModels) {
    if (cpu.family == kZen3And4Family && cpu.model >= range.first && cpu.model <= range.last)
      return range.product;
  }
  return Error{Errc::kUnsupported, "report.cpuid_fam_id at 0x188",
               "CPU family 0x" + to_hex({&cpu.family, 1}) + " model 0x" + to_hex({&cpu.model, 1}) +
                   " is not supported yet; supported: Milan, Genoa"};
}

AmdChain chain_failed(std::string code, std::string detail, std::string remedy) {
  return {{failed(Check::kCertificateChain, std::move(code), std::move(detail), std::move(remedy))},
          std::nullopt};
}

std::string chain_address(Product product) {
  return "https://kdsintf.amd.com/vcek/v1/" + std::string(to_string(product)) + "/cert_chain";
}

AmdChain path_failed(const PathFailure& failure, Product product) {
  const std::string supply = "supply AMD's " + std::string(to_string(product)) +
                             " certificates (ASK and ARK) from " + chain_address(product) +
                             " with the evidence";
  switch (failure.problem) {
    case PathProblem::kIssuerMissing:
      return chain_failed(failure.depth < 2 ? "chain-incomplete" : "root-missing", failure.detail, supply);
    case PathProblem::kSignatureInvalid:
      return chain_failed("signature-invalid", failure.detail,
                          "fetch the VCEK and its chain anew; if this stays, the certificate is not AMD's");
    case PathProblem::kIssuerNotCa:
      return chain_failed("issuer-not-ca", failure.detail, supply);
    case PathProblem::kRootNotPinned:
      return chain_failed("root-not-pinned", failure.detail + " for " + std::string(to_string(product)),
                          supply + "; only for emulated nodes add your own root to the trust anchors");
    case PathProblem::kTooComplex:
      return chain_failed("chain-too-complex", failure.detail, supply + " and nothing else");
  }
  return chain_failed("unknown", failure.detail, supply);
}

// The first certificate outside its validity decides the finding.
std::optional<AmdChain> out_of_date(const CertificatePath& path, UnixTime now) {
  for (const Certificate& certificate : path) {
    const std::string name = "'" + certificate.subject_common_name() + "'";
    if (now < certificate.not_before()) {
      return chain_failed("not-yet-valid",
                          name + " is valid only from " + to_rfc3339(certificate.not_before()),
                          "check the clock of the verifier");
    }
    if (now > certificate.not_after()) {
      return chain_failed("expired", name + " expired at " + to_rfc3339(certificate.not_after()),
                          "fetch the VCEK and its chain anew");
    }
  }
  return std::nullopt;
}

}  // namespace

Result<VcekExtensions> parse_vcek_extensions(const Certificate& vcek) {
  NODEPROOF_TRY(structure_version, small_integer(vcek, kStructureVersionOid));
  if (structure_version != 0) {
    return bad_extension(Errc::kUnsupported, kStructureVersionOid,
                         "structure version " + std::to_string(structure_version) +
                             " is not supported yet; supported: 0 (Milan, Genoa)");
  }
  VcekExtensions extensions;
  NODEPROOF_TRY(name, product_name(vcek));
  NODEPROOF_TRY(levels, tcb(vcek));
  NODEPROOF_TRY(chip, hwid(vcek));
  extensions.product_name = std::move(name);
  extensions.tcb = levels;
  extensions.hwid = chip;
  return extensions;
}

Result<Product> product_of(const SnpReport& report, const VcekExtensions& vcek) {
  if (!report.cpuid) return product_of_name(vcek.product_name);
  NODEPROOF_TRY(product, product_of_cpu(*report.cpuid));
  NODEPROOF_TRY(certified, product_of_name(vcek.product_name));
  if (product != certified) {
    return Error{Errc::kBadValue, "report.cpuid_fam_id at 0x188",
                 "the report is of a " + std::string(to_string(product)) + ", the VCEK of a '" +
                     vcek.product_name + "'"};
  }
  return product;
}

Result<Certificate> select_vcek(const std::vector<Certificate>& certificates) {
  const Certificate* vcek = nullptr;
  bool vlek = false;
  for (const Certificate& certificate : certificates) {
    const std::string name = certificate.subject_common_name();
    vlek = vlek || name == kVlekName;
    if (name != kVcekName) continue;
    if (vcek != nullptr && vcek->sha256() != certificate.sha256()) {
      return Error{Errc::kDuplicate, "certificates",
                   "hold two different VCEKs, so it is open which one counts"};
    }
    vcek = &certificate;
  }
  if (vcek != nullptr) return *vcek;
  if (vlek) {
    return Error{Errc::kUnsupported, "certificates",
                 "hold a VLEK (SEV-VLEK), which is not supported yet, and no VCEK"};
  }
  return Error{Errc::kMissing, "certificates", "hold no VCEK: none has the subject CN=SEV-VCEK"};
}

AmdChain verify_amd_chain(const Certificate& vcek, const std::vector<Certificate>& certificates,
                          Product product, const TrustAnchors& anchors, UnixTime now,
                          EndorsementCache* known) {
  const std::string leaf_name = vcek.subject_common_name();
  if (leaf_name != kVcekName) {
    return chain_failed("unsupported-key",
                        "the endorsement key's certificate is of '" + leaf_name + "', not of SEV-VCEK",
                        "supply the VCEK of this chip and TCB; VLEKs are not supported yet");
  }
  std::vector<Sha256Digest> pins;
  for (const AmdRoot& root : anchors.amd) {
    if (root.product == product) pins.push_back(root.spki_sha256);
  }
  const auto found = find_path(vcek, certificates,
                               {.pinned_roots = pins, .max_intermediates = 1, .now = now, .known = known});
  if (const auto* failure = std::get_if<PathFailure>(&found)) return path_failed(*failure, product);

  const auto& path = std::get<CertificatePath>(found);
  // The same root also signs SEV-VLEK-<product>, which must not vouch for a VCEK.
  const std::string ask_name = "SEV-" + std::string(to_string(product));
  if (path.size() != 3 || path[1].subject_common_name() != ask_name) {
    return chain_failed("wrong-issuer",
                        "the VCEK was issued by '" + path[1].subject_common_name() + "', not by " + ask_name,
                        "supply the VCEK of this chip and TCB");
  }
  if (auto finding = out_of_date(path, now)) return *std::move(finding);
  const ValidityWindow validity{latest_not_before(path), earliest_not_after(path)};
  return {{passed(Check::kCertificateChain, "SEV-VCEK under " + ask_name + " under " +
                                                path[2].subject_common_name() + ", valid until " +
                                                to_rfc3339(validity.until))},
          validity};
}

}  // namespace nodeproof::attest
