#include "webhook/http_transport.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <stdexcept>

namespace nodeproof::webhook {
namespace {

bool would_block(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

int fd_of(BIO* bio) {
  return *static_cast<const int*>(BIO_get_data(bio));
}

int bio_read(BIO* bio, char* out, int size) {
  BIO_clear_retry_flags(bio);
  const ssize_t count = ::recv(fd_of(bio), out, static_cast<std::size_t>(size), 0);
  if (count < 0 && would_block(errno)) BIO_set_retry_read(bio);
  if (count == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return static_cast<int>(count);
}

int bio_write(BIO* bio, const char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  const ssize_t count = ::send(fd_of(bio), bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  if (count < 0 && would_block(errno)) BIO_set_retry_write(bio);
  return static_cast<int>(count);
}

long bio_control(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_FLUSH) return 1;
  if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
  return 0;
}

UniqueHandle<BIO_METHOD, BIO_meth_free> make_method() {
  UniqueHandle<BIO_METHOD, BIO_meth_free> method(
      BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "nodeproof socket"));
  if (method == nullptr || BIO_meth_set_read(method.get(), bio_read) != 1 ||
      BIO_meth_set_write(method.get(), bio_write) != 1 || BIO_meth_set_ctrl(method.get(), bio_control) != 1) {
    throw std::runtime_error("OpenSSL cannot make a BIO method");
  }
  return method;
}

IoResult plain_result(ssize_t count, Io wait) {
  if (count > 0) return {Io::kDone, static_cast<std::size_t>(count)};
  if (count == 0) return {Io::kClosed};
  return {would_block(errno) ? wait : Io::kFailed};
}

}  // namespace

void HttpTransport::begin_tls(SSL_CTX* context) {
  static const auto method = make_method();
  ERR_clear_error();
  UniqueHandle<SSL, SSL_free> ssl(SSL_new(context));
  BIO* bio = BIO_new(method.get());
  if (ssl == nullptr || bio == nullptr) {
    BIO_free(bio);
    throw std::runtime_error("OpenSSL cannot make a connection");
  }
  BIO_set_data(bio, &fd_);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl.get(), bio, bio);  // takes the BIO
  SSL_set_accept_state(ssl.get());
  ssl_ = std::move(ssl);
}

Io HttpTransport::handshake() {
  ERR_clear_error();
  const Io io = outcome(SSL_do_handshake(ssl_.get()));
  usable_ = io == Io::kDone;
  return io;
}

IoResult HttpTransport::read(std::span<char> out) {
  if (!has_tls()) return plain_result(::recv(fd_, out.data(), out.size(), 0), Io::kWantRead);
  ERR_clear_error();
  std::size_t count = 0;
  const Io io = outcome(SSL_read_ex(ssl_.get(), out.data(), out.size(), &count));
  return {io, count};
}

IoResult HttpTransport::write(std::string_view bytes) {
  if (!has_tls()) return plain_result(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL), Io::kWantWrite);
  ERR_clear_error();
  std::size_t count = 0;
  const Io io = outcome(SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &count));
  return {io, count};
}

bool HttpTransport::pending() const {
  return has_tls() && SSL_has_pending(ssl_.get()) == 1;
}

void HttpTransport::finish_writing() {
  if (usable_) {
    ERR_clear_error();
    // Sends our close_notify if the socket takes it now; the peer's is not waited for.
    static_cast<void>(SSL_shutdown(ssl_.get()));
    usable_ = false;
  }
  static_cast<void>(::shutdown(fd_, SHUT_WR));
}

Io HttpTransport::discard(std::span<char> scratch) {
  return plain_result(::recv(fd_, scratch.data(), scratch.size(), 0), Io::kWantRead).io;
}

Io HttpTransport::outcome(int result) {
  if (result > 0) return Io::kDone;
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return Io::kWantRead;
    case SSL_ERROR_WANT_WRITE:
      return Io::kWantWrite;
    case SSL_ERROR_ZERO_RETURN:
      return Io::kClosed;
    default:
      usable_ = false;  // RFC 8446 6.2: after a fatal alert nothing more is sent
      return Io::kFailed;
  }
}

}  // namespace nodeproof::webhook
