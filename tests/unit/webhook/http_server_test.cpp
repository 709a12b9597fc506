// What the edge makes of right requests and large ones. Malformed ones: http_framing_test.cpp; limits in
// time and number: http_limits_test.cpp.
#include "webhook/http_server.hpp"

#include <gmock/gmock.h>

#include <future>
#include <vector>

#include "tests/unit/webhook/edge_client.hpp"
#include "tests/unit/webhook/serving_pair.hpp"

namespace nodeproof::webhook {
namespace {

using namespace std::chrono_literals;
using test::EdgeClient;
using test::eventually;
using test::get;
using test::post;
using test::Reply;
using ::testing::HasSubstr;
using ::testing::Not;

HttpResponse echo(const HttpRequest& request, std::chrono::steady_clock::time_point) {
  return {200, "text/plain",
          request.method + "|" + request.path + "|" + request.query + "|" + request.content_type + "|" +
              request.body};
}

// Answers at once, but for what lies below /worker, which a worker does.
HttpOutcome prompt_echo(HttpRequest& request) {
  if (!request.path.starts_with("/worker")) return echo(request, {});
  return HttpWork([request = std::move(request)](auto deadline) { return echo(request, deadline); });
}

// Every test in the clear and under TLS.
class HttpServerTest : public ::testing::TestWithParam<bool> {
 protected:
  template <typename Handler>
  void start(Handler handler, HttpLimits limits = {}) {
    std::shared_ptr<const TlsMaterial> tls;
    if (GetParam()) {
      files_.write(test::make_serving_pair(forge::PrivateKey::ec_p384(), 1));
      tls = std::make_shared<TlsMaterial>(files_.files(), clock_);
    }
    server_ =
        std::make_unique<HttpServer>(HttpServer::Options{.limits = limits, .tls = tls}, std::move(handler));
    server_->start();
  }
  EdgeClient connect() {
    EdgeClient client(server_->port());
    EXPECT_TRUE(client.connected());
    EXPECT_TRUE(!GetParam() || client.start_tls());
    return client;
  }

  test::PairFiles files_;
  test::FixedClock clock_;
  std::unique_ptr<HttpServer> server_;
};

INSTANTIATE_TEST_SUITE_P(Edge, HttpServerTest, ::testing::Bool(),
                         [](const auto& test) { return test.param ? "Tls" : "Plain"; });

TEST_P(HttpServerTest, GivesTheHandlerTheRequest) {
  start(echo);
  EdgeClient client = connect();
  client.send(
      "POST /admit?timeout=10s&x=? HTTP/1.1\r\nhost: a\r\ncontent-type: Application/JSON ; charset=utf-8\r\n"
      "content-length: 4\r\n\r\nbody");
  const auto reply = client.reply();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 200);
  EXPECT_EQ(reply->body, "POST|/admit|timeout=10s&x=?|application/json|body");
  EXPECT_THAT(reply->header, HasSubstr("Content-Type: text/plain\r\n"));
  EXPECT_THAT(reply->header, Not(HasSubstr("Connection:")));
  EXPECT_EQ(server_->stats().requests, 1u);
  EXPECT_EQ(server_->stats().refused, 0u);
}

TEST_P(HttpServerTest, KeepsTheConnection) {
  start(echo);
  EdgeClient client = connect();
  for (int i = 0; i < 50; ++i) {
    client.send(post("/" + std::to_string(i), std::string(static_cast<std::size_t>(i) * 1000, 'x')));
    const auto reply = client.reply();
    ASSERT_TRUE(reply) << i;
    EXPECT_THAT(reply->body, HasSubstr("POST|/" + std::to_string(i) + "|"));
  }
  EXPECT_EQ(server_->stats().accepted, 1u);
}

TEST_P(HttpServerTest, AnswersPipelinedRequestsInOrder) {
  start([](const HttpRequest& request, auto deadline) {
    if (request.path == "/0") std::this_thread::sleep_for(50ms);
    return echo(request, deadline);
  });
  EdgeClient client = connect();
  constexpr int kRequests = 1000;  // more than one read takes
  std::string all;
  for (int i = 0; i < kRequests; ++i)
    all += i % 2 == 0 ? get("/" + std::to_string(i)) : post("/" + std::to_string(i), "body");
  client.send(all);
  for (int i = 0; i < kRequests; ++i) {
    const auto reply = client.reply();
    ASSERT_TRUE(reply) << i;
    EXPECT_THAT(reply->body, HasSubstr("|/" + std::to_string(i) + "|"));
  }
}

TEST_P(HttpServerTest, TakesARequestByteByByte) {
  start(echo);
  EdgeClient client = connect();
  const std::string request =
      "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: "
      "v\r\n\r\n";
  for (const char byte : request) client.send({&byte, 1});
  const auto reply = client.reply();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->body, "POST|/a|||abcde");
  client.send(get("/next"));
  EXPECT_EQ(client.status(), 200) << "the parser stopped at the request's end";
}

TEST_P(HttpServerTest, TakesTheLargestBodyAndSendsALargeAnswer) {
  start(echo);
  EdgeClient client = connect();
  const std::string body(kBodyLimit, 'x');
  client.send(post("/", body));
  const auto reply = client.reply();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->body, "POST|/||application/json|" + body);
}

TEST_P(HttpServerTest, RefusesALargerBodyAtItsHeader) {
  start(echo);
  EdgeClient client = connect();
  client.send(post("/", std::string(kBodyLimit + 1, 'x')));
  EXPECT_EQ(client.status(), 413) << "and not a reset: what was sent is thrown away first";
  EXPECT_TRUE(client.ended());
  EXPECT_EQ(server_->stats().requests, 0u);
}

TEST_P(HttpServerTest, RefusesALargerChunkedBody) {
  start(echo);
  EdgeClient client = connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  const std::string chunk = "100000\r\n" + std::string(1u << 20, 'x') + "\r\n";
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(client.send(chunk));
  client.send("1\r\n");
  EXPECT_EQ(client.status(), 413);
  EXPECT_TRUE(client.ended());
}

TEST_P(HttpServerTest, AnswersExpectContinue) {
  start(echo);
  EdgeClient client = connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 4\r\n\r\n");
  EXPECT_EQ(client.status(), 100);
  client.send("body");
  const auto reply = client.reply();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->body, "POST|/|||body");
  client.send(get("/next"));
  EXPECT_EQ(client.status(), 200);
}

TEST_P(HttpServerTest, AnswersExpectContinueWhenTheBodyCameAlong) {
  start(echo);
  EdgeClient client = connect();
  client.send(post("/", "body", "Expect: 100-continue\r\n") + get("/next"));
  EXPECT_EQ(client.status(), 100);
  EXPECT_EQ(client.status(), 200);
  EXPECT_EQ(client.status(), 200);
}

TEST_P(HttpServerTest, RefusesInsteadOfContinue) {
  start(echo);
  EdgeClient client = connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4000000\r\n\r\n");
  EXPECT_EQ(client.status(), 413);
  EXPECT_TRUE(client.ended());
}

TEST_P(HttpServerTest, ClosesWhenAsked) {
  start(echo);
  EdgeClient client = connect();
  client.send(post("/", "", "Connection: close\r\n"));
  const auto reply = client.reply();
  ASSERT_TRUE(reply);
  EXPECT_THAT(reply->header, HasSubstr("Connection: close\r\n"));
  EXPECT_TRUE(client.ended());
  EXPECT_TRUE(!GetParam() || client.got_close_notify());
}

TEST_P(HttpServerTest, AnswersAClientThatHasFinishedSending) {
  start(echo);
  EdgeClient client = connect();
  client.send(get("/"));
  client.finish_sending();
  EXPECT_EQ(client.status(), 200);
}

TEST_P(HttpServerTest, SpeaksHttp10WithoutKeepingTheConnection) {
  start(echo);
  EdgeClient client = connect();
  client.send("GET /livez HTTP/1.0\r\n\r\n");
  EXPECT_EQ(client.status(), 200);
  EXPECT_TRUE(client.ended());
}

TEST_P(HttpServerTest, SendsNoBodyForHead) {
  start(echo);
  EdgeClient client = connect();
  client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" + get("/next"));
  const auto reply = client.reply(true);
  ASSERT_TRUE(reply);
  EXPECT_THAT(reply->header, HasSubstr("Content-Length: 9\r\n"));
  EXPECT_EQ(client.status(), 200);
}

TEST_P(HttpServerTest, TurnsAnExceptionInto500) {
  start([](const HttpRequest& request, auto deadline) -> HttpResponse {
    if (request.path == "/throw") throw std::runtime_error("secret detail");
    if (request.path == "/throw-number") throw 42;
    return echo(request, deadline);
  });
  EdgeClient client = connect();
  for (const char* path : {"/throw", "/throw-number"}) {
    client.send(post(path, "body"));
    const auto reply = client.reply();
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status, 500);
    EXPECT_EQ(reply->body, "internal error\n");
  }
  client.send(get("/"));
  EXPECT_EQ(client.status(), 200);
  EXPECT_EQ(server_->stats().handler_errors, 2u);
}

TEST_P(HttpServerTest, AnswersPromptly) {
  start(prompt_echo);
  EdgeClient client = connect();
  for (int i = 0; i < 20; ++i) {
    const std::string path = (i % 3 == 0 ? "/worker/" : "/") + std::to_string(i);
    client.send(post(path, "body"));
    const auto reply = client.reply();
    ASSERT_TRUE(reply) << i;
    EXPECT_EQ(reply->status, 200);
    EXPECT_EQ(reply->body, "POST|" + path + "||application/json|body");
  }
  EXPECT_EQ(server_->stats().requests, 20u);
  EXPECT_EQ(server_->stats().accepted, 1u);
}

TEST_P(HttpServerTest, AnswersPipelinedRequestsInOrderWhoeverDoesThem) {
  start(prompt_echo);
  EdgeClient client = connect();
  constexpr int kRequests = 300;  // more than one read takes
  const auto path = [](int i) { return (i % 7 == 0 ? "/worker/" : "/") + std::to_string(i); };
  std::string all;
  for (int i = 0; i < kRequests; ++i) all += post(path(i), std::string(200, 'x'));
  client.send(all);
  for (int i = 0; i < kRequests; ++i) {
    const auto reply = client.reply();
    ASSERT_TRUE(reply) << i;
    EXPECT_THAT(reply->body, HasSubstr("POST|" + path(i) + "|"));
  }
}

// However many wait: all workers are busy here, and the queue is long.
TEST_P(HttpServerTest, WorkThatWaitsDelaysNoPromptAnswer) {
  std::promise<void> go;
  start([gate = go.get_future().share()](HttpRequest& request) -> HttpOutcome {
    if (request.path != "/worker") return echo(request, {});
    return HttpWork([gate, request = std::move(request)](auto deadline) {
      gate.wait();
      return echo(request, deadline);
    });
  });
  std::vector<EdgeClient> waiting;
  for (std::size_t i = 0; i < 3 * kWorkers; ++i) {
    waiting.push_back(connect());
    waiting.back().send(post("/worker", "body"));
  }
  ASSERT_TRUE(eventually([&] { return server_->stats().handling == 3 * kWorkers; }));
  EdgeClient client = connect();
  for (int i = 0; i < 50; ++i) {
    client.send(post("/", "body"));
    ASSERT_EQ(client.status(), 200);
  }
  EXPECT_EQ(server_->stats().handling, 3 * kWorkers) << "none of them has been answered meanwhile";
  go.set_value();
  for (EdgeClient& client_at_work : waiting) EXPECT_EQ(client_at_work.status(), 200);
}

TEST_P(HttpServerTest, TurnsAnExceptionOfAPromptHandlerInto500) {
  start([](HttpRequest& request) -> HttpOutcome {
    const std::string path = std::move(request.path);
    if (path == "/throw") throw std::runtime_error("secret detail");
    if (path == "/throw-number") throw 42;
    if (path == "/worker") return HttpWork([](auto) -> HttpResponse { throw std::runtime_error("detail"); });
    if (path == "/no-work") return HttpWork();
    return HttpResponse{200, "text/plain", path};
  });
  EdgeClient client = connect();
  for (const char* path : {"/throw", "/throw-number", "/worker", "/no-work"}) {
    client.send(post(path, "body"));
    const auto reply = client.reply();
    ASSERT_TRUE(reply) << path;
    EXPECT_EQ(reply->status, 500) << path;
    EXPECT_EQ(reply->body, "internal error\n");
  }
  client.send(get("/"));
  EXPECT_EQ(client.status(), 200);
  EXPECT_EQ(server_->stats().handler_errors, 4u);
}

TEST_P(HttpServerTest, DrainsBetweenPromptAnswers) {
  start(prompt_echo);
  EdgeClient client = connect();
  const std::string request = post("/", "body");
  client.send(request.substr(0, request.size() - 1));
  ASSERT_TRUE(eventually([&] { return server_->stats().accepted == 1; }));
  std::this_thread::sleep_for(50ms);  // no count tells that the header has come
  auto drained = std::async(std::launch::async, [&] { return server_->drain_and_stop(10s); });
  std::this_thread::sleep_for(50ms);
  client.send(request.substr(request.size() - 1));
  const auto reply = client.reply();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 200);
  EXPECT_THAT(reply->header, HasSubstr("Connection: close\r\n"));
  EXPECT_TRUE(drained.get());
}

TEST_P(HttpServerTest, ForgetsConnectionsThatCloseAtOnce) {
  start(echo);
  for (int i = 0; i < 200; ++i) EXPECT_TRUE(EdgeClient(server_->port()).connected());
  EXPECT_TRUE(eventually([&] { return server_->stats().accepted == 200 && server_->stats().open == 0; }));
  EXPECT_EQ(server_->stats().handshaking, 0u);
  EdgeClient client = connect();
  client.send(get("/"));
  EXPECT_EQ(client.status(), 200);
}

// Every proper prefix of a request reaches no handler.
TEST_P(HttpServerTest, RefusesCutRequests) {
  start(echo);
  const std::string request = post("/a", "0123456789");
  for (std::size_t size = 0; size < request.size(); size += GetParam() ? 7u : 1u) {
    EdgeClient client = connect();
    client.send(request.substr(0, size));
    client.finish_sending();
    EXPECT_TRUE(client.ended()) << size;
  }
  EXPECT_TRUE(eventually([&] { return server_->stats().open == 0; }));
  EXPECT_EQ(server_->stats().requests, 0u);
}

// So that no client is about to send on a connection when a stop closes it.
TEST_P(HttpServerTest, EndsEachConnectionWithItsNextAnswerWhenItRetires) {
  start(echo);
  EdgeClient kept = connect();
  kept.send(get("/"));
  EXPECT_THAT(kept.reply().value().header, Not(HasSubstr("Connection: close")));
  server_->retire();
  kept.send(get("/"));
  const auto reply = kept.reply();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 200);
  EXPECT_THAT(reply->header, HasSubstr("Connection: close\r\n"));
  EXPECT_TRUE(kept.ended());
  EdgeClient fresh = connect();
  fresh.send(get("/"));
  EXPECT_EQ(fresh.status(), 200) << "who comes now is still served";
  EXPECT_TRUE(fresh.ended());
}

TEST_P(HttpServerTest, DrainsWithTheRequestInFlightAnswered) {
  std::promise<void> go;
  start([&, gate = go.get_future().share()](const HttpRequest& request, auto deadline) {
    gate.wait();
    return echo(request, deadline);
  });
  EdgeClient idle = connect();
  EdgeClient busy = connect();
  busy.send(get("/"));
  ASSERT_TRUE(eventually([&] { return server_->stats().handling == 1; }));
  auto drained = std::async(std::launch::async, [&] { return server_->drain_and_stop(10s); });
  EXPECT_TRUE(idle.ended());
  EXPECT_TRUE(!GetParam() || idle.got_close_notify());
  EXPECT_FALSE(EdgeClient(server_->port()).connected());
  go.set_value();
  const auto reply = busy.reply();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 200);
  EXPECT_THAT(reply->header, HasSubstr("Connection: close\r\n"));
  EXPECT_TRUE(drained.get());
  EXPECT_EQ(server_->stats().open, 0u);
  EXPECT_TRUE(server_->drain_and_stop(1s)) << "a second time it is a no-op";
}

TEST_P(HttpServerTest, StopsDrainingAtItsBound) {
  std::promise<void> go;
  start([&, gate = go.get_future().share()](const HttpRequest& request, auto deadline) {
    gate.wait();
    return echo(request, deadline);
  });
  EdgeClient client = connect();
  client.send(get("/"));
  ASSERT_TRUE(eventually([&] { return server_->stats().handling == 1; }));
  auto drained = std::async(std::launch::async, [&] { return server_->drain_and_stop(50ms); });
  EXPECT_TRUE(client.ended());
  go.set_value();  // a handler that runs is waited for
  EXPECT_FALSE(drained.get());
}

TEST(HttpServer, SaysWhereItCannotListen) {
  HttpServer first({}, echo);
  first.start();
  for (const auto& options :
       {HttpServer::Options{.port = first.port()}, HttpServer::Options{.address = "not an address"}}) {
    HttpServer second(options, echo);
    try {
      second.start();
      ADD_FAILURE() << "listens on " << options.address;
    } catch (const std::system_error& error) {
      EXPECT_THAT(error.what(),
                  HasSubstr("cannot listen on " + options.address + " port " + std::to_string(options.port)));
    }
  }
}

TEST(HttpServer, EndsWithoutHavingStarted) {
  HttpServer server({}, echo);
  EXPECT_TRUE(server.drain_and_stop(1s));
}

}  // namespace
}  // namespace nodeproof::webhook
