// The parts of the webhook, put together: started and stopped in one order.
#pragma once

#include <memory>

#include "webhook/config.hpp"

namespace nodeproof::webhook {

// One thread makes, starts, stops and destroys it; it starts the others.
class Application {
 public:
  // Reads certificate files, trust anchors and reference values; connects nothing yet. Throws
  // std::runtime_error naming what cannot be used.
  Application(const Config& config, const kube::Connection& connection);
  ~Application();
  Application(const Application&) = delete;
  Application& operator=(const Application&) = delete;

  // Health first, then watches and leadership, then admission. Throws std::system_error when an
  // address cannot be had.
  void start();
  // Unready, a moment for the API server to hear of it, then from the edge inwards. Bounded.
  void stop();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace nodeproof::webhook
