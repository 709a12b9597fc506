// List, then watch, then list again when the watch has expired: keeps a handler's view of one
// collection equal to the API server's. Reference: client-go's reflector.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "attest/strict_json_fwd.hpp"
#include "kube/api_client.hpp"

namespace nodeproof::kube {

// Called on the ListWatch's own thread, one call at a time. Must not block: what the API server sends
// meanwhile piles up in memory. A handler that throws causes a new list.
struct WatchHandler {
  // The whole collection anew; what is not in it is gone.
  std::function<void(const std::vector<attest::JsonValue>& objects)> replace;
  // ADDED or MODIFIED.
  std::function<void(const attest::JsonValue& object)> update;
  std::function<void(const attest::JsonValue& object)> remove;
};

struct ListWatchOptions {
  std::string path;                  // "/apis/nodeproof.dev/v1alpha1/nodeevidences", with query or not
  Seconds probe_after{15};           // silence after which a probe GET keeps the age honest
  Seconds reopen_after{150};         // silence after which the watch is opened anew
  std::size_t max_line = 4U << 20U;  // bytes of one event
};

// `client` must outlive it. start, stop and the destructor are for one thread; the rest is
// thread-safe. All of the collection is in memory at once while it is listed.
class ListWatch {
 public:
  ListWatch(ApiClient& client, ListWatchOptions options, WatchHandler handler);
  ~ListWatch();  // stops and joins
  void start();
  void stop();  // cancels what is under way and joins; the handler is not called afterwards

  bool synced() const;              // a list has been handed over
  Seconds age(UnixTime now) const;  // since the last event, bookmark or answered probe; max() before
  std::uint64_t restarts() const;   // how often the watch was opened again

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace nodeproof::kube
