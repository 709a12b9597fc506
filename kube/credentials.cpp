#include "kube/credentials.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <spdlog/spdlog.h>

#include <new>

#include "base/file.hpp"

namespace nodeproof::kube {
namespace {

constexpr std::size_t kMaxFile = 1U << 20U;
// kubelets renew tokens long before they end; client-go looks once a minute.
constexpr Seconds kReadAgain{10};

using BioHandle = UniqueHandle<BIO, BIO_free>;

std::string read_text(const std::filesystem::path& file, const std::string& in_memory) {
  if (file.empty()) return in_memory;
  return std::string(as_text(read_file(file, kMaxFile)));
}

std::string trimmed(const std::string& text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

BioHandle memory_of(const std::string& pem) {
  BioHandle bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (!bio) throw std::bad_alloc();
  return bio;
}

std::vector<X509Handle> read_certificates(const std::string& pem) {
  const BioHandle bio = memory_of(pem);
  std::vector<X509Handle> out;
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr))
    out.emplace_back(certificate);
  ERR_clear_error();  // the end of the text is reported as an error
  return out;
}

// Without this OpenSSL would ask the terminal for the passphrase of an encrypted key.
int no_passphrase(char*, int, int, void*) {
  return 0;
}

KeyHandle read_key(const std::string& pem) {
  const BioHandle bio = memory_of(pem);
  KeyHandle key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  return key;
}

void require(long openssl_result, const char* what) {
  ERR_clear_error();
  if (openssl_result != 1) throw std::runtime_error(what);
}

// Whoever serves runs nobody's program.
const Connection& with_credentials(const Connection& connection) {
  if (!connection.exec) return connection;
  throw std::runtime_error(
      connection.exec->where + ": " + connection.exec->command +
      " is not run here to log in. Make a kubeconfig that holds a token: kubectl config view "
      "--minify --flatten > FILE, then put token: in the place of exec:, with what kubectl "
      "create token SERVICEACCOUNT prints");
}

}  // namespace

TlsMaterial::TlsMaterial(const std::string& ca, const std::string& cert, const std::string& key) {
  authorities_ = read_certificates(ca);
  if (authorities_.empty()) throw std::runtime_error("the CA file holds no PEM certificate");
  if (cert.empty() && key.empty()) return;
  chain_ = read_certificates(cert);
  if (chain_.empty()) throw std::runtime_error("the client certificate file holds no PEM certificate");
  key_ = read_key(key);
  if (!key_) throw std::runtime_error("the client key file holds no usable unencrypted PEM key");
  require(X509_check_private_key(chain_.front().get(), key_.get()),
          "client certificate and key do not match");
}

void TlsMaterial::install(SSL_CTX* context) const {
  // A watch is silent most of the time, and OpenSSL would keep 34 kB for each.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  // cpprest has loaded the system's CAs into the store that is here now; a new one trusts none.
  X509_STORE* store = X509_STORE_new();
  if (store == nullptr) throw std::bad_alloc();
  SSL_CTX_set_cert_store(context, store);
  for (const X509Handle& authority : authorities_) {
    require(X509_STORE_add_cert(store, authority.get()), "cannot trust the CA certificate");
  }
  require(SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION), "cannot demand TLS 1.2");
  if (chain_.empty()) return;
  require(SSL_CTX_use_certificate(context, chain_.front().get()), "cannot use the client certificate");
  for (std::size_t i = 1; i < chain_.size(); ++i) {
    require(SSL_CTX_add1_chain_cert(context, chain_[i].get()), "cannot use the client chain");
  }
  require(SSL_CTX_use_PrivateKey(context, key_.get()), "cannot use the client key");
}

Credentials::Credentials(const Connection& connection)
    : connection_(with_credentials(connection)),
      texts_(read(connection)),
      tls_(parse(connection, texts_)),
      read_at_(std::chrono::steady_clock::now()) {
  // At exit OpenSSL must be cleaned up after cpprest's threads have ended, so it must be set up before
  // the first http_client starts them.
  require(OPENSSL_init_ssl(0, nullptr), "cannot set OpenSSL up");
}

Credentials::Texts Credentials::read(const Connection& connection) {
  return {read_text(connection.ca_file, connection.ca_pem),
          trimmed(read_text(connection.token_file, connection.token)),
          read_text(connection.client_cert_file, connection.client_cert_pem),
          read_text(connection.client_key_file, connection.client_key_pem)};
}

std::shared_ptr<const TlsMaterial> Credentials::parse(const Connection& connection, const Texts& texts) {
  if (connection.server.starts_with("http://")) return nullptr;
  if (texts.ca.empty()) {
    throw std::runtime_error("no CA for " + connection.server + " is named; system CAs are never trusted");
  }
  return std::make_shared<const TlsMaterial>(texts.ca, texts.cert, texts.key);
}

void Credentials::refresh(bool force) {
  const std::scoped_lock lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  if (!force && now - read_at_ < kReadAgain) return;
  read_at_ = now;
  try {
    Texts texts = read(connection_);
    if (texts == texts_) return;
    tls_ = parse(connection_, texts);
    texts_ = std::move(texts);
  } catch (const std::exception& error) {
    // A file may be half replaced: the earlier content is still the best we have.
    spdlog::warn("cannot renew the credentials for {}: {}", connection_.server, error.what());
  }
}

std::string Credentials::bearer_token() const {
  const std::scoped_lock lock(mutex_);
  return texts_.token;
}

void Credentials::install(SSL_CTX* context) const {
  std::shared_ptr<const TlsMaterial> tls;
  {
    const std::scoped_lock lock(mutex_);
    tls = tls_;
  }
  if (tls) tls->install(context);
}

}  // namespace nodeproof::kube
