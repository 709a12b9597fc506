// The Kubernetes API over HTTPS (cpprest's client): single requests. Environment errors are
// exceptions; callers catch once per loop.
#pragma once

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "kube/connection.hpp"

namespace nodeproof::kube {

// Starts cpprest with this many threads instead of 40: they only move bytes, our own threads wait. Once in
// a program, before the first client.
void limit_http_threads(std::size_t threads);

// The server answered with an error Status, or did not answer. Then the status is 0 and the reason
// one of Unreachable, Timeout, TooLarge (an answer over 64 MiB) and Stopped. Status 410 with reason
// Overrun is our own: the body came faster than it was read, so that only a new list helps.
class ApiError : public std::runtime_error {
 public:
  ApiError(int status, std::string reason, const std::string& what, Seconds retry_after = Seconds(0));
  int status() const { return status_; }                 // HTTP status; 0: no answer
  const std::string& reason() const { return reason_; }  // Status.reason: "Conflict", "NotFound", ...
  Seconds retry_after() const { return retry_after_; }   // 0 when the server named none

 private:
  int status_;
  std::string reason_;
  Seconds retry_after_;
};

// Thread-safe. A call blocks its thread for at most `timeout`, and once more when a 401 made it read
// the token again; never call from a cpprest thread. Nothing is retried but that. cpprest itself
// silently repeats a request whose kept-alive connection died before the answer, so a create may
// meet its own object: AlreadyExists is no proof of a rival.
class ApiClient {
 public:
  // Throws std::runtime_error naming what of `connection` cannot be used.
  ApiClient(const Connection& connection, std::string user_agent, Seconds timeout = Seconds(10));
  ~ApiClient();
  ApiClient(const ApiClient&) = delete;
  ApiClient& operator=(const ApiClient&) = delete;

  // `path` starts with /api or /apis and may hold a query. Gives the body; throws ApiError.
  std::string get(const std::string& path);
  std::optional<std::string> get_if_exists(const std::string& path);  // nothing on 404
  std::string create(const std::string& path, const std::string& json);
  std::string replace(const std::string& path, const std::string& json);
  std::string merge_patch(const std::string& path, const std::string& json);
  std::string json_patch(const std::string& path, const std::string& json);
  // `options`: a DeleteOptions, or empty.
  void remove(const std::string& path, const std::string& options = {});

  // Server time minus ours, from the Date header of the last reply; nothing before the first.
  std::optional<Seconds> clock_offset() const;

  struct Impl;                     // kube/api_client_impl.hpp, internal to kube/
  Impl& impl() { return *impl_; }  // for list_watch.cpp

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace nodeproof::kube
