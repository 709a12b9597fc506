// How attest/ calls OpenSSL: handles that free themselves, a clean error queue, and failures of the
// library itself (out of memory, no provider) as exceptions. For attest's own .cpp files.
#pragma once

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <stdexcept>
#include <string>

#include "base/unique_handle.hpp"

namespace nodeproof::attest {

using BioHandle = UniqueHandle<BIO, BIO_free>;
using BignumHandle = UniqueHandle<BIGNUM, BN_free>;
using KeyHandle = UniqueHandle<EVP_PKEY, EVP_PKEY_free>;
using ObjectHandle = UniqueHandle<ASN1_OBJECT, ASN1_OBJECT_free>;
using CertificateHandle = UniqueHandle<X509, X509_free>;

// The error queue is per thread and outlives calls: it starts empty and is left empty, so that no
// later caller on this thread reads our refusals as its own failures.
class OpensslScope {
 public:
  OpensslScope() { ERR_clear_error(); }
  ~OpensslScope() { ERR_clear_error(); }
  OpensslScope(const OpensslScope&) = delete;
  OpensslScope& operator=(const OpensslScope&) = delete;
};

// For calls that fail only when the library itself is broken, whatever the input.
inline void require_openssl(bool succeeded, const char* what) {
  if (!succeeded) throw std::runtime_error(std::string("OpenSSL failed: ") + what);
}

}  // namespace nodeproof::attest
