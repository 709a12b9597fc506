// What a connection proves itself with, kept up to date: CA, client certificate and bearer token.
// Internal to kube/.
#pragma once

#include <openssl/ssl.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/unique_handle.hpp"
#include "kube/api_client.hpp"

namespace nodeproof::kube {

using X509Handle = UniqueHandle<X509, X509_free>;
using KeyHandle = UniqueHandle<EVP_PKEY, EVP_PKEY_free>;

// Parsed PEM, immutable. Throws std::runtime_error naming what cannot be used.
class TlsMaterial {
 public:
  // `cert` and `key` may be empty, together.
  TlsMaterial(const std::string& ca, const std::string& cert, const std::string& key);

  // Makes `context` trust this CA and nothing else, and present the client certificate.
  void install(SSL_CTX* context) const;

 private:
  std::vector<X509Handle> authorities_;
  std::vector<X509Handle> chain_;  // leaf first
  KeyHandle key_;
};

// Thread-safe.
class Credentials {
 public:
  // Reads everything once. Throws std::runtime_error naming what cannot be used.
  explicit Credentials(const Connection& connection);

  // Reads the files again when the last time is 10 s ago, or when `force`. A file that cannot be
  // read or parsed is logged and the earlier content stays in use.
  void refresh(bool force);
  std::string bearer_token() const;      // empty: none
  void install(SSL_CTX* context) const;  // for each new connection

 private:
  struct Texts {
    std::string ca;
    std::string token;
    std::string cert;
    std::string key;
    bool operator==(const Texts&) const = default;
  };
  static Texts read(const Connection& connection);
  static std::shared_ptr<const TlsMaterial> parse(const Connection& connection, const Texts& texts);

  const Connection connection_;
  mutable std::mutex mutex_;
  Texts texts_;
  std::shared_ptr<const TlsMaterial> tls_;
  std::chrono::steady_clock::time_point read_at_;
};

}  // namespace nodeproof::kube
