#include "webhook/tls_material.hpp"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <spdlog/spdlog.h>

#include <stdexcept>

#include "attest/crypto.hpp"
#include "base/file.hpp"
#include "base/or_throw.hpp"
#include "base/unique_handle.hpp"

namespace nodeproof::webhook {
namespace {

using BioHandle = UniqueHandle<BIO, BIO_free>;
using ContextHandle = UniqueHandle<SSL_CTX, SSL_CTX_free>;
using KeyHandle = UniqueHandle<EVP_PKEY, EVP_PKEY_free>;

// A Secret is limited to 1 MiB altogether.
constexpr std::size_t kFileLimit = 1u << 20;

// RFC 7301 3.1: names with their length in front. client-go pins HTTP/1.1 for webhooks; HTTP/2 is not spoken.
constexpr unsigned char kProtocols[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

// Bytes of a private key, wiped when done with.
struct SecretBytes {
  Bytes bytes;
  ~SecretBytes() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
};

// Takes the reason from OpenSSL's queue and leaves that empty.
std::runtime_error failure(const std::string& what) {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return std::runtime_error(what + (reason != nullptr ? std::string(": ") + reason : std::string()));
}

void require(bool succeeded, const std::string& what) {
  if (!succeeded) throw failure(what);
}

int select_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* offered,
                    unsigned offered_size, void*) noexcept {
  unsigned char* selected = nullptr;
  if (SSL_select_next_proto(&selected, out_size, kProtocols, sizeof kProtocols, offered, offered_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;  // RFC 7301 3.2: no_application_protocol
  }
  *out = selected;
  return SSL_TLSEXT_ERR_OK;
}

// An encrypted key must fail, not ask the terminal.
int no_password(char*, int, int, void*) noexcept {
  return -1;
}

ContextHandle make_context() {
  ContextHandle context(SSL_CTX_new(TLS_server_method()));
  require(context != nullptr, "cannot make a TLS context");
  SSL_CTX* tls = context.get();
  require(SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION) == 1, "cannot set the TLS version");
  require(SSL_CTX_set_cipher_list(tls, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1,
          "cannot set the ciphers of TLS 1.2");
  require(SSL_CTX_set1_groups_list(tls, "X25519:P-256:P-384") == 1, "cannot set the key exchange groups");
  // Callers keep no sessions (client-go has no session cache), so tickets are only bytes and a key to rotate.
  SSL_CTX_set_options(tls, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                               SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
  require(SSL_CTX_set_num_tickets(tls, 0) == 1, "cannot turn off session tickets");
  // Idle connections hold no buffers; the caller's buffer may move between two tries to write.
  SSL_CTX_set_mode(
      tls, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(tls, 1);  // one system call for a record instead of two
  SSL_CTX_set_alpn_select_cb(tls, select_protocol, nullptr);
  return context;
}

void use_chain(SSL_CTX* context, const std::vector<attest::Certificate>& chain, const std::string& path) {
  require(SSL_CTX_use_certificate(context, chain.front().handle()) == 1,
          "cannot use the certificate in " + path);
  for (std::size_t i = 1; i < chain.size(); ++i) {
    require(SSL_CTX_add1_chain_cert(context, chain[i].handle()) == 1, "cannot use the chain in " + path);
  }
}

void use_key(SSL_CTX* context, ByteView pem, const std::string& path) {
  const std::string none = path + " holds no private key in PEM without a password";
  const std::string stranger = "the private key in " + path + " is not that of the certificate";
  const BioHandle bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  require(bio != nullptr, none);  // an empty file
  const KeyHandle key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
  require(key != nullptr, none);
  require(SSL_CTX_use_PrivateKey(context, key.get()) == 1, stranger);
  require(SSL_CTX_check_private_key(context) == 1, stranger);
}

Sha256Digest digest_of(ByteView chain, ByteView key) {
  const Sha256Digest first = attest::sha256(chain);
  const Sha256Digest second = attest::sha256(key);
  Bytes both;
  append(both, first);
  append(both, second);
  return attest::sha256(both);
}

}  // namespace

TlsMaterial::TlsMaterial(Files files, const Clock& clock, std::chrono::milliseconds interval)
    : files_(std::move(files)), clock_(clock), interval_(interval) {
  poll_files();
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

TlsMaterial::TlsMaterial(const Clock& clock)
    : files_{"tls.crt", "tls.key"},
      clock_(clock),
      interval_(0),
      pair_{std::shared_ptr<SSL_CTX>(make_context()), {}, {}} {}

TlsMaterial::~TlsMaterial() = default;

std::shared_ptr<ssl_ctx_st> TlsMaterial::current() const {
  const std::lock_guard lock(mutex_);
  return pair_.context;
}

std::optional<UnixTime> TlsMaterial::not_after() const {
  const std::lock_guard lock(mutex_);
  return pair_.not_after;
}

std::optional<std::string> TlsMaterial::last_error() const {
  const std::lock_guard lock(mutex_);
  return error_;
}

bool TlsMaterial::poll() {
  const std::lock_guard one_at_a_time(taking_);
  try {
    return poll_files();
  } catch (const std::exception& error) {  // unreadable or bad files: the pair in use stays
    refuse(error.what());
    return false;
  }
}

bool TlsMaterial::offer(const Texts& pair) {
  const std::lock_guard one_at_a_time(taking_);
  try {
    take(pair);
    return true;
  } catch (const std::exception& error) {
    refuse(error.what());
    return false;
  }
}

void TlsMaterial::refuse(const std::string& why) {
  ++reload_errors_;
  set_error(why);
}

bool TlsMaterial::poll_files() {
  const Bytes chain = read_file(files_.certificate_chain, kFileLimit);
  const SecretBytes key{read_file(files_.private_key, kFileLimit)};
  return take({chain, key.bytes});
}

// True when it is a new pair. Throws when it cannot be used.
bool TlsMaterial::take(const Texts& texts) {
  const Sha256Digest content = digest_of(texts.certificate_chain, texts.private_key);
  const bool changed = !pair_.not_after || content != pair_.content;  // only this function writes pair_
  if (!changed) {
    refuse_expired(*pair_.not_after);
  } else {
    Pair pair = make_pair(texts, content);
    spdlog::info("new serving certificate, valid until {}", to_rfc3339(*pair.not_after));
    const std::lock_guard lock(mutex_);
    pair_ = std::move(pair);
  }
  set_error(std::nullopt);
  return changed;
}

TlsMaterial::Pair TlsMaterial::make_pair(const Texts& texts, const Sha256Digest& content) const {
  const std::string path = files_.certificate_chain.string();
  const std::vector<attest::Certificate> chain =
      or_throw(attest::parse_certificates(texts.certificate_chain, path));
  const UnixTime not_after = chain.front().not_after();
  refuse_expired(not_after);
  ERR_clear_error();
  ContextHandle context = make_context();
  use_chain(context.get(), chain, path);
  use_key(context.get(), texts.private_key, files_.private_key.string());
  return {std::shared_ptr<SSL_CTX>(std::move(context)), not_after, content};
}

void TlsMaterial::refuse_expired(UnixTime not_after) const {
  if (clock_.now() <= not_after) return;
  throw std::runtime_error("the certificate in " + files_.certificate_chain.string() + " expired at " +
                           to_rfc3339(not_after) + "; renew it");
}

// Logs when it changes, so that a bad pair does not fill the log with every poll.
void TlsMaterial::set_error(std::optional<std::string> error) {
  const std::lock_guard lock(mutex_);
  if (error == error_) return;
  if (error) {
    spdlog::error("the serving certificate stays as it is: {}", *error);
  } else {
    spdlog::info("the serving certificate can be used again");
  }
  error_ = std::move(error);
}

void TlsMaterial::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(waiting_);
      wake_.wait_for(lock, stop, interval_, [] { return false; });
    }
    if (!stop.stop_requested()) poll();
  }
}

}  // namespace nodeproof::webhook
