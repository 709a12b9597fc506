// One non-blocking socket as a byte stream, plain or under TLS: every call does what it can at once
// and says what to wait for. Own BIO instead of OpenSSL's, which would raise SIGPIPE. One thread.
#pragma once

#include <openssl/ossl_typ.h>

#include <span>
#include <string_view>

#include "base/unique_handle.hpp"

extern "C" void SSL_free(SSL* ssl);

namespace nodeproof::webhook {

enum class Io {
  kDone,
  kWantRead,   // call again when the socket is readable
  kWantWrite,  // call again when the socket is writable
  kClosed,     // the peer ended the stream
  kFailed,     // broken: only close it
};

struct IoResult {
  Io io = Io::kFailed;
  std::size_t count = 0;  // bytes moved, positive when kDone
};

class HttpTransport {
 public:
  // `fd` is non-blocking, borrowed, and outlives the calls. Plain until begin_tls.
  explicit HttpTransport(int fd) noexcept : fd_(fd) {}
  HttpTransport(const HttpTransport&) = delete;
  HttpTransport& operator=(const HttpTransport&) = delete;

  // Makes this the server's side of a TLS connection. Throws std::runtime_error.
  void begin_tls(SSL_CTX* context);
  bool has_tls() const noexcept { return ssl_ != nullptr; }
  Io handshake();

  IoResult read(std::span<char> out);
  IoResult write(std::string_view bytes);
  // True when bytes may be read that the socket will not announce any more.
  bool pending() const;

  // Says that nothing more will be written, by close_notify under TLS (RFC 8446 6.1) and by FIN.
  void finish_writing();
  // Reads and ignores bytes of the socket, after finish_writing.
  Io discard(std::span<char> scratch);

 private:
  Io outcome(int result);

  int fd_;
  UniqueHandle<SSL, SSL_free> ssl_;
  bool usable_ = false;  // the handshake is done and TLS has not failed since
};

}  // namespace nodeproof::webhook
