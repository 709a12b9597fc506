// Connections that do nothing but hold on, renewed when the edge drops them: half of a handshake costs an
// attacker nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace nodeproof::test {

// What one such connection may cost the edge.
inline constexpr std::size_t kMaxIdleTls = 50U << 10U;
inline constexpr std::size_t kMaxIdleTcp = 4U << 10U;

// Lets this process open so many descriptors, as far as its hard limit goes.
void allow_descriptors(std::size_t count);

class HostileCrowd {
 public:
  // Opens all of them before it returns, then keeps their number on a thread of its own: `tls` with a
  // finished handshake, `tcp` without its first byte.
  HostileCrowd(std::uint16_t port, std::size_t tls, std::size_t tcp);
  ~HostileCrowd();  // closes all
  HostileCrowd(const HostileCrowd&) = delete;
  HostileCrowd& operator=(const HostileCrowd&) = delete;

  // How many the edge holds open now, as far as this side can tell.
  std::size_t held() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nodeproof::test
