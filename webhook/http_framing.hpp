// Which requests the edge refuses by their framing (RFC 9112), and how answers look on the wire. Pure.
#pragma once

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "webhook/http_server.hpp"

namespace nodeproof::webhook {

using HttpParser = boost::beast::http::request_parser<boost::beast::http::string_body>;
using HttpHeader = HttpParser::value_type::header_type;

inline constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

// An answer of one line of text, for what never reaches a handler.
HttpResponse text_response(unsigned status, std::string text);

// The answer to a request that the parser gave up on: 413, 431, 505 or 400.
HttpResponse refusal_of(const boost::system::error_code& parser_error);

// Checks a parsed header for what the parser lets pass: two framings or lengths, codings, two Hosts,
// targets that are no path. The answer to give, or nothing.
std::optional<HttpResponse> refuse_header(const HttpHeader& header);

// True when the client waits for kContinue before it sends the body.
bool expects_continue(const HttpHeader& header);

// The request of a header that passed refuse_header, without a body.
HttpRequest to_request(const HttpHeader& header);

// Header and body in one string, so that they leave in one record and one segment.
std::string serialise(const HttpResponse& response, bool keep_alive, bool with_body);

}  // namespace nodeproof::webhook
