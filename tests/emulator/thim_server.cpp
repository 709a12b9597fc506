#include "tests/emulator/thim_server.hpp"

#include <algorithm>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <memory>

namespace nodeproof::emulator {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;

constexpr std::string_view kPath = "/metadata/THIM/amd/certification";
constexpr std::uint32_t kHeaderLimit = 8U << 10U;
constexpr auto kIdleLimit = std::chrono::seconds(30);

using Request = http::request<http::empty_body>;
using Response = http::response<http::string_body>;

Response respond(const Request& request, const std::string& reply) {
  const auto with = [&](http::status status, std::string body) {
    Response response{status, request.version()};
    response.set(http::field::content_type, "application/json");
    response.keep_alive(request.keep_alive());
    response.body() = std::move(body);
    response.prepare_payload();
    return response;
  };
  const std::string_view target(request.target().data(), request.target().size());
  if (target.substr(0, target.find('?')) != kPath) {
    return with(http::status::not_found, R"({"error":"only )" + std::string(kPath) + R"( is here"})");
  }
  if (request.method() != http::verb::get) {
    return with(http::status::method_not_allowed, R"({"error":"only GET"})");
  }
  if (!beast::iequals(request["Metadata"], "true")) {
    return with(http::status::bad_request, R"({"error":"the header 'Metadata: true' is required"})");
  }
  if (request.count("X-Forwarded-For") != 0) {
    return with(http::status::bad_request, R"({"error":"forwarded requests are refused"})");
  }
  return with(http::status::ok, reply);
}

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Tcp::socket socket, const std::string& reply) : stream_(std::move(socket)), reply_(reply) {}

  void read() {
    parser_.emplace();
    parser_->header_limit(kHeaderLimit);
    stream_.expires_after(kIdleLimit);
    http::async_read(stream_, buffer_, *parser_, [self = shared_from_this()](auto error, std::size_t) {
      if (!error) self->write();
    });
  }

 private:
  void write() {
    response_ = respond(parser_->get(), reply_);
    http::async_write(stream_, response_, [self = shared_from_this()](auto error, std::size_t) {
      if (!error && self->response_.keep_alive()) self->read();
    });
  }

  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::empty_body>> parser_;
  Response response_;
  const std::string& reply_;
};

// PEM has no character that JSON escapes but the line end.
std::string json_text(ByteView pem) {
  std::string out;
  for (const char c : as_text(pem)) {
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

std::string thim_reply(const attest::Certificate& vcek, const forge::AmdAuthority& authority,
                       const attest::TcbVersion& tcb) {
  Bytes chain = forge::to_pem(authority.ask.certificate);
  append(chain, forge::to_pem(authority.ark.certificate));
  ByteArray<8> big_endian = attest::serialize_tcb(tcb);
  std::reverse(big_endian.begin(), big_endian.end());
  return R"({"vcekCert":")" + json_text(forge::to_pem(vcek)) + R"(","tcbm":")" + to_hex(big_endian) +
         R"(","certificateChain":")" + json_text(chain) + R"(","cacheControl":"86400"})";
}

ThimServer::ThimServer(boost::asio::io_context& context, std::uint16_t port, std::string reply)
    : reply_(std::move(reply)), acceptor_(listen_on_loopback(context, port)) {
  accept_each(acceptor_,
              [this](Tcp::socket socket) { std::make_shared<Session>(std::move(socket), reply_)->read(); });
}

}  // namespace nodeproof::emulator
