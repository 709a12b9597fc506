// How often the code under test asks OpenSSL for what is expensive: counted, not timed. A test program
// that has openssl_counts.cpp among its sources stands between itself and these functions.
#pragma once

namespace nodeproof::openssl_counts {

struct Counts {
  int certificates_parsed = 0;     // d2i_X509
  int certificate_signatures = 0;  // X509_verify
  int signatures = 0;              // EVP_DigestVerify: reports and quotes
  bool operator==(const Counts&) const = default;
};

// Of the whole program, since `reset`. For one thread.
Counts now();
void reset();

}  // namespace nodeproof::openssl_counts
