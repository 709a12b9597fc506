#include "webhook/http_framing.hpp"

#include <algorithm>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/status.hpp>

namespace nodeproof::webhook {
namespace {

namespace http = boost::beast::http;
using boost::beast::iequals;

std::string_view view(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

boost::beast::string_view beast_view(std::string_view text) {
  return {text.data(), text.size()};
}

bool is_decimal(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// The fields that decide about a request, gathered in one pass: how often each stands there, and the
// last value.
struct Decisive {
  struct Field {
    int count = 0;
    std::string_view value;

    void add(const boost::beast::string_view& text) {
      ++count;
      value = view(text);
    }
  };
  Field length, coding, host, encoding, type, expect;
};

Decisive gather(const HttpHeader& header) {
  Decisive out;
  for (const auto& field : header) {
    switch (field.name()) {
      case http::field::content_length:
        out.length.add(field.value());
        break;
      case http::field::transfer_encoding:
        out.coding.add(field.value());
        break;
      case http::field::host:
        out.host.add(field.value());
        break;
      case http::field::content_encoding:
        out.encoding.add(field.value());
        break;
      case http::field::content_type:
        out.type.add(field.value());
        break;
      case http::field::expect:
        out.expect.add(field.value());
        break;
      default:
        break;
    }
  }
  return out;
}

// RFC 9112 6.3: whoever disagrees with us about where a body ends can smuggle a request past one of us.
std::optional<HttpResponse> refuse_framing(const HttpHeader& header, const Decisive& fields) {
  if (fields.length.count > 1) return text_response(400, "more than one Content-Length");
  if (fields.length.count != 0 && fields.coding.count != 0)
    return text_response(400, "Content-Length beside Transfer-Encoding");
  if (fields.length.count == 1 && !is_decimal(fields.length.value)) {
    return text_response(400, "Content-Length is not a decimal number");
  }
  if (fields.coding.count == 0) return std::nullopt;
  if (fields.coding.count > 1) return text_response(400, "more than one Transfer-Encoding");
  if (header.version() < 11) return text_response(400, "Transfer-Encoding in HTTP/1.0");
  if (!iequals(beast_view(fields.coding.value), "chunked")) {
    return text_response(501, "the only Transfer-Encoding known here is chunked");
  }
  return std::nullopt;
}

std::optional<HttpResponse> refuse_host(const HttpHeader& header, const Decisive& fields) {
  if (fields.host.count > 1) return text_response(400, "more than one Host");
  if (fields.host.count == 0 && header.version() >= 11) return text_response(400, "no Host");
  return std::nullopt;
}

// Media type in lower case, parameters cut off.
std::string media_type(std::string_view field) {
  std::string type(field.substr(0, field.find(';')));
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.pop_back();
  std::transform(type.begin(), type.end(), type.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return type;
}

}  // namespace

HttpResponse text_response(unsigned status, std::string text) {
  return {status, "text/plain; charset=utf-8", std::move(text) + "\n"};
}

HttpResponse refusal_of(const boost::system::error_code& parser_error) {
  if (parser_error == http::error::body_limit) return text_response(413, "the body is too large");
  if (parser_error == http::error::header_limit) return text_response(431, "the header is too large");
  if (parser_error == http::error::bad_version)
    return text_response(505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
  return text_response(400, "malformed request: " + parser_error.message());
}

std::optional<HttpResponse> refuse_header(const HttpHeader& header) {
  const Decisive fields = gather(header);
  if (auto refusal = refuse_framing(header, fields)) return refusal;
  if (auto refusal = refuse_host(header, fields)) return refusal;
  if (fields.encoding.count != 0) return text_response(415, "Content-Encoding is not accepted");
  if (fields.type.count > 1) return text_response(400, "more than one Content-Type");
  if (fields.expect.count > 1 ||
      (fields.expect.count == 1 && !iequals(beast_view(fields.expect.value), "100-continue"))) {
    return text_response(417, "the only Expect known here is 100-continue");
  }
  if (header.target().empty() || header.target().front() != '/') {
    return text_response(400, "the request target must be a path");
  }
  return std::nullopt;
}

bool expects_continue(const HttpHeader& header) {
  return header.version() >= 11 && iequals(header[http::field::expect], "100-continue");
}

HttpRequest to_request(const HttpHeader& header) {
  const std::string_view target = view(header.target());
  const std::size_t mark = target.find('?');
  HttpRequest request;
  request.method = view(header.method_string());
  request.path = target.substr(0, mark);
  if (mark != std::string_view::npos) request.query = target.substr(mark + 1);
  request.content_type = media_type(view(header[http::field::content_type]));
  return request;
}

std::string serialise(const HttpResponse& response, bool keep_alive, bool with_body) {
  const std::string_view reason = view(http::obsolete_reason(http::int_to_status(response.status)));
  std::string out;
  out.reserve(256 + response.content_type.size() + (with_body ? response.body.size() : 0));
  out.append("HTTP/1.1 ").append(std::to_string(response.status)).append(" ").append(reason).append("\r\n");
  if (!response.content_type.empty())
    out.append("Content-Type: ").append(response.content_type).append("\r\n");
  out.append("Content-Length: ").append(std::to_string(response.body.size())).append("\r\n");
  if (!keep_alive) out.append("Connection: close\r\n");
  out.append("\r\n");
  if (with_body) out.append(response.body);
  return out;
}

}  // namespace nodeproof::webhook
