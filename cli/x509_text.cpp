#include "cli/x509_text.hpp"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>

#include "base/time.hpp"
#include "base/unique_handle.hpp"

namespace nodeproof::cli {
namespace {

using BioHandle = UniqueHandle<BIO, BIO_free>;
using CertificateHandle = UniqueHandle<X509, X509_free>;
using IntegerHandle = UniqueHandle<ASN1_INTEGER, ASN1_INTEGER_free>;

constexpr int kShownRevoked = 20;

CertificateHandle parsed(ByteView der) {
  const std::uint8_t* at = der.data();
  return CertificateHandle(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
}

std::string name_text(const X509_NAME* name) {
  const BioHandle bio(BIO_new(BIO_s_mem()));
  if (!bio || X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253) < 0) return "(unreadable)";
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

std::string time_text(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return "(none)";
  return to_rfc3339(from_unix(::timegm(&parts)));
}

std::string integer_text(const ASN1_INTEGER* number) {
  if (number == nullptr) return "(none)";
  return to_hex(
      ByteView(ASN1_STRING_get0_data(number), static_cast<std::size_t>(ASN1_STRING_length(number))));
}

std::string algorithm_name(int nid) {
  const char* name = OBJ_nid2sn(nid);
  return name != nullptr ? name : "unknown";
}

std::string revoked_text(X509_CRL* crl) {
  const STACK_OF(X509_REVOKED)* revoked = X509_CRL_get_REVOKED(crl);
  const int count = revoked == nullptr ? 0 : sk_X509_REVOKED_num(revoked);
  if (count <= 0) return "none";
  std::string out = std::to_string(count) + ": serials";
  for (int i = 0; i < std::min(count, kShownRevoked); ++i)
    out += " " + integer_text(X509_REVOKED_get0_serialNumber(sk_X509_REVOKED_value(revoked, i)));
  return out + (count > kShownRevoked ? " ..." : "");
}

}  // namespace

std::string key_text(const EVP_PKEY* key) {
  if (key == nullptr) return "(not readable)";
  const char* type = EVP_PKEY_get0_type_name(key);
  std::string out = type != nullptr ? type : "unknown";
  char group[64] = {};
  std::size_t size = 0;
  if (EVP_PKEY_get_group_name(key, group, sizeof group, &size) == 1) out += " " + std::string(group, size);
  return out + ", " + std::to_string(EVP_PKEY_get_bits(key)) + " bits";
}

std::string key_text_of_certificate(ByteView der) {
  const CertificateHandle certificate = parsed(der);
  return key_text(certificate ? X509_get0_pubkey(certificate.get()) : nullptr);
}

std::string signature_algorithm_of(ByteView der) {
  const CertificateHandle certificate = parsed(der);
  return certificate ? algorithm_name(X509_get_signature_nid(certificate.get())) : "(not readable)";
}

std::vector<Item> crl_items(X509_CRL* crl) {
  const IntegerHandle number(
      static_cast<ASN1_INTEGER*>(X509_CRL_get_ext_d2i(crl, NID_crl_number, nullptr, nullptr)));
  return {Item("issuer", name_text(X509_CRL_get_issuer(crl))),
          Item("number", integer_text(number.get())),
          Item("lastUpdate", time_text(X509_CRL_get0_lastUpdate(crl))),
          Item("nextUpdate", time_text(X509_CRL_get0_nextUpdate(crl))),
          Item("signatureAlgorithm", algorithm_name(X509_CRL_get_signature_nid(crl))),
          Item("revoked", revoked_text(crl))};
}

}  // namespace nodeproof::cli
