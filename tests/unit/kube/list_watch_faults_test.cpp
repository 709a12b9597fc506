// After every fault that an API server can have, the view that a ListWatch keeps is again that of a fresh
// list. The server has a store and a history, so that what is missed shows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <map>
#include <mutex>

#include "attest/strict_json.hpp"
#include "base/clock.hpp"
#include "kube/list_watch.hpp"
#include "tests/support/api_answers.hpp"
#include "tests/unit/kube/test_connection.hpp"

namespace nodeproof::kube {
namespace {

using attest::JsonValue;
using std::chrono::milliseconds;
using test::ScriptedConnection;
using test::ScriptedHttpServer;
using test::ScriptedRequest;
using testing::HasSubstr;

constexpr const char* kPath = "/apis/nodeproof.dev/v1alpha1/nodequotes";

using Objects = std::map<std::string, std::string>;  // name -> resourceVersion

// What the handler was told, as a collection. The one place that knows the handler's shape.
class RecordedView {
 public:
  // `busy`: how long each event takes the handler.
  explicit RecordedView(milliseconds busy = milliseconds(0)) : busy_(busy) {}

  WatchHandler handler() {
    WatchHandler out;
    out.begin = [this] { listing_.emplace(); };
    out.update = [this](const JsonValue& object) {
      const auto [name, version] = entry(object);
      if (listing_) {
        (*listing_)[name] = version;
        return;
      }
      std::this_thread::sleep_for(busy_);
      const std::scoped_lock lock(mutex_);
      objects_[name] = version;
    };
    out.remove = [this](const JsonValue& object) {
      const std::scoped_lock lock(mutex_);
      objects_.erase(entry(object).first);
    };
    out.listed = [this] {
      const std::scoped_lock lock(mutex_);
      objects_ = *std::exchange(listing_, std::nullopt);
    };
    return out;
  }
  Objects objects() const {
    const std::scoped_lock lock(mutex_);
    return objects_;
  }

 private:
  static Objects::value_type entry(const JsonValue& object) {
    const auto metadata = object.required("metadata");
    const auto text = [&metadata](const char* key) { return *(*metadata->required(key)).text(); };
    return {text("name"), text("resourceVersion")};
  }
  const milliseconds busy_;         // an event
  std::optional<Objects> listing_;  // of the watch's thread
  mutable std::mutex mutex_;
  Objects objects_;
};

// The API server's side: objects, and every change of them since the beginning.
class Store {
 public:
  void put(const std::string& name, const std::string& ballast = "") {
    const std::scoped_lock lock(mutex_);
    const std::string version = std::to_string(++version_);
    objects_[name] = version;
    history_.push_back({version_, "MODIFIED", json(name, version, ballast)});
  }
  void remove(const std::string& name) {
    const std::scoped_lock lock(mutex_);
    objects_.erase(name);
    const std::string version = std::to_string(++version_);
    history_.push_back({version_, "DELETED", json(name, version, "")});
  }
  Objects objects() const {
    const std::scoped_lock lock(mutex_);
    return objects_;
  }
  std::string list() const {
    const std::scoped_lock lock(mutex_);
    std::string items;
    for (const auto& [name, version] : objects_) {
      items += (items.empty() ? "" : ",") + json(name, version, "");
    }
    return test::list_json(items, version_);
  }
  // Events after `version`, which moves on.
  std::string events_since(std::uint64_t& version) const {
    const std::scoped_lock lock(mutex_);
    std::string out;
    for (const Change& change : history_) {
      if (change.version <= version) continue;
      out += R"({"type":")" + change.type + R"(","object":)" + change.object + "}\n";
      version = change.version;
    }
    return out;
  }

 private:
  struct Change {
    std::uint64_t version;
    std::string type;
    std::string object;
  };
  static std::string json(const std::string& name, const std::string& version, const std::string& ballast) {
    return R"({"metadata":{"name":")" + name + R"(","resourceVersion":")" + version + R"("},"data":")" +
           ballast + "\"}";
  }
  mutable std::mutex mutex_;
  std::uint64_t version_ = 10;
  Objects objects_;
  std::vector<Change> history_;
};

std::uint64_t version_asked(const std::string& target) {
  constexpr std::string_view kKey = "resourceVersion=";
  const std::size_t at = target.find(kKey);
  return at == std::string::npos ? 0 : std::stoull(target.substr(at + kKey.size()));
}

// A healthy answer to any request.
void answer(const Store& store, const ScriptedRequest& request, ScriptedConnection& to) {
  if (!is_watch(request)) return to.reply(200, store.list());
  to.begin_chunks();
  std::uint64_t version = version_asked(request.target);
  while (!to.is_over()) {
    if (const std::string events = store.events_since(version); !events.empty()) to.chunk(events);
    if (to.silence(milliseconds(20))) return;
  }
}

using Script = ScriptedHttpServer::Script;

struct Fault {
  std::string name;
  Script script;           // of the first request of its kind
  bool in_list = false;    // else in the watch
  bool lists_anew = true;  // whether a new list is how it must end
};

Script replies(int status, std::string body = "{}", std::vector<std::string> headers = {}) {
  return [status, body, headers](const ScriptedRequest&, ScriptedConnection& to) {
    to.reply(status, body, headers);
  };
}

// A stream that begins well.
Script streams(std::function<void(ScriptedConnection&)> goes_on) {
  return [goes_on](const ScriptedRequest&, ScriptedConnection& to) {
    to.begin_chunks();
    to.chunk(R"({"type":"ADDED","object":{"metadata":{"name":"a","resourceVersion":"11"}}})"
             "\n");
    goes_on(to);
  };
}

// The same faults of status, in a list or in a watch.
void add_refusals(bool in_list, std::vector<Fault>& out) {
  const std::string where = in_list ? " in a list" : " in a watch";
  const std::string expired = R"({"kind":"Status","code":410,"reason":"Expired","message":"too old"})";
  out.push_back({"410" + where, replies(410, expired), in_list, true});
  out.push_back({"401" + where, replies(401), in_list, true});
  out.push_back({"403" + where, replies(403), in_list, true});
  out.push_back({"404" + where, replies(404, "404 page not found"), in_list, true});
  out.push_back({"429" + where, replies(429, "{}", {"Retry-After: 1"}), in_list, in_list});
  out.push_back({"500" + where, replies(500), in_list, true});
  out.push_back({"503" + where, replies(503, "{}", {"Retry-After: 1"}), in_list, true});
}

std::vector<Fault> faults() {
  std::vector<Fault> out;
  add_refusals(true, out);
  add_refusals(false, out);
  const auto add = [&out](std::string name, Script script, bool lists_anew) {
    out.push_back({std::move(name), std::move(script), false, lists_anew});
  };
  add("410 as an event", streams([](ScriptedConnection& to) {
        to.chunk(
            "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410,\"reason\":\"Expired\"}}\n");
        to.silence(milliseconds(30'000));
      }),
      true);
  add("cut in the middle of a line", streams([](ScriptedConnection& to) {
        to.chunk("{\"type\":\"MODIFIED\",\"object\":{\"meta");
        to.cut();
      }),
      false);
  add("cut in the middle of a chunk", streams([](ScriptedConnection& to) {
        to.raw("ff\r\n{\"type\":\"MODIFIED\"");
        to.cut();
      }),
      false);
  add("silence", streams([](ScriptedConnection& to) { to.silence(milliseconds(30'000)); }), false);
  add("garbage", streams([](ScriptedConnection& to) {
        to.chunk("\x01\x02 \xff\xfe nonsense\n");
        to.silence(milliseconds(30'000));
      }),
      true);
  add("a line of 50 MB", streams([](ScriptedConnection& to) {
        const std::string megabyte(1U << 20U, 'x');
        to.chunk("{\"type\":\"MODIFIED\",\"object\":\"");
        for (int i = 0; i < 50 && !to.is_over(); ++i) to.chunk(megabyte);
        if (!to.is_over()) to.chunk("\"}\n");
        to.silence(milliseconds(30'000));
      }),
      true);
  add(
      "no answer", [](const ScriptedRequest&, ScriptedConnection& to) { to.silence(milliseconds(30'000)); },
      false);
  out.push_back({"a slow list",
                 [](const ScriptedRequest&, ScriptedConnection& to) {
                   to.begin_chunks();
                   for (const char c : std::string(R"({"metadata":{"resourceVersion":"10"},"items":[]})")) {
                     to.chunk(std::string(1, c)), to.pause(milliseconds(20));
                   }
                   to.end_chunks();
                 },
                 true, false});
  return out;
}

// Times short enough to wait for.
ListWatchOptions quick() {
  ListWatchOptions options;
  options.path = kPath;
  options.probe_after = Seconds(1);
  options.reopen_after = Seconds(2);
  return options;
}

bool is_list(const ScriptedRequest& request) {
  return request.target.ends_with("limit=500");
}

std::size_t lists_of(const ScriptedHttpServer& server) {
  const auto requests = server.requests();
  return static_cast<std::size_t>(std::count_if(requests.begin(), requests.end(), is_list));
}

// Empty when the view came to equal the store, and by the way it should have.
std::string outcome_of(const Fault& fault) {
  Store store;
  store.put("a");
  store.put("b");
  std::atomic<bool> done{false};
  const ScriptedHttpServer server([&](const ScriptedRequest& request, ScriptedConnection& to) {
    const bool watch = is_watch(request);
    if ((fault.in_list ? is_list(request) : watch) && !done.exchange(true)) {
      // What happens meanwhile is never told by the faulty answer.
      store.remove("b");
      store.put("c");
      return fault.script(request, to);
    }
    answer(store, request, to);
  });
  RecordedView view;
  ApiClient client(connection_to(server.url()), "test", Seconds(3));
  ListWatch watch(client, quick(), view.handler());
  watch.start();
  if (!eventually([&] { return done && view.objects() == store.objects(); })) return "does not converge";
  store.put("d");
  if (!eventually([&] { return view.objects() == store.objects(); })) return "does not go on";
  const std::size_t expected = 1U + (fault.lists_anew ? 1U : 0U);
  if (lists_of(server) != expected) return "lists: " + std::to_string(lists_of(server));
  return watch.age(SystemClock().now()) <= Seconds(3) ? "" : "the age is not honest";
}

// At the same time, because each waits for pauses and time-outs most of its time.
TEST(ListWatchFaults, AfterEachTheViewIsThatOfAFreshList) {
  const std::vector<Fault> table = faults();
  std::vector<std::future<std::string>> outcomes;
  outcomes.reserve(table.size());
  for (const Fault& fault : table) {
    outcomes.push_back(std::async(std::launch::async, [&fault] { return outcome_of(fault); }));
  }
  for (std::size_t i = 0; i < table.size(); ++i) EXPECT_EQ(outcomes[i].get(), "") << table[i].name;
}

TEST(ListWatchFaults, ARestartOfTheServerIsSurvived) {
  Store store;
  store.put("a");
  const auto script = [&store](const ScriptedRequest& request, ScriptedConnection& to) {
    answer(store, request, to);
  };
  auto server = std::make_unique<ScriptedHttpServer>(script);
  const std::uint16_t port = server->port();
  RecordedView view;
  ApiClient client(connection_to(server->url()), "test", Seconds(3));
  ListWatch watch(client, quick(), view.handler());
  watch.start();
  ASSERT_TRUE(eventually([&] { return view.objects() == store.objects(); }));

  server.reset();
  store.remove("a");
  store.put("b");
  std::this_thread::sleep_for(milliseconds(1500));  // connections are refused meanwhile
  server = std::make_unique<ScriptedHttpServer>(script, nullptr, "127.0.0.1", port);
  EXPECT_TRUE(eventually([&] { return view.objects() == store.objects(); }));
  store.put("c");
  EXPECT_TRUE(eventually([&] { return view.objects() == store.objects(); }));
}

// cpprest's buffer takes whatever comes: only giving up bounds it, and only a new list catches up.
TEST(ListWatchFaults, AStreamThatOutrunsTheHandlerIsGivenUpAndListedAnew) {
  constexpr std::size_t kMegabytes = 400;
  Store store;
  store.put("a");
  std::atomic<std::size_t> sent{0};
  std::atomic<bool> flooded{false};
  const ScriptedHttpServer server([&](const ScriptedRequest& request, ScriptedConnection& to) {
    const bool watch = is_watch(request);
    if (!watch || flooded.exchange(true)) return answer(store, request, to);
    to.begin_chunks();
    store.put("b", std::string(1U << 20U, 'x'));
    std::uint64_t from = 11;
    const std::string event = store.events_since(from);
    while (!to.is_over() && sent < kMegabytes) {
      to.chunk(event);
      ++sent;
    }
    store.put("c");
    to.silence(milliseconds(30'000));
  });
  RecordedView view(milliseconds(20));
  ApiClient client(connection_to(server.url()), "test", Seconds(5));
  ListWatch watch(client, quick(), view.handler());
  watch.start();
  ASSERT_TRUE(eventually([&] { return lists_of(server) == 2; }));
  EXPECT_LT(sent, kMegabytes / 2) << "MB: the client went on taking them";
  EXPECT_TRUE(eventually([&] { return view.objects() == store.objects(); }));
  EXPECT_EQ(view.objects().size(), 3U);
}

}  // namespace
}  // namespace nodeproof::kube
