// What a watch tells of the objects of a collection, by name: of each, the part that somebody keeps.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "attest/strict_json.hpp"
#include "kube/list_watch.hpp"
#include "wire/objects.hpp"

namespace nodeproof::webhook {

// Thread-safe. An object without readable metadata is passed over.
template <typename T>
class Watched {
 public:
  // What the watch feeds. `read` is called without the lock. Borrows this.
  kube::WatchHandler handler(std::function<T(const attest::JsonValue&)> read) {
    kube::WatchHandler out;
    out.begin = [this] {
      const std::lock_guard lock(mutex_);
      listing_.emplace();
    };
    out.listed = [this] {
      const std::lock_guard lock(mutex_);
      objects_ = *std::move(listing_);
      listing_.reset();
    };
    out.update = [this, read = std::move(read)](const attest::JsonValue& object) {
      const auto meta = wire::parse_metadata(object);
      if (!meta) return;
      T kept = read(object);
      const std::lock_guard lock(mutex_);
      (listing_ ? *listing_ : objects_).insert_or_assign(meta->name, std::move(kept));
    };
    out.remove = [this](const attest::JsonValue& object) {
      const auto meta = wire::parse_metadata(object);
      if (!meta) return;
      const std::lock_guard lock(mutex_);
      objects_.erase(meta->name);
    };
    return out;
  }

  std::optional<T> find(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    const auto found = objects_.find(name);
    return found == objects_.end() ? std::nullopt : std::optional(found->second);
  }

  // Until the watch tells of it again.
  template <typename Change>
  void change(const std::string& name, Change change) {
    const std::lock_guard lock(mutex_);
    if (const auto found = objects_.find(name); found != objects_.end()) change(found->second);
  }

 private:
  using ByName = std::map<std::string, T>;
  mutable std::mutex mutex_;
  ByName objects_;
  std::optional<ByName> listing_;  // while a list is under way: what it has brought
};

}  // namespace nodeproof::webhook
