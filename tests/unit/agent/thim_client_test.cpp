#include "agent/thim_client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/endorsements.hpp"
#include "tests/support/scripted_http_server.hpp"

namespace nodeproof::agent {
namespace {

using std::chrono::milliseconds;
using test::ScriptedConnection;
using test::ScriptedHttpServer;
using test::ScriptedRequest;
using testing::HasSubstr;

TEST(ThimClient, AsksAsTheMetadataServiceWants) {
  ScriptedHttpServer server(
      [](const ScriptedRequest&, ScriptedConnection& peer) { peer.reply(200, "body"); });
  EXPECT_EQ(as_text(fetch_thim_certification(server.url(), {})), "body");
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_EQ(requests[0].method, "GET");
  EXPECT_EQ(requests[0].target, "/metadata/THIM/amd/certification");
  EXPECT_EQ(requests[0].header("metadata"), "true");
  EXPECT_EQ(requests[0].header("x-forwarded-for"), "");
}

TEST(ThimClient, UsesNoProxy) {
  ScriptedHttpServer proxy(
      [](const ScriptedRequest&, ScriptedConnection& peer) { peer.reply(200, "proxied"); });
  ScriptedHttpServer server(
      [](const ScriptedRequest&, ScriptedConnection& peer) { peer.reply(200, "direct"); });
  ::setenv("http_proxy", proxy.url().c_str(), 1);
  EXPECT_EQ(as_text(fetch_thim_certification(server.url(), {})), "direct");
  ::unsetenv("http_proxy");
}

// Why a fetch fails, or "" when it does not.
std::string failure(const std::string& url, Seconds deadline, const std::stop_token& stop = {}) {
  try {
    fetch_thim_certification(url, stop, deadline);
    return "";
  } catch (const EndorsementError& e) {
    return e.what();
  }
}

struct Bad {
  const char* name;
  ScriptedHttpServer::Script script;
  const char* message;
};

class ThimClientRefuses : public testing::TestWithParam<Bad> {};

TEST_P(ThimClientRefuses, InTimeAndWithARemedy) {
  ScriptedHttpServer server(GetParam().script);
  const auto before = std::chrono::steady_clock::now();
  const std::string why = failure(server.url(), Seconds(1));
  EXPECT_LT(std::chrono::steady_clock::now() - before, Seconds(10));
  EXPECT_THAT(why, HasSubstr("no endorsements from " + server.url() + "/metadata/THIM"));
  EXPECT_THAT(why, HasSubstr(GetParam().message));
  EXPECT_THAT(why, HasSubstr("Remedy: "));
}

INSTANTIATE_TEST_SUITE_P(
    All, ThimClientRefuses,
    testing::Values(
        Bad{"not_found", [](const ScriptedRequest&, ScriptedConnection& peer) { peer.reply(404, "no"); },
            "HTTP status 404"},
        Bad{"redirect",
            [](const ScriptedRequest& request, ScriptedConnection& peer) {
              if (request.target == "/elsewhere") return peer.reply(200, "fooled");
              peer.reply(302, "", {"Location: /elsewhere"});
            },
            "HTTP status 302"},
        Bad{"oversized",
            [](const ScriptedRequest&, ScriptedConnection& peer) {
              peer.reply(200, std::string(kThimReplyLimit + 1, 'x'));
            },
            "is larger than"},
        Bad{"endless",
            [](const ScriptedRequest&, ScriptedConnection& peer) {
              peer.begin_chunks();
              for (int i = 0; i < 1000; ++i) peer.chunk(std::string(1024, 'x'));
            },
            "is larger than"},
        Bad{"silent",
            [](const ScriptedRequest&, ScriptedConnection& peer) { peer.silence(milliseconds(20'000)); },
            "no answer in time"},
        Bad{"slow",
            [](const ScriptedRequest&, ScriptedConnection& peer) {
              peer.begin_chunks();
              for (int i = 0; i < 60 && !peer.silence(milliseconds(200)); ++i) peer.chunk("x");
            },
            "did not end in time"},
        Bad{"cut",
            [](const ScriptedRequest&, ScriptedConnection& peer) {
              peer.raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
              peer.cut();
            },
            ""},
        Bad{"not_http",
            [](const ScriptedRequest&, ScriptedConnection& peer) {
              peer.raw("SSH-2.0-OpenSSH\r\n\r\n");
              peer.cut();
            },
            ""}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(ThimClient, SaysWhenNobodyListens) {
  EXPECT_THAT(failure("http://127.0.0.1:1", Seconds(1)), HasSubstr("Remedy: "));
}

TEST(ThimClient, IsEndedByAStop) {
  std::stop_source source;
  ScriptedHttpServer server([&](const ScriptedRequest&, ScriptedConnection& peer) {
    source.request_stop();
    peer.silence(milliseconds(20'000));
  });
  const auto before = std::chrono::steady_clock::now();
  EXPECT_NE(failure(server.url(), Seconds(30), source.get_token()), "");
  EXPECT_LT(std::chrono::steady_clock::now() - before, Seconds(10));
}

}  // namespace
}  // namespace nodeproof::agent
