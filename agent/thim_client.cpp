#include "agent/thim_client.hpp"

#include "agent/endorsements.hpp"
#include "kube/http_stream.hpp"

namespace nodeproof::agent {
namespace {

constexpr const char* kPath = "/metadata/THIM/amd/certification";

EndorsementError unreachable(const std::string& url, const std::string& why) {
  return EndorsementError(
      "no endorsements from " + url + ": " + why +
      ". Remedy: let the agent reach the host's metadata service (hostNetwork, no network "
      "policy or proxy in between); only confidential VMs have this service");
}

web::http::client::http_client_config client_config(Seconds deadline) {
  web::http::client::http_client_config config;
  config.set_timeout(deadline + kube::kIdleSlack);
  config.set_max_redirects(0);
  config.set_proxy(web::web_proxy(web::web_proxy::disabled));
  return config;
}

std::string read_body(kube::HttpStream& stream, kube::SteadyTime until) {
  std::string body;
  for (;;) {
    const kube::HttpStream::Piece piece = stream.read(body, until);
    if (body.size() > kThimReplyLimit) {
      throw std::length_error("the reply is larger than " + std::to_string(kThimReplyLimit) + " bytes");
    }
    if (piece == kube::HttpStream::Piece::kEnd) return body;
    if (piece == kube::HttpStream::Piece::kTimeout) throw std::runtime_error("the reply did not end in time");
  }
}

}  // namespace

Bytes fetch_thim_certification(const std::string& base, const std::stop_token& stop, Seconds deadline) {
  try {
    const auto until = std::chrono::steady_clock::now() + deadline;
    web::http::client::http_client client(base, client_config(deadline));
    web::http::http_request request(web::http::methods::GET);
    request.set_request_uri(kPath);
    request.headers().add("Metadata", "true");
    kube::HttpStream stream(client, request, stop);
    const auto status = stream.open(until).status_code();
    if (status != web::http::status_codes::OK) {
      throw std::runtime_error("HTTP status " + std::to_string(status));
    }
    return to_bytes(as_bytes(read_body(stream, until)));
  } catch (const std::exception& e) {
    throw unreachable(base + kPath, e.what());
  }
}

}  // namespace nodeproof::agent
