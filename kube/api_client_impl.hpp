// Inside of ApiClient. Internal to kube/: list_watch.cpp makes its own exchanges with it.
#pragma once

#include <cpprest/http_client.h>

#include <set>
#include <stop_token>

#include "kube/credentials.hpp"
#include "kube/http_stream.hpp"

namespace nodeproof::kube {

struct ApiClient::Impl {
  Impl(const Connection& connection, std::string agent, Seconds limit);

  struct Call {
    web::http::method method;
    std::string path;
    std::string content_type = {};  // empty: no body
    std::string body = {};
  };
  // The body of a 2xx answer. Throws ApiError, of reason Stopped when `stop` came. `room`: an earlier body
  // whose memory may be used again.
  std::string call(const Call& call, Seconds limit, std::stop_token stop, std::string room = {});

  // A connection pool of its own. `idle`: silence after which cpprest gives up an exchange.
  web::http::client::http_client new_client(Seconds idle) const;
  web::http::http_request new_request(const Call& call);
  // Takes clock offset and warnings from the headers of the answer about `target`.
  void note(const web::http::http_response& response, const std::string& target);
  // Reads the rest of an answer that is no success. After a 401 the credentials are read again.
  ApiError error_of(const std::string& what, const web::http::http_response& response, HttpStream& stream,
                    SteadyTime deadline);

  const std::string server;
  const std::string user_agent;
  const Seconds timeout;
  Credentials credentials;
  web::http::client::http_client client;

 private:
  friend class ApiClient;
  std::string call_once(const Call& call, SteadyTime deadline, std::stop_token stop, std::string room);
  void log_warnings(const std::string& header, const std::string& target);

  mutable std::mutex mutex_;
  std::optional<Seconds> clock_offset_;
  std::set<std::string> warned_;
};

}  // namespace nodeproof::kube
