#include "tests/robustness/hostile_crowd.hpp"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <csignal>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include "base/unique_handle.hpp"

namespace nodeproof::test {
namespace {

using ContextHandle = UniqueHandle<SSL_CTX, SSL_CTX_free>;
using SslHandle = UniqueHandle<SSL, SSL_free>;

constexpr std::chrono::milliseconds kRenewal{200};

UniqueFd connect_to(std::uint16_t port) {
  UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (!socket || ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw std::runtime_error("the crowd cannot connect: too few descriptors?");
  }
  return socket;
}

// A socket, and with TLS what belongs to it.
struct Member {
  UniqueFd socket;
  SslHandle ssl;

  // Something to read from one that asked nothing is its end.
  bool ended() const {
    pollfd waiting{socket.get(), POLLIN, 0};
    return ::poll(&waiting, 1, 0) > 0;
  }
};

}  // namespace

void allow_descriptors(std::size_t count) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, std::max<rlim_t>(limit.rlim_cur, count));
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

class HostileCrowd::Impl {
 public:
  Impl(std::uint16_t port, std::size_t tls, std::size_t tcp)
      : port_(port), context_(SSL_CTX_new(TLS_client_method())) {
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
    for (std::size_t i = 0; i < tls; ++i) tls_.push_back(with_tls());
    for (std::size_t i = 0; i < tcp; ++i) tcp_.push_back({connect_to(port_), {}});
    thread_ = std::jthread([this](const std::stop_token& stop) { keep(stop); });
  }

  std::size_t held() const {
    const std::scoped_lock lock(mutex_);
    const auto open = [](const Member& member) { return !member.ended(); };
    return static_cast<std::size_t>(std::count_if(tls_.begin(), tls_.end(), open) +
                                    std::count_if(tcp_.begin(), tcp_.end(), open));
  }

 private:
  Member with_tls() const {
    Member member{connect_to(port_), SslHandle(SSL_new(context_.get()))};
    SSL_set_fd(member.ssl.get(), member.socket.get());
    if (SSL_connect(member.ssl.get()) != 1) throw std::runtime_error("the crowd's handshake failed");
    return member;
  }

  // Only those without TLS end within any test's time.
  void keep(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      try {
        renew();
      } catch (const std::runtime_error&) {
        // The edge takes no connection now; whoever tests it sees that from its own requests.
      }
      std::this_thread::sleep_for(kRenewal);
    }
  }

  void renew() {
    const std::scoped_lock lock(mutex_);
    for (Member& member : tcp_) {
      if (member.ended()) member.socket = connect_to(port_);
    }
  }

  const std::uint16_t port_;
  const ContextHandle context_;
  mutable std::mutex mutex_;
  std::vector<Member> tls_;
  std::vector<Member> tcp_;
  std::jthread thread_;
};

HostileCrowd::HostileCrowd(std::uint16_t port, std::size_t tls, std::size_t tcp)
    : impl_(std::make_unique<Impl>(port, tls, tcp)) {}

HostileCrowd::~HostileCrowd() = default;

std::size_t HostileCrowd::held() const {
  return impl_->held();
}

}  // namespace nodeproof::test
