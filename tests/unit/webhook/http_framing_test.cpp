// Requests that the edge refuses by itself: framing that two readers could understand in two ways, and
// headers beyond what is spoken here.
#include "webhook/http_framing.hpp"

#include <gtest/gtest.h>

#include "tests/unit/webhook/edge_client.hpp"

namespace nodeproof::webhook {
namespace {

using namespace std::string_literals;
using test::EdgeClient;
using test::get;

struct BadRequest {
  const char* name;
  std::string bytes;
  int status;
};

void PrintTo(const BadRequest& bad, std::ostream* out) {
  *out << bad.name;
}

class HttpFraming : public ::testing::TestWithParam<BadRequest> {};

TEST_P(HttpFraming, AndEndsTheConnection) {
  HttpServer server({}, [](const HttpRequest&, auto) { return HttpResponse{200, "text/plain", "ok"}; });
  server.start();
  EdgeClient client(server.port());
  client.send(GetParam().bytes);
  EXPECT_EQ(client.status(), GetParam().status);
  EXPECT_TRUE(client.ended());
  EXPECT_EQ(server.stats().requests, 0u);
  EXPECT_EQ(server.stats().refused, 1u);

  EdgeClient next(server.port());
  next.send(get("/"));
  EXPECT_EQ(next.status(), 200);
}

const std::string kPost = "POST / HTTP/1.1\r\nHost: a\r\n";
const std::string kChunked = kPost + "Transfer-Encoding: chunked\r\n\r\n";

std::vector<BadRequest> bad_framing() {
  return {
      {"NegativeChunk", kChunked + "-2\r\nab\r\n0\r\n\r\n", 400},
      {"HugeChunk", kChunked + "ffffffffffffffff\r\n", 413},
      {"ChunkBeyond64Bits", kChunked + "10000000000000000\r\n", 400},
      {"ChunkWithPrefix", kChunked + "0x2\r\nab\r\n0\r\n\r\n", 400},
      {"ChunkWithoutSize", kChunked + "\r\nab\r\n0\r\n\r\n", 400},
      {"ChunkLongerThanItsSize", kChunked + "2\r\nabc\r\n0\r\n\r\n", 400},
      {"ChunkExtensionWithoutEnd", kChunked + "2;" + std::string(kHeaderLimit, 'x'), 431},
      {"ContentLengthInTrailer", kChunked + "0\r\nContent-Length: 5\r\n\r\n", 400},
      {"LengthThenCoding", kPost + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"CodingThenLength", kPost + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n", 400},
      {"LengthAndUnknownCoding", kPost + "Transfer-Encoding: x\r\nContent-Length: 4\r\n\r\nbody", 400},
      {"TwoLengths", kPost + "Content-Length: 4\r\nContent-Length: 5\r\n\r\nbody", 400},
      {"TheSameLengthTwice", kPost + "Content-Length: 4\r\nContent-Length: 4\r\n\r\nbody", 400},
      {"ListOfLengths", kPost + "Content-Length: 4, 4\r\n\r\nbody", 400},
      {"NegativeLength", kPost + "Content-Length: -1\r\n\r\n", 400},
      {"LengthWithSign", kPost + "Content-Length: +4\r\n\r\nbody", 400},
      {"HexadecimalLength", kPost + "Content-Length: 0x4\r\n\r\nbody", 400},
      {"EmptyLength", kPost + "Content-Length:\r\n\r\n", 400},
      {"LengthBeyond64Bits", kPost + "Content-Length: 18446744073709551617\r\n\r\n", 400},
      {"HugeLength", kPost + "Content-Length: 18446744073709551615\r\n\r\n", 413},
      {"UnknownCoding", kPost + "Transfer-Encoding: gzip\r\n\r\n", 501},
      {"CodingBeforeChunked", kPost + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
      {"ChunkedNotLast", kPost + "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", 501},
      {"TwoCodings", kPost + "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"CodingInHttp10", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"ContentEncoding", kPost + "Content-Encoding: gzip\r\nContent-Length: 0\r\n\r\n", 415}};
}

std::vector<BadRequest> bad_headers() {
  return {
      {"Http2", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
      {"Http2Preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"Http12", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505},
      {"Http09", "GET /\r\n\r\n", 400},
      {"Garbage", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"s, 400},
      {"BareLineFeeds", "GET / HTTP/1.1\nHost: a\n\n\r\n\r\n", 505},
      {"SpaceBeforeColon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
      {"NulInField", "GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n"s, 400},
      {"NulInTarget", "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n"s, 400},
      {"NoHost", "GET / HTTP/1.1\r\n\r\n", 400},
      {"TwoHosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
      {"TwoContentTypes",
       kPost + "Content-Type: application/json\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n",
       400},
      {"AbsoluteTarget", "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"Connect", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"Asterisk", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"UnknownExpect", kPost + "Expect: more\r\nContent-Length: 0\r\n\r\n", 417},
      {"TwoExpectations", kPost + "Expect: 100-continue\r\nexpect: more\r\nContent-Length: 0\r\n\r\n", 417},
      {"TheSameExpectationTwice",
       kPost + "Expect: 100-continue\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n", 417},
      {"LongLine", "GET /" + std::string(kHeaderLimit, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n", 431},
      {"LongField", "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(kHeaderLimit, 'x') + "\r\n\r\n", 431},
      {"LineWithoutEnd", std::string(kHeaderLimit + 1, 'G'), 431},
      {"LineAndFieldsTogether",
       "GET /" + std::string(kHeaderLimit - 1000, 'x') +
           " HTTP/1.1\r\nHost: a\r\nX: " + std::string(1000, 'x') + "\r\n\r\n",
       431}};
}

std::string name_of(const ::testing::TestParamInfo<BadRequest>& test) {
  return test.param.name;
}

INSTANTIATE_TEST_SUITE_P(Framing, HttpFraming, ::testing::ValuesIn(bad_framing()), name_of);
INSTANTIATE_TEST_SUITE_P(Header, HttpFraming, ::testing::ValuesIn(bad_headers()), name_of);

}  // namespace
}  // namespace nodeproof::webhook
