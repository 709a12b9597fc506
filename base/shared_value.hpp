// Values that many objects have in common, such as the labels of nodes of one pool: held once.
#pragma once

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

namespace nodeproof {

// A value that never changes; copies share it. Thread-safe as a std::shared_ptr is.
template <typename T>
class Shared {
 public:
  Shared() : Shared(empty()) {}
  Shared(T value) : value_(std::make_shared<const T>(std::move(value))) {}  // NOLINT(google-explicit-*)

  const T& operator*() const { return *value_; }
  const T* operator->() const { return value_.get(); }
  bool operator==(const Shared& other) const { return value_ == other.value_ || *value_ == *other.value_; }
  long holders() const { return value_.use_count(); }

 private:
  // One for all, so that having nothing costs nothing.
  static const Shared& empty() {
    static const Shared kEmpty{T()};
    return kEmpty;
  }

  std::shared_ptr<const T> value_;  // never null, but after a move
};

// Makes equal values one. T has an order. For one thread at a time.
template <typename T>
class SharedValues {
 public:
  Shared<T> share(T value) {
    const auto found = known_.find(value);
    if (found != known_.end()) return *found;
    if (known_.size() >= sweep_at_) forget_unused();
    return *known_.emplace(std::move(value)).first;
  }
  // Those that nobody else holds are forgotten from time to time.
  std::size_t size() const { return known_.size(); }

 private:
  static constexpr std::size_t kSweepFrom = 64;
  struct ByValue {
    using is_transparent = void;
    bool operator()(const Shared<T>& left, const Shared<T>& right) const { return *left < *right; }
    bool operator()(const Shared<T>& left, const T& right) const { return *left < right; }
    bool operator()(const T& left, const Shared<T>& right) const { return left < *right; }
  };
  void forget_unused() {
    std::erase_if(known_, [](const Shared<T>& value) { return value.holders() == 1; });
    sweep_at_ = std::max(kSweepFrom, 2 * known_.size());
  }

  std::set<Shared<T>, ByValue> known_;
  std::size_t sweep_at_ = kSweepFrom;
};

}  // namespace nodeproof
