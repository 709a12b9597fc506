#include "webhook/watches.hpp"

namespace nodeproof::webhook {

void Watches::add(std::string name, const std::string& path, kube::WatchHandler handler, bool decides) {
  kube::ListWatchOptions options;
  options.path = path;
  items_.push_back(
      {std::move(name), decides, std::make_unique<kube::ListWatch>(client_, options, std::move(handler))});
}

void Watches::start() {
  for (Item& item : items_) item.watch->start();
}

void Watches::stop() {
  for (Item& item : items_) item.watch->stop();
}

std::vector<StoreView> Watches::deciding(UnixTime now) const {
  std::vector<StoreView> out;
  for (const Item& item : items_) {
    if (item.decides) out.push_back(item.view(now));
  }
  return out;
}

// For every request: no more than one view is made.
StoreView Watches::oldest(UnixTime now) const {
  const Item* oldest = nullptr;
  for (const Item& item : items_) {
    if (!item.decides) continue;
    if (oldest == nullptr || item.watch->age(now) > oldest->watch->age(now)) oldest = &item;
  }
  if (oldest == nullptr) return {"collections", false, Seconds::max()};
  return oldest->view(now);
}

std::vector<WatchState> Watches::states(UnixTime now) const {
  std::vector<WatchState> out;
  for (const Item& item : items_) {
    WatchState state{item.name, std::nullopt, item.watch->restarts()};
    if (item.watch->synced()) state.heard = now - item.watch->age(now);
    out.push_back(std::move(state));
  }
  return out;
}

}  // namespace nodeproof::webhook
