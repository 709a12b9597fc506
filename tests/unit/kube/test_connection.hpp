// Connections to a scripted server, files for them, and waiting with an end.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <thread>

#include "kube/api_client.hpp"
#include "tests/support/temporary_folder.hpp"

namespace nodeproof::kube {

using test::TemporaryFolder;

inline Connection connection_to(const std::string& url) {
  Connection connection;
  connection.server = url;
  connection.token = "t0ken";
  return connection;
}

// Looks every few milliseconds for a minute; false when it never became true.
inline bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (std::chrono::steady_clock::now() < deadline) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return condition();
}

}  // namespace nodeproof::kube
