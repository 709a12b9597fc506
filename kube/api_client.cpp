#include "kube/api_client.hpp"

#include <spdlog/spdlog.h>

#include <pplx/threadpool.h>
#include <boost/asio/ssl/context.hpp>
#include <charconv>

#include "attest/strict_json.hpp"
#include "base/clock.hpp"
#include "kube/api_client_impl.hpp"
#include "kube/http_date.hpp"
#include "kube/remedy.hpp"

namespace nodeproof::kube {
namespace {

using attest::JsonDocument;
using attest::JsonValue;
using web::http::methods;

constexpr std::size_t kMaxBody = 64U << 20U;  // a page of 500 large pods
constexpr std::size_t kMaxErrorBody = 64U << 10U;
constexpr std::size_t kMaxQuotedBody = 200;
constexpr std::size_t kMaxWarned = 256;
constexpr Seconds kMaxRetryAfter = std::chrono::hours(1);
constexpr const char* kJson = "application/json";
constexpr const char* kJsonPatch = "application/json-patch+json";
constexpr const char* kMergePatch = "application/merge-patch+json";

// Plain HTTP would show the token to the network, so it must not leave the machine.
void check_server(const std::string& server) {
  const web::uri uri(server);
  const std::string& host = uri.host();
  // cpprest asks the resolver for the address with its brackets, and gets nothing.
  if (host.find(':') != std::string::npos) {
    throw std::runtime_error("API server address '" + server +
                             "' is an IPv6 address, which cannot be dialled; use a host name for it");
  }
  const bool known = uri.scheme() == "https" || (uri.scheme() == "http" && host == "127.0.0.1");
  if (!known || host.empty() || !uri.user_info().empty()) {
    throw std::runtime_error("API server address '" + server +
                             "' cannot be used; it must be https://host:port (http only on 127.0.0.1)");
  }
}

std::string checked_server(std::string server) {
  try {
    check_server(server);
  } catch (const web::uri_exception& error) {
    throw std::runtime_error("API server address '" + server + "' is malformed: " + error.what());
  }
  return server;
}

bool is_ipv4_address(const std::string& host) {
  return host.find_first_not_of("0123456789.") == std::string::npos;
}

// What an error Status says; defaults where the body is none.
struct StatusBody {
  std::string reason;
  std::string message;
  Seconds retry_after{0};
};

std::string default_reason(int status) {
  switch (status) {
    case 400:
      return "BadRequest";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "NotFound";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 422:
      return "Invalid";
    case 429:
      return "TooManyRequests";
    case 503:
      return "ServiceUnavailable";
    default:
      return "Unknown";
  }
}

Seconds bounded_retry(std::uint64_t seconds) {
  const auto limit = static_cast<std::uint64_t>(kMaxRetryAfter.count());
  return Seconds(static_cast<std::int64_t>(std::min(seconds, limit)));
}

Result<StatusBody> parse_status(const std::string& body) {
  NODEPROOF_TRY(document, JsonDocument::parse(as_bytes(body), kMaxErrorBody, "Status"));
  const JsonValue root = document.root();
  StatusBody out;
  NODEPROOF_TRY(reason, root.optional_text("reason"));
  NODEPROOF_TRY(message, root.optional_text("message"));
  out.reason = std::move(reason);
  out.message = std::move(message);
  NODEPROOF_TRY(details, root.optional("details"));
  if (!details) return out;
  NODEPROOF_TRY(retry, details->optional("retryAfterSeconds"));
  if (!retry) return out;
  NODEPROOF_TRY(seconds, retry->unsigned_integer());
  out.retry_after = bounded_retry(seconds);
  return out;
}

// Retry-After in seconds (RFC 9110 section 10.2.3); the API server never sends the date form.
Seconds retry_after_header(const web::http::http_response& response) {
  const auto header = response.headers().find("Retry-After");
  if (header == response.headers().end()) return Seconds(0);
  std::uint64_t seconds = 0;
  const std::string& text = header->second;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  return code == std::errc() && end == text.data() + text.size() ? bounded_retry(seconds) : Seconds(0);
}

// What is left of the body, in the memory of `body`. Throws ApiError when that is more than `limit` or comes
// too late.
std::string read_body(HttpStream& stream, std::size_t limit, SteadyTime deadline, std::string body = {}) {
  body.clear();
  for (;;) {
    const HttpStream::Piece piece = stream.read(body, deadline);
    if (body.size() > limit) {
      throw ApiError(0, "TooLarge", "the answer is larger than " + std::to_string(limit) + " bytes");
    }
    if (piece == HttpStream::Piece::kEnd) return body;
    if (piece == HttpStream::Piece::kTimeout) throw ApiError(0, "Timeout", "the answer did not end in time");
  }
}

std::string describe(const ApiClient::Impl::Call& call) {
  return call.method + " " + call.path;
}

}  // namespace

void limit_http_threads(std::size_t threads) {
  crossplat::threadpool::initialize_with_threads(threads);
}

ApiError::ApiError(int status, std::string reason, const std::string& what, Seconds retry_after)
    : std::runtime_error(what), status_(status), reason_(std::move(reason)), retry_after_(retry_after) {}

ApiClient::Impl::Impl(const Connection& connection, std::string agent, Seconds limit)
    : server(checked_server(connection.server)),
      user_agent(std::move(agent)),
      timeout(limit),
      credentials(connection),
      client(new_client(limit + kIdleSlack)) {}

web::http::client::http_client ApiClient::Impl::new_client(Seconds idle) const {
  const web::uri uri(server);
  web::http::client::http_client_config config;
  config.set_timeout(idle);
  config.set_max_redirects(0);                                  // a redirect would carry the token elsewhere
  config.set_tlsext_sni_enabled(!is_ipv4_address(uri.host()));  // RFC 6066 section 3: names only
  config.set_ssl_context_callback(
      [this](boost::asio::ssl::context& context) { credentials.install(context.native_handle()); });
  return {uri, config};
}

web::http::http_request ApiClient::Impl::new_request(const Call& call) {
  web::http::http_request request(call.method);
  request.set_request_uri(call.path);
  request.headers().add("Accept", kJson);
  request.headers().add("User-Agent", user_agent);
  const std::string token = credentials.bearer_token();
  if (!token.empty()) request.headers().add("Authorization", "Bearer " + token);
  if (!call.content_type.empty()) request.set_body(call.body, call.content_type);
  return request;
}

void ApiClient::Impl::note(const web::http::http_response& response, const std::string& target) {
  const web::http::http_headers& headers = response.headers();
  if (const auto warning = headers.find("Warning"); warning != headers.end())
    log_warnings(warning->second, target);
  const auto date = headers.find("Date");
  if (date == headers.end()) return;
  const Result<UnixTime> time = parse_http_date(date->second);
  if (!time) return;
  const std::scoped_lock lock(mutex_);
  clock_offset_ = *time - SystemClock().now();
}

void ApiClient::Impl::log_warnings(const std::string& header, const std::string& target) {
  {
    const std::scoped_lock lock(mutex_);
    if (warned_.size() >= kMaxWarned || !warned_.insert(header).second) return;
  }
  const std::string remedy = remedy_of_warning(header, target);
  spdlog::warn("the API server warns: {}{}{}", header, remedy.empty() ? "" : "; ", remedy);
}

ApiError ApiClient::Impl::error_of(const std::string& what, const web::http::http_response& response,
                                   HttpStream& stream, SteadyTime deadline) {
  const int status = response.status_code();
  std::string body;
  try {
    body = read_body(stream, kMaxErrorBody, deadline);
  } catch (const ApiError&) {
    // The status alone must do: it says more than why its explanation did not arrive.
  }
  StatusBody parsed;
  if (Result<StatusBody> result = parse_status(body)) parsed = *std::move(result);
  const std::string remedy = remedy_of(status, stream.target(), !parsed.reason.empty());
  if (parsed.reason.empty()) parsed.reason = default_reason(status);
  if (parsed.message.empty()) parsed.message = body.substr(0, kMaxQuotedBody);
  const Seconds header = retry_after_header(response);
  if (status == 401) credentials.refresh(true);
  return {status, parsed.reason,
          what + ": " + std::to_string(status) + " " + parsed.reason + ": " + parsed.message +
              (remedy.empty() ? "" : "; " + remedy),
          header > Seconds(0) ? header : parsed.retry_after};
}

std::string ApiClient::Impl::call_once(const Call& call, SteadyTime deadline, std::stop_token stop,
                                       std::string room) {
  credentials.refresh(false);
  HttpStream stream(client, new_request(call), std::move(stop));
  try {
    const web::http::http_response& response = stream.open(deadline);
    note(response, stream.target());
    if (response.status_code() / 100 != 2) throw error_of(describe(call), response, stream, deadline);
    return read_body(stream, kMaxBody, deadline, std::move(room));
  } catch (const ApiError& error) {
    if (error.status() != 0) throw;
    throw ApiError(0, error.reason(), describe(call) + " on " + server + ": " + error.what());
  }
}

std::string ApiClient::Impl::call(const Call& call, Seconds limit, std::stop_token stop, std::string room) {
  const std::string token = credentials.bearer_token();
  try {
    return call_once(call, std::chrono::steady_clock::now() + limit, stop, std::move(room));
  } catch (const ApiError& error) {
    // A server with a certificate of a new CA cannot be reached until the CA file is read again.
    if (error.reason() == "Unreachable") credentials.refresh(true);
    // error_of has read the token file again: a rotated token deserves one more try.
    if (error.status() != 401 || credentials.bearer_token() == token) throw;
  }
  return call_once(call, std::chrono::steady_clock::now() + limit, std::move(stop), {});
}

ApiClient::ApiClient(const Connection& connection, std::string user_agent, Seconds timeout)
    : impl_(std::make_unique<Impl>(connection, std::move(user_agent), timeout)) {}

ApiClient::~ApiClient() = default;

std::string ApiClient::get(const std::string& path) {
  return impl_->call({methods::GET, path}, impl_->timeout, {});
}

std::optional<std::string> ApiClient::get_if_exists(const std::string& path) {
  try {
    return get(path);
  } catch (const ApiError& error) {
    if (error.status() == 404) return std::nullopt;
    throw;
  }
}

std::string ApiClient::create(const std::string& path, const std::string& json) {
  return impl_->call({methods::POST, path, kJson, json}, impl_->timeout, {});
}

std::string ApiClient::replace(const std::string& path, const std::string& json) {
  return impl_->call({methods::PUT, path, kJson, json}, impl_->timeout, {});
}

std::string ApiClient::merge_patch(const std::string& path, const std::string& json) {
  return impl_->call({methods::PATCH, path, kMergePatch, json}, impl_->timeout, {});
}

std::string ApiClient::json_patch(const std::string& path, const std::string& json) {
  return impl_->call({methods::PATCH, path, kJsonPatch, json}, impl_->timeout, {});
}

void ApiClient::remove(const std::string& path, const std::string& options) {
  impl_->call({methods::DEL, path, options.empty() ? "" : kJson, options}, impl_->timeout, {});
}

std::optional<Seconds> ApiClient::clock_offset() const {
  const std::scoped_lock lock(impl_->mutex_);
  return impl_->clock_offset_;
}

}  // namespace nodeproof::kube
