// The list and watch loop against an API server that does everything wrong that one can.
#include "kube/list_watch.hpp"
#include "attest/strict_json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>

#include "base/clock.hpp"
#include "base/or_throw.hpp"
#include "tests/support/api_answers.hpp"
#include "tests/unit/kube/test_connection.hpp"

namespace nodeproof::kube {
namespace {

using attest::JsonValue;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using test::ScriptedConnection;
using test::ScriptedHttpServer;
using test::ScriptedRequest;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kPath = "/apis/nodeproof.dev/v1alpha1/nodequotes";

std::string object(const std::string& name, int version) {
  return R"({"metadata":{"name":")" + name + R"(","resourceVersion":")" + std::to_string(version) + "\"}}";
}
std::string list_of(const std::string& items, int version, const std::string& next = "") {
  return test::list_json(items, static_cast<std::uint64_t>(version), next);
}
std::string event(const std::string& type, const std::string& body) {
  return R"({"type":")" + type + R"(","object":)" + body + "}\n";
}
bool is_probe(const ScriptedRequest& request) {
  return request.target.ends_with("limit=1");
}

// What the handler was told: one line a list, and one for each event.
class Recorder {
 public:
  WatchHandler handler() {
    WatchHandler out;
    out.begin = [this] { listing_ = "replace"; };
    out.update = [this](const JsonValue& each) {
      if (listing_.empty()) return add("update " + name(each));
      listing_ += " " + name(each);
    };
    out.remove = [this](const JsonValue& each) { add("remove " + name(each)); };
    out.listed = [this] { add(std::exchange(listing_, std::string())); };
    return out;
  }
  std::vector<std::string> lines() const {
    const std::scoped_lock lock(mutex_);
    return lines_;
  }
  bool reaches(std::size_t count) const {
    return eventually([this, count] { return lines().size() >= count; });
  }

 private:
  static std::string name(const JsonValue& each) {
    return *or_throw(each.required("metadata")->required("name")).text();
  }
  void add(const std::string& line) {
    const std::scoped_lock lock(mutex_);
    lines_.push_back(line);
  }
  std::string listing_;  // what a list under way has brought; the watch's thread's own
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

// A server with one answer for lists and one for each watch in turn; after the last one silence.
class Scene {
 public:
  using Script = ScriptedHttpServer::Script;

  Scene(Script list, std::vector<Script> watches, ListWatchOptions options = {})
      : list_(std::move(list)), watches_(std::move(watches)), options_(std::move(options)) {
    options_.path = kPath;
    watch_.emplace(client_, options_, recorder.handler());
    watch_->start();
  }
  explicit Scene(std::vector<Script> watches, ListWatchOptions options = {})
      : Scene(
            [](const ScriptedRequest&, ScriptedConnection& to) { to.reply(200, list_of(object("a", 5), 5)); },
            std::move(watches), std::move(options)) {}

  std::vector<std::string> watch_targets() const { return targets(test::is_watch); }
  std::vector<std::string> targets(bool (*kind)(const ScriptedRequest&)) const {
    std::vector<std::string> out;
    for (const ScriptedRequest& request : server_.requests()) {
      if (kind(request)) out.push_back(request.target);
    }
    return out;
  }
  std::size_t lists() const {
    return server_.requests().size() - watch_targets().size() - targets(is_probe).size();
  }
  bool watches_reach(std::size_t count) const {
    return eventually([this, count] { return watch_targets().size() >= count; });
  }
  ListWatch& watch() { return *watch_; }

  Recorder recorder;

 private:
  void answer(const ScriptedRequest& request, ScriptedConnection& to) {
    if (!is_watch(request)) return list_(request, to);
    const std::size_t number = next_watch_++;
    if (number < watches_.size()) return watches_[number](request, to);
    to.begin_chunks();
    to.silence(milliseconds(60'000));
  }

  Script list_;
  std::vector<Script> watches_;
  std::atomic<std::size_t> next_watch_{0};
  ListWatchOptions options_;
  ScriptedHttpServer server_{
      [this](const ScriptedRequest& request, ScriptedConnection& to) { answer(request, to); }};
  ApiClient client_{connection_to(server_.url()), "test", Seconds(5)};
  std::optional<ListWatch> watch_;
};

// A watch that sends these bytes as one chunk and then falls silent.
Scene::Script sends(const std::string& bytes) {
  return [bytes](const ScriptedRequest&, ScriptedConnection& to) {
    to.begin_chunks();
    to.chunk(bytes);
    to.silence(milliseconds(60'000));
  };
}

TEST(ListWatch, ListsInPagesThenFollowsEvents) {
  Scene scene(
      [](const ScriptedRequest& request, ScriptedConnection& to) {
        const bool second = request.target.find("continue=") != std::string::npos;
        to.reply(200, second ? list_of(object("c", 3), 9)
                             : list_of(object("a", 1) + "," + object("b", 2), 8, "t+/= &x"));
      },
      {[](const ScriptedRequest&, ScriptedConnection& to) {
        to.begin_chunks();
        // Chunks and lines need not agree.
        const std::string stream = event("ADDED", object("d", 10)) + event("MODIFIED", object("a", 11)) +
                                   event("DELETED", object("b", 12)) +
                                   event("BOOKMARK", R"({"metadata":{"resourceVersion":"40"}})");
        for (std::size_t at = 0; at < stream.size(); at += 7) to.chunk(stream.substr(at, 7));
        to.pause(milliseconds(1200));
        to.end_chunks();
      }});
  ASSERT_TRUE(scene.watches_reach(2));
  EXPECT_THAT(scene.recorder.lines(), ElementsAre("replace a b c", "update d", "update a", "remove b"));
  EXPECT_TRUE(scene.watch().synced());
  EXPECT_EQ(scene.watch().restarts(), 1U);
  EXPECT_EQ(scene.lists(), 2U);
  const auto lists = scene.targets([](const ScriptedRequest& request) { return !is_watch(request); });
  EXPECT_EQ(lists[0], std::string(kPath) + "?limit=500");
  EXPECT_EQ(lists[1], std::string(kPath) + "?limit=500&continue=t%2B%2F%3D%20%26x");
  const auto watches = scene.watch_targets();
  EXPECT_THAT(watches[0], HasSubstr("allowWatchBookmarks=true&resourceVersion=9&timeoutSeconds="));
  EXPECT_THAT(watches[1], HasSubstr("resourceVersion=40&"));  // the bookmark's
}

TEST(ListWatch, AListThatFailsHalfWayBeginsAgain) {
  std::atomic<int> lists{0};
  Scene scene(
      [&lists](const ScriptedRequest& request, ScriptedConnection& to) {
        const bool second_page = request.target.find("continue=") != std::string::npos;
        if (!second_page && lists++ == 0) return to.reply(200, list_of(object("gone", 4), 4, "next"));
        if (second_page) return to.reply(410, R"({"reason":"Expired","code":410})");
        to.reply(200, list_of(object("a", 5), 5));
      },
      {});
  ASSERT_TRUE(scene.recorder.reaches(1));
  EXPECT_THAT(scene.recorder.lines(), ElementsAre("replace a"));
}

TEST(ListWatch, AfterACutItWatchesOnFromTheLastEvent) {
  Scene scene({[](const ScriptedRequest&, ScriptedConnection& to) {
                 to.begin_chunks();
                 const std::string last = event("ADDED", object("c", 7));
                 to.chunk(event("ADDED", object("b", 6)) + last.substr(0, last.size() / 2));
                 to.pause(milliseconds(50));
                 to.cut();
               },
               sends(event("ADDED", object("c", 7)))});
  ASSERT_TRUE(scene.recorder.reaches(3));
  EXPECT_THAT(scene.recorder.lines(), ElementsAre("replace a", "update b", "update c"));
  EXPECT_EQ(scene.lists(), 1U);
  EXPECT_THAT(scene.watch_targets().at(1), HasSubstr("resourceVersion=6&"));
}

TEST(ListWatch, WhatVanishedMeanwhileIsReplaced) {
  std::atomic<int> lists{0};
  Scene scene(
      [&lists](const ScriptedRequest&, ScriptedConnection& to) {
        to.reply(200, lists++ == 0 ? list_of(object("a", 1) + "," + object("b", 2), 5)
                                   : list_of(object("b", 2), 50));
      },
      {[](const ScriptedRequest&, ScriptedConnection& to) {
        to.reply(410, R"({"reason":"Expired","code":410})");
      }});
  ASSERT_TRUE(scene.watches_reach(2));
  EXPECT_THAT(scene.recorder.lines(), ElementsAre("replace a b", "replace b"));
  EXPECT_THAT(scene.watch_targets().at(1), HasSubstr("resourceVersion=50&"));
}

// Whatever cannot be understood ends in a new list, never in a crash or in silence.
TEST(ListWatch, BadStreamsCauseANewList) {
  const std::pair<const char*, std::string> cases[] = {
      {"expired", event("ERROR", R"({"kind":"Status","code":410,"reason":"Expired"})")},
      {"another error", event("ERROR", R"({"kind":"Status","code":500,"reason":"InternalError"})")},
      {"an error without code", event("ERROR", "{}")},
      {"garbage", "\x01\x02 nonsense\n"},
      {"no event", "[]\n"},
      {"null", "null\n"},
      {"unknown type", event("RENAMED", object("b", 6))},
      {"no object", "{\"type\":\"ADDED\"}\n"},
      {"object of another type", event("ADDED", "\"b\"")},
      {"no version", event("ADDED", R"({"metadata":{"name":"b"}})")},
      {"version of another type", event("ADDED", R"({"metadata":{"name":"b","resourceVersion":6}})")},
      {"duplicate key", "{\"type\":\"ADDED\",\"type\":\"DELETED\",\"object\":" + object("b", 6) + "}\n"},
      {"too long a line", event("ADDED", object(std::string(3000, 'x'), 6))},
      {"too long a line without end", std::string(3000, ' ')},
      {"nested too deeply", std::string(1500, '[') + "\n"},
      {"the handler throws", event("ADDED", R"({"metadata":{"resourceVersion":"6"}})")},
  };
  ListWatchOptions options;
  options.max_line = 2000;
  for (const auto& [name, bytes] : cases) {
    Scene scene({sends(event("ADDED", object("z", 5)) + bytes)}, options);
    EXPECT_TRUE(scene.watches_reach(2)) << name;
    const auto lines = scene.recorder.lines();
    EXPECT_EQ(lines.front(), "replace a") << name;
    EXPECT_EQ(lines.back(), "replace a") << name;
    EXPECT_EQ(scene.lists(), 2U) << name;
  }
}

TEST(ListWatch, AnswersToTheWatchThatAreNoStream) {
  const std::pair<int, bool> cases[] = {{500, true}, {404, true}, {403, true}, {401, true}, {429, false}};
  for (const auto& [status, lists_again] : cases) {
    const int code = status;
    Scene scene({[code](const ScriptedRequest&, ScriptedConnection& to) { to.reply(code, "{}"); }});
    EXPECT_TRUE(scene.watches_reach(2)) << status;
    EXPECT_EQ(scene.lists(), lists_again ? 2U : 1U) << status;
  }
}

TEST(ListWatch, RetryAfterIsObserved) {
  const auto start = steady_clock::now();
  Scene scene(
      {[](const ScriptedRequest&, ScriptedConnection& to) { to.reply(429, "{}", {"Retry-After: 3"}); }});
  ASSERT_TRUE(scene.watches_reach(2));
  EXPECT_GE(steady_clock::now() - start, milliseconds(3000));  // our own pause would be 1.6 s at most
}

TEST(ListWatch, AWatchThatEndsAtOnceIsNotOpenedInALoop) {
  const auto ends = [](const ScriptedRequest&, ScriptedConnection& to) {
    to.begin_chunks(), to.end_chunks();
  };
  Scene scene({ends, ends, ends, ends, ends, ends, ends, ends});
  ASSERT_TRUE(scene.watches_reach(1));
  std::this_thread::sleep_for(milliseconds(500));
  EXPECT_EQ(scene.watch_targets().size(), 1U);
  EXPECT_EQ(scene.lists(), 1U);
}

TEST(ListWatch, ListsThatFailAreTriedAgain) {
  const std::pair<const char*, Scene::Script> cases[] = {
      {"503", [](const auto&, ScriptedConnection& to) { to.reply(503, "{}"); }},
      {"garbage", [](const auto&, ScriptedConnection& to) { to.reply(200, "<html>"); }},
      {"no version",
       [](const auto&, ScriptedConnection& to) { to.reply(200, R"({"metadata":{},"items":[]})"); }},
      {"items of another type",
       [](const auto&, ScriptedConnection& to) {
         to.reply(200, R"({"metadata":{"resourceVersion":"1"},"items":{}})");
       }},
      {"a cut",
       [](const auto&, ScriptedConnection& to) { to.begin_chunks(), to.chunk("{\"meta"), to.cut(); }},
      {"the token of the second page expired",
       [](const ScriptedRequest& request, ScriptedConnection& to) {
         if (request.target.find("continue=") != std::string::npos)
           return to.reply(410, R"({"reason":"Expired"})");
         to.reply(200, list_of(object("x", 1), 1, "next"));
       }},
  };
  for (const auto& [name, script] : cases) {
    std::atomic<bool> healthy{false};
    const Scene::Script& bad = script;
    Scene scene(
        [&](const ScriptedRequest& request, ScriptedConnection& to) {
          // A second page is of a list that began before.
          const bool anew = request.target.find("continue=") == std::string::npos;
          if (healthy && anew) return to.reply(200, list_of(object("a", 5), 5));
          bad(request, to);
        },
        {});
    ASSERT_TRUE(eventually([&scene] { return scene.lists() >= 1; })) << name;
    EXPECT_FALSE(scene.watch().synced()) << name;
    EXPECT_EQ(scene.watch().age(SystemClock().now()), Seconds::max()) << name;
    healthy = true;
    EXPECT_TRUE(scene.watches_reach(1)) << name;
    EXPECT_THAT(scene.recorder.lines(), ElementsAre("replace a")) << name;
    EXPECT_TRUE(scene.watch().synced()) << name;
  }
}

TEST(ListWatch, AProbeKeepsTheAgeOfAQuietCollectionHonest) {
  ListWatchOptions options;
  options.probe_after = Seconds(1);
  std::atomic<bool> answering{true};
  Scene scene(
      [&answering](const ScriptedRequest&, ScriptedConnection& to) {
        if (answering) return to.reply(200, list_of(object("a", 5), 5));
        to.reply(503, "{}");
      },
      {}, options);
  ASSERT_TRUE(eventually([&scene] { return scene.targets(is_probe).size() >= 3; }));
  EXPECT_TRUE(eventually([&scene] { return scene.watch().age(SystemClock().now()) <= Seconds(1); }));
  EXPECT_THAT(scene.recorder.lines(), ElementsAre("replace a"));  // a probe is no list
  answering = false;
  EXPECT_TRUE(eventually([&scene] { return scene.watch().age(SystemClock().now()) >= Seconds(4); }));
  answering = true;
  EXPECT_TRUE(eventually([&scene] { return scene.watch().age(SystemClock().now()) <= Seconds(1); }));
  EXPECT_EQ(scene.watch_targets().size(), 1U);  // probes do not disturb the watch
}

TEST(ListWatch, BookmarksAndEventsSpareTheProbe) {
  ListWatchOptions options;
  options.probe_after = Seconds(2);
  Scene scene({[](const ScriptedRequest&, ScriptedConnection& to) {
                to.begin_chunks();
                for (int version = 6; version < 14; ++version) {
                  to.chunk(event("BOOKMARK",
                                 R"({"metadata":{"resourceVersion":")" + std::to_string(version) + "\"}}"));
                  to.pause(milliseconds(500));
                }
                to.end_chunks();
              }},
              options);
  ASSERT_TRUE(scene.watches_reach(2));
  EXPECT_TRUE(scene.targets(is_probe).empty());
}

TEST(ListWatch, ASilentWatchIsOpenedAnew) {
  ListWatchOptions options;
  options.probe_after = Seconds(1);
  options.reopen_after = Seconds(2);
  const auto start = steady_clock::now();
  Scene scene(std::vector<Scene::Script>{}, options);
  ASSERT_TRUE(scene.watches_reach(2));
  EXPECT_GE(steady_clock::now() - start, milliseconds(1900));
  EXPECT_EQ(scene.lists(), 1U);
  EXPECT_EQ(scene.watch().restarts(), 1U);
}

TEST(ListWatch, StopIsQuickWhateverIsUnderWay) {
  const auto silent = [](const ScriptedRequest&, ScriptedConnection& to) {
    to.silence(milliseconds(60'000));
  };
  const auto listed = [](const ScriptedRequest&, ScriptedConnection& to) { to.reply(200, list_of("", 5)); };
  const auto refused = [](const ScriptedRequest&, ScriptedConnection& to) { to.reply(500, "{}"); };
  struct Case {
    const char* name;
    Scene::Script list;
    std::vector<Scene::Script> watches;
  };
  const Case cases[] = {{"a list without an answer", silent, {}},
                        {"a watch without an answer", listed, {silent}},
                        {"a quiet watch", listed, {}},
                        {"a pause after a failure", refused, {}}};
  for (const Case& c : cases) {
    Scene scene(c.list, c.watches);
    std::this_thread::sleep_for(milliseconds(150));
    const auto start = steady_clock::now();
    scene.watch().stop();
    EXPECT_LT(steady_clock::now() - start, Seconds(10)) << c.name;  // the silence is a minute
    const std::size_t told = scene.recorder.lines().size();
    std::this_thread::sleep_for(milliseconds(50));
    EXPECT_EQ(scene.recorder.lines().size(), told) << c.name;
  }
}

TEST(ListWatch, APathMayHaveAQuery) {
  ScriptedHttpServer server([](const ScriptedRequest& request, ScriptedConnection& to) {
    if (!is_watch(request)) return to.reply(200, list_of("", 5));
    to.begin_chunks();
    to.silence(milliseconds(60'000));
  });
  ApiClient client(connection_to(server.url()), "test");
  Recorder recorder;
  ListWatchOptions options;
  options.path = "/api/v1/secrets?fieldSelector=metadata.name%3Dx";
  ListWatch watch(client, options, recorder.handler());
  watch.start();
  ASSERT_TRUE(eventually([&server] { return server.requests().size() >= 2; }));
  EXPECT_EQ(server.requests()[0].target, options.path + "&limit=500");
  EXPECT_THAT(server.requests()[1].target, HasSubstr(options.path + "&watch=1&"));
}

TEST(ListWatch, ManyEventsArriveInOrder) {
  constexpr int kCount = 20'000;
  std::string stream;
  for (int i = 0; i < kCount; ++i) stream += event("MODIFIED", object(std::to_string(i), 100 + i));
  Scene scene({sends(stream)});
  ASSERT_TRUE(scene.recorder.reaches(kCount + 1));
  const auto lines = scene.recorder.lines();
  for (int i = 0; i < kCount; ++i)
    ASSERT_EQ(lines[static_cast<std::size_t>(i) + 1], "update " + std::to_string(i));
}

}  // namespace
}  // namespace nodeproof::kube
