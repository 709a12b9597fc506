// Certificates, CRLs and public keys, PEM or DER, zero padded or not.
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>

#include "attest/crypto.hpp"
#include "base/unique_handle.hpp"
#include "cli/amd_extensions.hpp"
#include "cli/printable.hpp"
#include "cli/recognisers.hpp"
#include "cli/x509_text.hpp"

namespace nodeproof::cli {
namespace {

using KeyHandle = UniqueHandle<EVP_PKEY, EVP_PKEY_free>;
using CrlHandle = UniqueHandle<X509_CRL, X509_CRL_free>;
using BioHandle = UniqueHandle<BIO, BIO_free>;

constexpr std::uint8_t kSequence = 0x30;
constexpr std::size_t kMaxPemBlocks = 64;

// One thing in a file, under the name it goes by.
struct Part {
  std::string kind;
  std::string title;
  std::vector<Item> items;
};

std::string joined_or_none(const std::vector<std::string>& texts) {
  return texts.empty() ? "(none)" : joined(texts);
}

Part describe_certificate(const attest::Certificate& certificate) {
  Part out{"certificate", "X.509 certificate", {}};
  const auto add = [&out](const char* name, std::string text) {
    out.items.emplace_back(name, std::move(text));
  };
  add("subject", certificate.subject().empty() ? "(empty)" : certificate.subject());
  add("issuer", certificate.issuer() + (certificate.is_self_issued() ? " (self-issued)" : ""));
  add("serial", certificate.serial_hex());
  add("validFrom", to_rfc3339(certificate.not_before()));
  add("validUntil", to_rfc3339(certificate.not_after()));
  add("key", key_text_of_certificate(certificate.der()));
  add("signatureAlgorithm", signature_algorithm_of(certificate.der()));
  add("ca", certificate.is_ca() ? "yes" : "no");
  add("policyOids", joined_or_none(certificate.policy_oids()));
  add("extendedKeyUsage", joined_or_none(certificate.extended_key_usage_oids()));
  std::vector<Item> amd = amd_extension_items(certificate);
  if (!amd.empty()) out.items.emplace_back("amdExtensions", std::move(amd));
  add("sha256", to_hex(certificate.sha256()));
  add("spkiSha256", to_hex(certificate.spki_sha256()));
  return out;
}

std::optional<Part> part_of_certificate(ByteView der) {
  const auto certificate = attest::Certificate::parse_der(der, "certificate");
  if (!certificate) return std::nullopt;
  return describe_certificate(*certificate);
}

std::optional<Part> part_of_crl(ByteView der) {
  const std::uint8_t* at = der.data();
  const CrlHandle crl(d2i_X509_CRL(nullptr, &at, static_cast<long>(der.size())));
  if (!crl || at != der.data() + der.size()) return std::nullopt;
  Part out{"crl", "X.509 certificate revocation list (CRL)", crl_items(crl.get())};
  out.items.emplace_back("sha256", to_hex(attest::sha256(der)));
  return out;
}

std::optional<Part> part_of_public_key(ByteView der) {
  const std::uint8_t* at = der.data();
  const KeyHandle key(d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size())));
  if (!key || at != der.data() + der.size()) return std::nullopt;
  return Part{"public-key",
              "Public key (SubjectPublicKeyInfo)",
              {Item("key", key_text(key.get())), Item("spkiSha256", to_hex(attest::sha256(der)))}};
}

std::optional<Part> part_of(ByteView der) {
  for (const auto parse : {part_of_certificate, part_of_crl, part_of_public_key}) {
    if (auto part = parse(der)) return part;
  }
  return std::nullopt;
}

// A secret has no place in evidence, and none on a screen.
Part part_of_pem(const std::string& label, ByteView der) {
  if (label.find("PRIVATE KEY") != std::string::npos)
    return {"private-key", "Private key", {Item("content", "not shown; keep this file secret")}};
  if (auto part = part_of(der)) return *std::move(part);
  return {"pem", "PEM block", {Item("label", label), Item("content", std::to_string(der.size()) + " bytes")}};
}

std::vector<Part> parts_of_pem(ByteView content) {
  std::vector<Part> out;
  const BioHandle bio(BIO_new_mem_buf(content.data(), static_cast<int>(content.size())));
  while (bio && out.size() < kMaxPemBlocks) {
    char* name = nullptr;
    char* header = nullptr;
    unsigned char* data = nullptr;
    long size = 0;
    if (PEM_read_bio(bio.get(), &name, &header, &data, &size) != 1) break;
    out.push_back(part_of_pem(name, {data, static_cast<std::size_t>(size)}));
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(data);
  }
  ERR_clear_error();
  return out;
}

Description describe_parts(std::vector<Part> parts) {
  Description out;
  if (parts.size() == 1) {
    out.kind = parts.front().kind;
    out.title = parts.front().title;
    out.items = std::move(parts.front().items);
    return out;
  }
  out.kind = "pem-bundle";
  out.title = "PEM file with " + std::to_string(parts.size()) + " parts, in the order of the file";
  std::vector<Item> list;
  for (Part& part : parts) {
    part.items.insert(part.items.begin(), Item("is", part.title));
    list.emplace_back(std::string(), std::move(part.items));
  }
  out.add("parts", std::move(list));
  return out;
}

}  // namespace

// Some tools write words before the first block; JSON and YAML hold blocks that do not begin a line.
Recognised recognise_pem(const InspectedFile& file) {
  const std::string_view text = as_text(file.content);
  const std::size_t begin = text.find("-----BEGIN ");
  if (begin == std::string_view::npos || (begin > 0 && text[begin - 1] != '\n')) return std::nullopt;
  std::vector<Part> parts = parts_of_pem(file.content);
  if (!parts.empty()) return describe_parts(std::move(parts));
  if (begin > 0) return std::nullopt;
  Description out;
  out.kind = "pem";
  out.title = "PEM file";
  out.problems.emplace_back("pem at 0x000: holds no whole PEM block (truncated or not base64)");
  return out;
}

Recognised recognise_der(const InspectedFile& file) {
  const ByteView content = file.content;
  const bool long_form =
      content.size() > 4 && content[0] == kSequence && (content[1] == 0x81 || content[1] == 0x82);
  if (!long_form) return std::nullopt;
  const auto der = attest::cut_der(content, "der");
  auto part = part_of(der ? ByteView(*der) : content);
  ERR_clear_error();
  if (part) {
    Description out = describe_parts({*std::move(part)});
    if (der && der->size() < content.size())
      out.add("padding",
              std::to_string(content.size() - der->size()) + " bytes of zeros, as an NV index has them");
    return out;
  }
  // Every certificate, CRL and key begins with a SEQUENCE inside the outer one.
  if (content[content[1] == 0x82 ? 4 : 3] != kSequence) return std::nullopt;
  Description out;
  out.kind = "der";
  out.title = "DER structure, as certificates, CRLs and public keys are";
  if (der) {
    const auto certificate = attest::Certificate::parse_der(*der, "certificate");
    if (!certificate) out.add_problem(certificate.error());
  } else {
    out.add_problem(der.error());
  }
  return out;
}

}  // namespace nodeproof::cli
