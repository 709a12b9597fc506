// The collections that this replica watches, and how fresh its view of each is.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kube/list_watch.hpp"
#include "webhook/metrics_state.hpp"
#include "webhook/readiness.hpp"

namespace nodeproof::webhook {

// Thread-safe once all are added; start and stop are for one thread.
class Watches {
 public:
  explicit Watches(kube::ApiClient& client) : client_(client) {}  // borrowed

  // `decides`: whether decisions rest on it, so that readiness waits for it.
  void add(std::string name, const std::string& path, kube::WatchHandler handler, bool decides = true);
  void start();
  void stop();

  std::vector<StoreView> deciding(UnixTime now) const;
  // Of those, the one of which least was heard; one that was never listed when there is none.
  StoreView oldest(UnixTime now) const;
  std::vector<WatchState> states(UnixTime now) const;

 private:
  struct Item {
    std::string name;
    bool decides;
    std::unique_ptr<kube::ListWatch> watch;
    StoreView view(UnixTime now) const { return {name, watch->synced(), watch->age(now)}; }
  };

  kube::ApiClient& client_;
  std::vector<Item> items_;
};

}  // namespace nodeproof::webhook
