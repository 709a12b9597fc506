#include "kube/api_client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <sstream>

#include "base/clock.hpp"
#include "tests/support/captured_log.hpp"
#include "tests/support/scripted_http_server.hpp"
#include "tests/unit/kube/test_connection.hpp"

namespace nodeproof::kube {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using test::ScriptedConnection;
using test::ScriptedHttpServer;
using test::ScriptedRequest;
using testing::HasSubstr;

constexpr const char* kPath = "/api/v1/nodes/a";

// The error of a GET against a server with this script.
ApiError error_from(ScriptedHttpServer::Script script, Seconds timeout = Seconds(5)) {
  const ScriptedHttpServer server(std::move(script));
  ApiClient client(connection_to(server.url()), "test", timeout);
  try {
    client.get(kPath);
  } catch (const ApiError& error) {
    return error;
  }
  return {-1, "no error", ""};
}

TEST(ApiClient, SendsWhatWasAsked) {
  ScriptedHttpServer server(
      [](const ScriptedRequest& request, ScriptedConnection& to) { to.reply(200, request.method); });
  ApiClient client(connection_to(server.url()), "nodeproof-test/1");
  EXPECT_EQ(client.get("/api/v1/pods?limit=1&fieldSelector=a%3Db"), "GET");
  EXPECT_EQ(client.create("/apis/g/v1/things", "{\"a\":\"€\"}"), "POST");
  EXPECT_EQ(client.replace("/apis/g/v1/things/x", "{}"), "PUT");
  EXPECT_EQ(client.merge_patch("/apis/g/v1/things/x/status", "{}"), "PATCH");
  client.remove("/apis/g/v1/things/x");
  EXPECT_EQ(client.json_patch("/api/v1/nodes/x", "[]"), "PATCH");
  client.remove("/api/v1/namespaces/n/pods/x", "{\"kind\":\"DeleteOptions\"}");

  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 7U);
  for (const ScriptedRequest& request : requests) {
    EXPECT_EQ(request.header("authorization"), "Bearer t0ken");
    EXPECT_EQ(request.header("accept"), "application/json");
    EXPECT_EQ(request.header("user-agent"), "nodeproof-test/1");
  }
  EXPECT_EQ(requests[0].target, "/api/v1/pods?limit=1&fieldSelector=a%3Db");
  EXPECT_EQ(requests[1].body, "{\"a\":\"€\"}");
  EXPECT_THAT(requests[1].header("content-type"), HasSubstr("application/json"));
  EXPECT_THAT(requests[3].header("content-type"), HasSubstr("application/merge-patch+json"));
  EXPECT_EQ(requests[4].method, "DELETE");
  EXPECT_EQ(requests[4].body, "");
  EXPECT_THAT(requests[5].header("content-type"), HasSubstr("application/json-patch+json"));
  EXPECT_EQ(requests[6].method, "DELETE");
  EXPECT_EQ(requests[6].body, "{\"kind\":\"DeleteOptions\"}");
}

TEST(ApiClient, ErrorStatusesAreRead) {
  struct Case {
    int status;
    std::string body;
    std::vector<std::string> headers;
    std::string reason;
    std::string sentence;
    Seconds retry_after;
  };
  const std::string conflict =
      R"({"kind":"Status","status":"Failure","reason":"Conflict","message":"it changed","code":409})";
  const Case cases[] = {
      {409, conflict, {}, "Conflict", "409 Conflict: it changed", Seconds(0)},
      {429, "{}", {"Retry-After: 7"}, "TooManyRequests", "429", Seconds(7)},
      {429,
       R"({"reason":"TooManyRequests","details":{"retryAfterSeconds":3}})",
       {},
       "TooManyRequests",
       "429",
       Seconds(3)},
      {503, "down", {"Retry-After: Wed, 21 Oct 2026 07:28:00 GMT"}, "ServiceUnavailable", "down", Seconds(0)},
      {503, "", {"Retry-After: 99999999999999999999"}, "ServiceUnavailable", "503", Seconds(0)},
      {503, "", {"Retry-After: 999999"}, "ServiceUnavailable", "503", Seconds(3600)},
      {410, R"({"reason":"Expired"})", {}, "Expired", "410 Expired", Seconds(0)},
      {403, "<html>", {}, "Forbidden", "<html>", Seconds(0)},
      {500, R"({"reason":5,"message":[]})", {}, "Unknown", "500", Seconds(0)},
      {302, "", {"Location: http://127.0.0.1:1/"}, "Unknown", "302", Seconds(0)},
  };
  for (const Case& c : cases) {
    const ApiError error = error_from(
        [&c](const ScriptedRequest&, ScriptedConnection& to) { to.reply(c.status, c.body, c.headers); });
    EXPECT_EQ(error.status(), c.status);
    EXPECT_EQ(error.reason(), c.reason);
    EXPECT_THAT(error.what(), HasSubstr(c.sentence));
    EXPECT_THAT(error.what(), HasSubstr(std::string("GET ") + kPath));
    EXPECT_EQ(error.retry_after(), c.retry_after) << c.status;
  }
}

// The API server answers a path that it does not serve with plain text, an absent object with a Status.
TEST(ApiClient, AMissingDefinitionIsNamedWithItsRemedy) {
  const ScriptedHttpServer server([](const ScriptedRequest& request, ScriptedConnection& to) {
    const bool known = request.target.find("leases") != std::string::npos;
    to.reply(404, known ? R"({"kind":"Status","reason":"NotFound","message":"leases \"x\" not found"})"
                        : "404 page not found\n");
  });
  ApiClient client(connection_to(server.url()), "test");
  const auto error_of = [&client](const std::string& path) {
    try {
      client.get(path);
    } catch (const ApiError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(
      error_of("/apis/nodeproof.dev/v1alpha1/nodequotes?limit=1"),
      HasSubstr("the API server does not know nodeproof.dev/v1alpha1 nodequotes: install the chart, or "
                "kubectl apply -f crds/"));
  EXPECT_EQ(error_of("/apis/coordination.k8s.io/v1/namespaces/n/leases/x"),
            "GET /apis/coordination.k8s.io/v1/namespaces/n/leases/x: 404 NotFound: leases \"x\" not found");
}

TEST(ApiClient, AnObjectThatIsNotThereIsNothing) {
  ScriptedHttpServer server([](const ScriptedRequest& request, ScriptedConnection& to) {
    to.reply(request.target.ends_with("absent") ? 404 : request.target.ends_with("broken") ? 500 : 200, "{}");
  });
  ApiClient client(connection_to(server.url()), "test");
  EXPECT_EQ(client.get_if_exists("/api/v1/nodes/absent"), std::nullopt);
  EXPECT_EQ(client.get_if_exists("/api/v1/nodes/there"), "{}");
  EXPECT_THROW(client.get_if_exists("/api/v1/nodes/broken"), ApiError);
}

TEST(ApiClient, BrokenAnswersAreErrorsWithoutStatus) {
  const std::pair<const char*, ScriptedHttpServer::Script> cases[] = {
      {"garbage",
       [](const auto&, ScriptedConnection& to) { to.raw("\x01\x02\x03 garbage\r\n\r\n"), to.cut(); }},
      {"cut at once", [](const auto&, ScriptedConnection& to) { to.cut(); }},
      {"cut in the headers",
       [](const auto&, ScriptedConnection& to) { to.raw("HTTP/1.1 200 OK\r\nContent-"), to.cut(); }},
      {"cut in the body",
       [](const auto&, ScriptedConnection& to) {
         to.raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"half"), to.cut();
       }},
      {"cut in a chunk",
       [](const auto&, ScriptedConnection& to) { to.begin_chunks(), to.raw("10\r\n{\"half"), to.cut(); }},
      {"no last chunk",
       [](const auto&, ScriptedConnection& to) { to.begin_chunks(), to.chunk("{}"), to.cut(); }},
  };
  for (const auto& [name, script] : cases) {
    const ApiError error = error_from(script);
    EXPECT_EQ(error.status(), 0) << name;
    EXPECT_EQ(error.reason(), "Unreachable") << name << ": " << error.what();
  }
}

TEST(ApiClient, NobodyListening) {
  std::string url;
  {
    url = ScriptedHttpServer([](const auto&, ScriptedConnection&) {}).url();
  }
  ApiClient client(connection_to(url), "test", Seconds(5));
  try {
    client.get(kPath);
    FAIL() << "answered";
  } catch (const ApiError& error) {
    EXPECT_EQ(error.reason(), "Unreachable");
    EXPECT_THAT(error.what(), HasSubstr(url));
  }
}

// The deadline is for the whole call: a trickle that resets every idle timeout does not help.
TEST(ApiClient, TheTimeoutIsForTheWholeCall) {
  const std::pair<const char*, ScriptedHttpServer::Script> cases[] = {
      {"silence", [](const auto&, ScriptedConnection& to) { to.silence(milliseconds(20'000)); }},
      {"silence in the body",
       [](const auto&, ScriptedConnection& to) {
         to.begin_chunks(), to.chunk("{"), to.silence(milliseconds(20'000));
       }},
      {"a trickle",
       [](const auto&, ScriptedConnection& to) {
         to.begin_chunks();
         for (int i = 0; i < 100; ++i) to.chunk(" "), to.pause(milliseconds(100));
       }},
  };
  for (const auto& [name, script] : cases) {
    const auto start = steady_clock::now();
    const ApiError error = error_from(script, Seconds(1));
    EXPECT_EQ(error.reason(), "Timeout") << name;
    EXPECT_LT(steady_clock::now() - start, Seconds(8)) << name;
  }
}

TEST(ApiClient, TheConnectionIsClosedAfterATimeout) {
  std::atomic<bool> closed{false};
  ScriptedHttpServer server(
      [&closed](const auto&, ScriptedConnection& to) { closed = to.silence(milliseconds(10'000)); });
  ApiClient client(connection_to(server.url()), "test", Seconds(1));
  EXPECT_THROW(client.get(kPath), ApiError);
  EXPECT_TRUE(eventually([&closed] { return closed.load(); }));
}

TEST(ApiClient, LargeAnswersAreReadAndTooLargeOnesAreNot) {
  const std::string megabyte(1U << 20U, ' ');
  const auto script = [&megabyte](int megabytes) {
    return [&megabyte, megabytes](const ScriptedRequest&, ScriptedConnection& to) {
      to.begin_chunks();
      for (int i = 0; i < megabytes; ++i) to.chunk(megabyte);
      to.end_chunks();
    };
  };
  ScriptedHttpServer server(script(20));
  ApiClient client(connection_to(server.url()), "test", Seconds(20));
  EXPECT_EQ(client.get(kPath).size(), 20U << 20U);
  EXPECT_EQ(error_from(script(70), Seconds(20)).reason(), "TooLarge");
}

TEST(ApiClient, ATokenThatWasRotatedIsReadAgainAfterA401) {
  const TemporaryFolder folder;
  Connection connection;
  connection.token_file = folder.write("token", "old\n");
  ScriptedHttpServer server([](const ScriptedRequest& request, ScriptedConnection& to) {
    to.reply(request.header("authorization") == "Bearer new" ? 200 : 401, "{}");
  });
  connection.server = server.url();
  ApiClient client(connection, "test");
  folder.write("token", "new\n");
  EXPECT_EQ(client.get(kPath), "{}");
  EXPECT_EQ(server.requests().size(), 2U);

  // An unchanged token is not tried twice, and a token file that has gone keeps the old one in use.
  folder.write("token", "wrong\n");
  EXPECT_EQ(client.get(kPath), "{}");
  std::filesystem::remove(folder.path() / "token");
  EXPECT_EQ(client.get(kPath), "{}");
  EXPECT_EQ(server.requests().size(), 4U);
}

TEST(ApiClient, A401WithAnUnchangedTokenIsAnError) {
  ScriptedHttpServer server([](const ScriptedRequest&, ScriptedConnection& to) { to.reply(401, "{}"); });
  ApiClient client(connection_to(server.url()), "test");
  try {
    client.get(kPath);
    FAIL() << "accepted";
  } catch (const ApiError& error) {
    EXPECT_EQ(error.status(), 401);
    EXPECT_EQ(error.reason(), "Unauthorized");
  }
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST(ApiClient, TheServersClockIsCompared) {
  ScriptedHttpServer server([](const ScriptedRequest& request, ScriptedConnection& to) {
    const bool odd = request.target.ends_with("odd");
    to.reply(200, "{}", {odd ? "Date: soon" : "Date: Thu, 01 Jan 2032 00:00:00 GMT"});
  });
  ApiClient client(connection_to(server.url()), "test");
  EXPECT_EQ(client.clock_offset(), std::nullopt);
  client.get("/odd");
  EXPECT_EQ(client.clock_offset(), std::nullopt);
  client.get(kPath);
  const Seconds expected = from_unix(1956528000) - SystemClock().now();
  ASSERT_TRUE(client.clock_offset());
  EXPECT_LE(std::chrono::abs(*client.clock_offset() - expected), Seconds(2));
}

// An older CustomResourceDefinition: what the API server dropped is said once, with what to apply.
TEST(ApiClient, WarningsAreLoggedOnceWithTheirRemedy) {
  ScriptedHttpServer server([](const ScriptedRequest&, ScriptedConnection& to) {
    to.reply(200, "{}", {R"(Warning: 299 - "unknown field \"spec.later\"")"});
  });
  ApiClient client(connection_to(server.url()), "test");
  const test::CapturedLog log;
  client.replace("/apis/nodeproof.dev/v1alpha1/nodequotes/cvm-1", "{}");
  client.replace("/apis/nodeproof.dev/v1alpha1/nodequotes/cvm-1", "{}");
  EXPECT_THAT(log.text(), HasSubstr(R"(unknown field \"spec.later\")"));
  EXPECT_THAT(log.text(), HasSubstr("kubectl apply -f crds/nodequotes.yaml"));
  EXPECT_EQ(log.text().find("warns"), log.text().rfind("warns"));
}

TEST(ApiClient, ManyThreadsShareIt) {
  ScriptedHttpServer server(
      [](const ScriptedRequest& request, ScriptedConnection& to) { to.reply(200, request.target); });
  ApiClient client(connection_to(server.url()), "test");
  std::atomic<int> wrong{0};
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 8; ++thread) {
      threads.emplace_back([&client, &wrong, thread] {
        for (int i = 0; i < 25; ++i) {
          const std::string path = "/api/" + std::to_string(thread) + "/" + std::to_string(i);
          if (client.get(path) != path) ++wrong;
        }
      });
    }
  }
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace nodeproof::kube
