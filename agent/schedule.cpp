#include "agent/schedule.hpp"

#include <algorithm>

#include "attest/crypto.hpp"

namespace nodeproof::agent {
namespace {

Milliseconds offset_of(std::string_view node_name, Milliseconds period) {
  const Sha256Digest hash = attest::sha256(as_bytes(node_name));
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < 8; ++i) number = number << 8U | hash[i];
  return Milliseconds(static_cast<Milliseconds::rep>(number % static_cast<std::uint64_t>(period.count())));
}

}  // namespace

Milliseconds Backoff::next() {
  const Milliseconds half = current_ / 2;
  std::uniform_int_distribution<Milliseconds::rep> part(0, (current_ - half).count());
  current_ = std::min(current_ * 2, kLast);
  return half + Milliseconds(part(random_));
}

RefreshSchedule::RefreshSchedule(std::string_view node_name, Seconds period, SteadyTime start)
    : period_(period), anchor_(start + offset_of(node_name, period)) {}

SteadyTime RefreshSchedule::after(SteadyTime now) const {
  if (now < anchor_) return anchor_;
  return anchor_ + period_ * ((now - anchor_) / period_ + 1);
}

}  // namespace nodeproof::agent
