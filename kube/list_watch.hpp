// List, then watch, then list again when the watch has expired: keeps a handler's view of one
// collection equal to the API server's. Reference: client-go's reflector.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "attest/strict_json_fwd.hpp"
#include "kube/api_client.hpp"

namespace nodeproof::kube {

// Called on the ListWatch's own thread, one call at a time. A handler that throws causes a new list. None
// may be empty. Must not block on an event: what the API server sends meanwhile piles up in memory, and past
// a limit the watch is given up for a new list. In a list it may, shortly: the next page waits.
//
// A list is handed over page by page, so that only one page of it is ever held: what `update` was not
// called for between `begin` and `listed` is gone then, and not before. `begin` may come again without
// `listed` in between: that list failed half-way.
struct WatchHandler {
  std::function<void()> begin;
  // An object of the list, ADDED or MODIFIED. Valid during the call.
  std::function<void(const attest::JsonValue& object)> update;
  std::function<void(const attest::JsonValue& object)> remove;
  std::function<void()> listed;
};

struct ListWatchOptions {
  std::string path;                  // "/apis/nodeproof.dev/v1alpha1/nodeevidences", with query or not
  Seconds probe_after{15};           // silence after which a probe GET keeps the age honest
  Seconds reopen_after{150};         // silence after which the watch is opened anew
  std::size_t max_line = 4U << 20U;  // bytes of one event
};

// `client` must outlive it. start, stop and the destructor are for one thread; the rest is
// thread-safe.
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
