// Keys, algorithms and CRLs in words, over OpenSSL. For inspect_x509.cpp: nothing is verified.
#pragma once

#include <openssl/ossl_typ.h>

#include <string>
#include <vector>

#include "cli/description.hpp"

namespace nodeproof::cli {

std::string key_text(const EVP_PKEY* key);                 // "RSA, 2048 bits"
std::string key_text_of_certificate(ByteView der);         // of its subject
std::string signature_algorithm_of(ByteView certificate);  // "rsassaPss"
std::vector<Item> crl_items(X509_CRL* crl);

}  // namespace nodeproof::cli
