#include "tests/robustness/corpus.hpp"

#include <algorithm>
#include <thread>

#include "tests/unit/webhook/edge_client.hpp"

namespace nodeproof::test {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using webhook::test::EdgeClient;

constexpr std::size_t kMegabyte = 1U << 20U;
// A trickle gives up after this many bytes, far behind every deadline of the edge.
constexpr int kMaxTrickle = 300;
constexpr auto kTrickle = 100ms;
constexpr int kFloods = 100'000;

EdgeClient connect(const Target& target) {
  EdgeClient client(target.port);
  if (target.tls) client.start_tls();
  return client;
}

std::string expect_status(EdgeClient& client, const std::vector<int>& wanted) {
  const int status = client.status();
  if (std::find(wanted.begin(), wanted.end(), status) != wanted.end()) return {};
  return "answered " + std::to_string(status);
}

// These bytes get one of these answers.
Attack sends(std::string name, std::string bytes, std::vector<int> wanted) {
  return {std::move(name), [bytes = std::move(bytes), wanted = std::move(wanted)](const Target& target) {
            EdgeClient client = connect(target);
            client.send(bytes);
            return expect_status(client, wanted);
          }};
}

std::string post(const std::string& headers, const std::string& body = "") {
  return "POST /admit HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n" + headers + "\r\n" + body;
}

std::string chunked(const std::string& body) {
  return post("Transfer-Encoding: chunked\r\n", body);
}

std::string get(const Target& target) {
  return webhook::test::get(target.path);
}

// A client that waits for the interim answer gets it, then the answer.
std::string expect_continue(const Target& target) {
  EdgeClient client = connect(target);
  client.send(post("Content-Length: 2\r\nExpect: 100-continue\r\n"));
  if (const std::string wrong = expect_status(client, {100}); !wrong.empty()) return wrong;
  client.send("{}");
  return expect_status(client, {400, 405});  // of the handler: no review, or not a POST port
}

std::string pipeline(const Target& target) {
  constexpr int kRequests = 50;
  EdgeClient client = connect(target);
  std::string all;
  for (int i = 0; i < kRequests; ++i) all += get(target);
  client.send(all);
  for (int i = 0; i < kRequests; ++i) {
    if (const std::string wrong = expect_status(client, {target.status}); !wrong.empty()) {
      return "request " + std::to_string(i) + ": " + wrong;
    }
  }
  return {};
}

std::string repeated(std::string_view piece, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += piece;
  return out;
}

std::vector<Attack> framing_attacks() {
  return {
      sends("negative chunk size", chunked("-1\r\nx\r\n"), {400}),
      sends("negative chunk size, large", chunked("-7fffffffffffffff\r\nx\r\n"), {400}),
      sends("chunk size that is no number", chunked("xyz\r\nx\r\n"), {400}),
      sends("empty chunk size", chunked("\r\nx\r\n"), {400}),
      sends("largest chunk size", chunked("ffffffffffffffff\r\nx"), {400, 413}),
      sends("chunk size beyond 64 bits", chunked("fffffffffffffffff\r\nx"), {400, 413}),
      sends("chunk without its end", chunked("1\r\nxy\r\n0\r\n\r\n"), {400}),
      sends("negative Content-Length", post("Content-Length: -1\r\n"), {400}),
      sends("signed Content-Length", post("Content-Length: +5\r\n", "hello"), {400}),
      sends("Content-Length that is no number", post("Content-Length: 0x10\r\n"), {400}),
      sends("Content-Length beyond 64 bits", post("Content-Length: 99999999999999999999\r\n"), {400}),
      sends("largest Content-Length", post("Content-Length: 18446744073709551615\r\n"), {400, 413}),
      sends("announced 16 GB", post("Content-Length: 17179869184\r\n", std::string(1000, 'x')), {413}),
      sends("two lengths", post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello!"), {400}),
      sends("two equal lengths", post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"), {400}),
      sends("two lengths in one field", post("Content-Length: 5, 6\r\n", "hello!"), {400}),
      sends("length and coding", post("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
            {400}),
      sends("coding and length", post("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", "0\r\n\r\n"),
            {400}),
      sends("coding twice", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), {400}),
      sends("another coding", post("Transfer-Encoding: gzip, chunked\r\n"), {400, 501}),
      sends("a coding that looks like chunked", post("Transfer-Encoding: xchunked\r\n"), {400, 501}),
      sends("coding in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", {400}),
  };
}

std::vector<Attack> header_attacks() {
  std::string many = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (int i = 0; i < 5'000; ++i) many += "X-" + std::to_string(i) + ": 1\r\n";
  return {
      sends("endless request line", "GET /" + std::string(kMegabyte, 'x'), {431}),
      sends("endless header line", "GET / HTTP/1.1\r\nX: " + std::string(kMegabyte, 'x'), {431}),
      sends("too many headers", many + "\r\n", {431}),
      sends("endless chunk extension", chunked("1;" + std::string(kMegabyte, 'x')), {431}),
      sends("no Host", "GET / HTTP/1.1\r\n\r\n", {400}),
      sends("two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", {400}),
      sends("header without a colon", "GET / HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n", {400}),
      sends("NUL in a header", "GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n"s, {400}),
      sends("absolute target", "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", {400}),
      sends("CONNECT", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", {400}),
      sends("HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 505}),
      sends("HTTP/3.0", "GET / HTTP/3.0\r\nHost: a\r\n\r\n", {400, 505}),
      sends("another Expect", post("Content-Length: 1\r\nExpect: tea\r\n"), {417}),
      sends("compressed body", post("Content-Encoding: gzip\r\nContent-Length: 1\r\n", "x"), {415}),
      sends("garbage", std::string(10'000, '\xff') + "\r\n\r\n", {400}),
      sends("zeros", std::string(10'000, '\0') + "\r\n\r\n", {400}),
  };
}

// The limit is seen before the body, and what is still sent is thrown away so that the answer arrives.
std::string too_large(const Target& target, const std::string& header, const std::string& piece) {
  EdgeClient client = connect(target);
  client.send(header);
  for (std::size_t sent = 0; sent < 50 * kMegabyte && client.send(piece);) sent += piece.size();
  return expect_status(client, {413, 503, 0});  // 0: a reset, when more came than is thrown away
}

// Bytes one at a time; the edge must give up.
Attack trickles(std::string name, std::string begin, char byte) {
  return {std::move(name), [begin = std::move(begin), byte](const Target& target) -> std::string {
            EdgeClient client = connect(target);
            client.send(begin);
            for (int i = 0; i < kMaxTrickle; ++i) {
              if (!client.send(std::string_view(&byte, 1))) return {};
              std::this_thread::sleep_for(kTrickle);
            }
            return "still waited for";
          }};
}

Attack falls_silent(std::string name, std::string begin) {
  return {std::move(name), [begin = std::move(begin)](const Target& target) -> std::string {
            EdgeClient client = connect(target);
            client.send(begin);
            return client.ended() ? "" : "still waited for, or answered";
          }};
}

std::string reads_nothing(const Target& target) {
  EdgeClient client = connect(target);
  std::string requests;
  for (int i = 0; i < 1'000; ++i) requests += get(target);
  for (int i = 0; i < kFloods; ++i) {
    if (!client.send(requests)) return {};
  }
  return "still answered";
}

Attack handshakes(std::string name, std::string alpn, int max_version) {
  return {std::move(name), [alpn = std::move(alpn), max_version](const Target& target) -> std::string {
            EdgeClient client(target.port);
            return client.start_tls(alpn, max_version) ? "was let in" : "";
          }};
}

// Bytes in the place of a ClientHello.
Attack instead_of_tls(std::string name, std::string bytes) {
  return {std::move(name), [bytes = std::move(bytes)](const Target& target) -> std::string {
            EdgeClient client(target.port);
            client.send(bytes);
            client.finish_sending();
            const auto reply = client.reply();
            return reply ? "answered " + std::to_string(reply->status) : "";
          }};
}

Attack silent_before_tls(std::string name, std::string bytes) {
  return {std::move(name), [bytes = std::move(bytes)](const Target& target) -> std::string {
            EdgeClient client(target.port);
            client.send(bytes);
            return client.ended() ? "" : "still waited for";
          }};
}

}  // namespace

std::vector<Attack> quick_attacks() {
  std::vector<Attack> out = framing_attacks();
  for (Attack& attack : header_attacks()) out.push_back(std::move(attack));
  out.push_back({"Expect: 100-continue", expect_continue});
  out.push_back({"pipelining", pipeline});
  return out;
}

std::vector<Attack> review_attacks(const std::string& path) {
  const auto body = [&](std::string name, const std::string& text) {
    return sends(std::move(name), webhook::test::post(path, text), {400});
  };
  const std::string begin = R"({"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":)";
  return {
      body("no body", ""),
      body("no JSON", "pods"),
      body("half a review", begin + R"({"uid":"u")"),
      body("no object", "[]"),
      body("no request", R"({"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"})"),
      body("another version",
           R"({"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview","request":{}})"),
      body("another kind", R"({"apiVersion":"admission.k8s.io/v1","kind":"Pod","request":{}})"),
      body("a request that is a text", begin + R"("pods"})"),
      body("a key twice", begin + R"({"uid":"a","uid":"b"}})"),
      body("bytes that are no UTF-8", begin + "{\"uid\":\"\xff\"}}"),
      body("a NUL", begin + "{\"uid\":\"a\0b\"}}"s),
      body("a hundred thousand brackets", std::string(100'000, '[')),
      body("a deep object", begin + repeated("{\"a\":", 10'000) + "1" + std::string(10'000, '}') + "}"),
      body("a large number", begin + R"({"uid":1e999999}})"),
      sends("GET", webhook::test::get(path), {405}),
      sends(
          "another content type",
          "POST " + path + " HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}",
          {415}),
  };
}

std::vector<Attack> large_attacks() {
  const std::string piece(kMegabyte, 'x');
  const std::string chunk = "100000\r\n" + piece + "\r\n";
  return {{"50 MB body",
           [piece](const Target& target) {
             return too_large(target, post("Content-Length: 52428800\r\n"), piece);
           }},
          {"50 MB body in chunks",
           [chunk](const Target& target) { return too_large(target, chunked(""), chunk); }},
          {"50 MB of an announced 16 GB",
           [piece](const Target& target) {
             return too_large(target, post("Content-Length: 17179869184\r\n"), piece);
           }},
          {"50 MB of a chunk of 16 GB",
           [piece](const Target& target) { return too_large(target, chunked("400000000\r\n"), piece); }}};
}

std::vector<Attack> slow_attacks() {
  return {trickles("header that trickles", "GET /", 'x'),
          trickles("body that trickles", post("Content-Length: 100000\r\n"), 'x'),
          trickles("chunk size that trickles", chunked(""), '0'),
          falls_silent("silence in the header", "GET / HT"),
          falls_silent("silence in the body", post("Content-Length: 100\r\n", "{")),
          falls_silent("silence in a chunk", chunked("a\r\nhalf")),
          {"answers that are not read", reads_nothing}};
}

std::vector<Attack> tls_attacks() {
  return {handshakes("no protocol that we speak", "\x02h2", TLS1_3_VERSION),
          handshakes("a protocol that nobody knows", "\x01x", TLS1_3_VERSION),
          handshakes("TLS 1.1", "\x08http/1.1", TLS1_1_VERSION),
          handshakes("TLS 1.0", "\x08http/1.1", TLS1_VERSION),
          instead_of_tls("plain HTTP", webhook::test::get("/")),
          instead_of_tls("garbage before TLS", std::string(100'000, '\xff')),
          instead_of_tls("zeros before TLS", std::string(100'000, '\0')),
          instead_of_tls("a record that is too long", "\x16\x03\x01\xff\xff\x01\xff\xff\xff"s),
          instead_of_tls("an alert", "\x15\x03\x01\x00\x02\x02\x28"s),
          instead_of_tls("an SSL 2 hello", "\x80\x2e\x01\x00\x02"s + std::string(43, '\1')),
          instead_of_tls("half a ClientHello", "\x16\x03\x01\x02\x00\x01\x00"s)};
}

std::vector<Attack> slow_tls_attacks() {
  return {silent_before_tls("a TCP connection alone", ""),
          silent_before_tls("half a ClientHello and silence", "\x16\x03\x01\x02\x00\x01\x00"s)};
}

}  // namespace nodeproof::test
