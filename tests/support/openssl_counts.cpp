#include "tests/support/openssl_counts.hpp"

#include <dlfcn.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <cstdlib>

namespace nodeproof::openssl_counts {
namespace {

Counts counts;
bool in_certificate = false;  // X509_verify may come back to our EVP_DigestVerify

// The function of this name that comes after ours in the order of lookup: OpenSSL's.
template <typename Function>
Function* original(const char* name) {
  void* found = dlsym(RTLD_NEXT, name);
  if (found == nullptr) std::abort();
  return reinterpret_cast<Function*>(found);
}

}  // namespace

Counts now() {
  return counts;
}
void reset() {
  counts = {};
}

}  // namespace nodeproof::openssl_counts

using nodeproof::openssl_counts::counts;
using nodeproof::openssl_counts::in_certificate;
using nodeproof::openssl_counts::original;

extern "C" X509* d2i_X509(X509** out, const unsigned char** in, long size) {
  ++counts.certificates_parsed;
  return original<decltype(d2i_X509)>("d2i_X509")(out, in, size);
}

extern "C" int X509_verify(X509* certificate, EVP_PKEY* key) {
  ++counts.certificate_signatures;
  in_certificate = true;
  const int outcome = original<decltype(X509_verify)>("X509_verify")(certificate, key);
  in_certificate = false;
  return outcome;
}

extern "C" int EVP_DigestVerify(EVP_MD_CTX* context, const unsigned char* signature, size_t signature_size,
                                const unsigned char* message, size_t message_size) {
  if (!in_certificate) ++counts.signatures;
  return original<decltype(EVP_DigestVerify)>("EVP_DigestVerify")(context, signature, signature_size, message,
                                                                  message_size);
}
