// The server's certificate chain and private key: of files, reloaded when they change, or of whoever
// offers a pair.
//
// A Secret volume can be read between two updates, so a pair is taken only whole: it parses, the key
// belongs to the certificate and the certificate has not expired. Otherwise the pair in use stays, and
// last_error() says why; files are looked at again with the next poll. Connections keep the pair they
// began with.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "base/bytes.hpp"
#include "base/clock.hpp"

struct ssl_ctx_st;  // OpenSSL's SSL_CTX

namespace nodeproof::webhook {

// kubelet refreshes a Secret volume within a minute or two, so a few seconds more do not matter.
inline constexpr std::chrono::milliseconds kTlsPollInterval{5'000};

class TlsMaterial {
 public:
  struct Files {
    std::filesystem::path certificate_chain;  // PEM, the server's certificate first
    std::filesystem::path private_key;        // PEM, not encrypted
  };
  // What such files hold. Borrowed.
  struct Texts {
    ByteView certificate_chain;
    ByteView private_key;
  };

  // Loads the files and begins to poll them on a thread of its own. Throws std::runtime_error saying
  // what is wrong with which file. `clock` must outlive this object.
  TlsMaterial(Files files, const Clock& clock, std::chrono::milliseconds interval = kTlsPollInterval);
  // Has nothing to serve until a pair is offered: handshakes fail.
  explicit TlsMaterial(const Clock& clock);
  ~TlsMaterial();
  TlsMaterial(const TlsMaterial&) = delete;
  TlsMaterial& operator=(const TlsMaterial&) = delete;

  // The context for new connections: TLS 1.2 or later, ALPN http/1.1. Never null. From any thread.
  std::shared_ptr<ssl_ctx_st> current() const;
  // When the certificate in use expires; nothing before there is one. From any thread.
  std::optional<UnixTime> not_after() const;
  // Why the last pair is not in use, or that the certificate in use has expired since; nothing when all
  // is well. From any thread.
  std::optional<std::string> last_error() const;
  // How many polls and offers found no usable pair. From any thread.
  std::uint64_t reload_errors() const { return reload_errors_; }

  // Looks at the files now. Gives true when a new pair is in use. From any thread.
  bool poll();
  // Gives true when this pair is in use now, also when it was before. From any thread.
  bool offer(const Texts& pair);
  // There is no pair to offer: counts and tells it like one that cannot be used. From any thread.
  void refuse(const std::string& why);

 private:
  struct Pair {
    std::shared_ptr<ssl_ctx_st> context;
    std::optional<UnixTime> not_after;
    Sha256Digest content{};  // of both texts, to see a change
  };

  bool poll_files();
  bool take(const Texts& texts);
  Pair make_pair(const Texts& texts, const Sha256Digest& content) const;
  void refuse_expired(UnixTime not_after) const;
  void set_error(std::optional<std::string> error);
  void run(const std::stop_token& stop);

  const Files files_;  // of a pair that is offered: names for messages
  const Clock& clock_;
  const std::chrono::milliseconds interval_;
  std::mutex taking_;         // one poll or offer at a time
  mutable std::mutex mutex_;  // guards pair_ and error_; never held while files are read
  Pair pair_;
  std::optional<std::string> error_;
  std::atomic<std::uint64_t> reload_errors_{0};
  std::mutex waiting_;
  std::condition_variable_any wake_;
  std::jthread thread_;
};

}  // namespace nodeproof::webhook
