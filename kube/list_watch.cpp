#include "kube/list_watch.hpp"

#include <spdlog/spdlog.h>

#include <atomic>
#include <condition_variable>
#include <thread>

#include "attest/strict_json.hpp"
#include "base/clock.hpp"
#include "base/or_throw.hpp"
#include "kube/api_client_impl.hpp"
#include "kube/backoff.hpp"
#include "kube/watch_decoder.hpp"

namespace nodeproof::kube {
namespace {

using attest::JsonDocument;
using attest::JsonValue;
using std::chrono::steady_clock;
using web::http::methods;

constexpr std::size_t kPageSize = 500;
constexpr std::size_t kMaxPage = 64U << 20U;
// Longer events are parsed with memory of their own: each of a program's watches keeps 15 times as much.
constexpr std::size_t kUsualEvent = 8U << 10U;
constexpr Seconds kProbeTimeout{5};
// The API server ends the watch after this long; chance keeps watches from ending together.
constexpr int kWatchSecondsLow = 240;
constexpr int kWatchSecondsHigh = 300;
// A watch that ends sooner without a word is a fault, else it would be opened in a tight loop.
constexpr Seconds kShortestWatch{1};
constexpr std::int64_t kNever = -1;

std::string with_query(const std::string& path, const std::string& query) {
  return path + (path.find('?') == std::string::npos ? "?" : "&") + query;
}

Result<std::string> resource_version(const JsonValue& object) {
  NODEPROOF_TRY(metadata, object.required("metadata"));
  NODEPROOF_TRY(member, metadata.required("resourceVersion"));
  NODEPROOF_TRY(text, member.text());
  if (text.empty()) return Error{Errc::kMissing, member.path(), "is empty"};
  return std::move(text);
}

// What a page says of the list that it is part of.
struct PageEnd {
  std::string version;
  std::string next;  // empty: the last one
};

Result<PageEnd> page_end(const JsonValue& page) {
  NODEPROOF_TRY(version, resource_version(page));
  NODEPROOF_TRY(metadata, page.required("metadata"));
  NODEPROOF_TRY(next, metadata.optional_text("continue"));
  return PageEnd{std::move(version), std::move(next)};
}

Result<std::vector<JsonValue>> items_of(const JsonValue& page) {
  NODEPROOF_TRY(items, page.optional("items"));
  if (!items) return std::vector<JsonValue>();
  return items->array();
}

// The Status of an ERROR event as the error that the same answer to a request would have been.
Result<ApiError> error_event(const JsonValue& status) {
  NODEPROOF_TRY(code, status.required("code"));
  NODEPROOF_TRY(number, code.unsigned_integer());
  NODEPROOF_TRY(word, status.optional_text("reason"));
  const bool expired = number == 410 || word == "Expired" || word == "Gone";
  return ApiError(expired ? 410 : 500, word, "the watch reported " + std::to_string(number) + " " + word);
}

// Memory for one page after the other: a list may be of hundreds, of megabytes each, and most of what such a
// page costs would be the kernel's work for fresh memory.
struct PageRoom {
  std::string body;
  attest::JsonParser parser;
};

}  // namespace

struct ListWatch::State {
  State(ApiClient& api, ListWatchOptions chosen, WatchHandler to)
      : impl(api.impl()),
        options(std::move(chosen)),
        handler(std::move(to)),
        // Ours is the deadline that counts; cpprest's idle timeout is the net below it.
        watch_client(impl.new_client(options.reopen_after + impl.timeout)) {}

  void run(const std::stop_token& stop);
  void list(const std::stop_token& stop);
  PageEnd list_page(const std::string& token, PageRoom& room, const std::stop_token& stop);
  // Until the watch ends or falls silent; false when it ended at once and without a word.
  bool watch(const std::stop_token& stop);
  void handle(std::string_view line);
  void probe(const std::stop_token& stop);
  void pause(const std::stop_token& stop, Backoff::Milliseconds time) const;
  void touch() { alive = to_unix(SystemClock().now()); }
  std::string watch_path();

  ApiClient::Impl& impl;
  const ListWatchOptions options;
  const WatchHandler handler;
  web::http::client::http_client watch_client;
  std::string version;                     // resourceVersion to watch from; empty: list first
  attest::JsonParser parser{kUsualEvent};  // of the watch's events
  std::mt19937_64 random{std::random_device{}()};
  std::atomic<bool> synced{false};
  std::atomic<std::int64_t> alive{kNever};  // Unix time
  std::atomic<std::uint64_t> opened{0};
  std::jthread thread;
};

void ListWatch::State::run(const std::stop_token& stop) {
  Backoff backoff;
  while (!stop.stop_requested()) {
    Backoff::Milliseconds at_least{0};
    std::string failure = "the watch ended at once";
    try {
      if (version.empty()) list(stop);
      if (watch(stop)) continue;
    } catch (const ApiError& error) {
      // A cut leaves the version valid. Any refusal but "later" may be about the version itself.
      if (error.status() != 0 && error.status() != 429) version.clear();
      at_least = error.retry_after();
      failure = error.what();
    } catch (const std::exception& error) {
      // What the API server sent makes no sense to us, or the handler threw: only a new list helps.
      version.clear();
      failure = error.what();
    }
    if (stop.stop_requested()) return;
    const auto wait = std::max(at_least, backoff.after_failure(steady_clock::now()));
    spdlog::warn("watch of {}: {}; {} in {} ms", options.path, failure,
                 version.empty() ? "listing anew" : "watching again", wait.count());
    pause(stop, wait);
  }
}

void ListWatch::State::list(const std::stop_token& stop) {
  handler.begin();
  PageRoom room;
  PageEnd end = list_page({}, room, stop);
  while (!end.next.empty()) end = list_page(end.next, room, stop);
  handler.listed();
  version = std::move(end.version);
  touch();
  synced = true;
}

// `token`: of the page before; empty for the first one.
PageEnd ListWatch::State::list_page(const std::string& token, PageRoom& room, const std::stop_token& stop) {
  std::string query = "limit=" + std::to_string(kPageSize);
  if (!token.empty()) query += "&continue=" + web::uri::encode_data_string(token);
  room.body =
      impl.call({methods::GET, with_query(options.path, query)}, impl.timeout, stop, std::move(room.body));
  const JsonDocument document =
      or_throw(JsonDocument::parse_in_place(room.body, kMaxPage, "list", room.parser));
  for (const JsonValue& item : or_throw(items_of(document.root()))) {
    if (stop.stop_requested()) throw ApiError(0, "Stopped", "stopped");
    handler.update(item);
  }
  return or_throw(page_end(document.root()));
}

std::string ListWatch::State::watch_path() {
  std::uniform_int_distribution<int> seconds(kWatchSecondsLow, kWatchSecondsHigh);
  return with_query(options.path, "watch=1&allowWatchBookmarks=true&resourceVersion=" +
                                      web::uri::encode_data_string(version) +
                                      "&timeoutSeconds=" + std::to_string(seconds(random)));
}

bool ListWatch::State::watch(const std::stop_token& stop) {
  const auto opened_at = steady_clock::now();
  ++opened;
  impl.credentials.refresh(false);
  const ApiClient::Impl::Call call{methods::GET, watch_path()};
  HttpStream stream(watch_client, impl.new_request(call), stop);
  const web::http::http_response& response = stream.open(opened_at + impl.timeout);
  impl.note(response, stream.target());
  if (response.status_code() != 200) throw impl.error_of("watch", response, stream, opened_at + impl.timeout);

  WatchLineSplitter lines(options.max_line);
  std::string piece;
  bool heard = false;
  auto heard_at = steady_clock::now();
  auto probe_at = heard_at + options.probe_after;
  for (;;) {
    const auto reopen_at = heard_at + options.reopen_after;
    piece.clear();
    const HttpStream::Piece kind = stream.read(piece, std::min(probe_at, reopen_at));
    const auto now = steady_clock::now();
    if (kind == HttpStream::Piece::kEnd) return heard || now - opened_at >= kShortestWatch;
    if (kind == HttpStream::Piece::kData) {
      heard = true;
      heard_at = now;
      probe_at = now + options.probe_after;
      or_throw(lines.feed(piece));
      while (const auto line = lines.next()) handle(*line);
    } else if (now >= reopen_at) {
      spdlog::info("watch of {}: silent for {} s, opening it anew", options.path,
                   options.reopen_after.count());
      return true;
    } else {
      probe(stop);
      probe_at = steady_clock::now() + options.probe_after;
    }
  }
}

void ListWatch::State::handle(std::string_view line) {
  const JsonDocument document =
      or_throw(JsonDocument::parse(as_bytes(line), options.max_line, "watch event", parser));
  const JsonValue event = document.root();
  const JsonValue type_member = or_throw(event.required("type"));
  const std::string_view type = or_throw(type_member.string());
  const JsonValue object = or_throw(event.required("object"));
  if (type == "ERROR") throw or_throw(error_event(object));
  std::string next = or_throw(resource_version(object));
  if (type == "ADDED" || type == "MODIFIED") {
    handler.update(object);
  } else if (type == "DELETED") {
    handler.remove(object);
  } else if (type != "BOOKMARK") {
    throw std::runtime_error("watch event of unknown type '" + std::string(type) + "'");
  }
  version = std::move(next);
  touch();
}

// Shows that the API server still answers while a collection is at rest.
void ListWatch::State::probe(const std::stop_token& stop) {
  try {
    impl.call({methods::GET, with_query(options.path, "limit=1")}, std::min(impl.timeout, kProbeTimeout),
              stop);
    touch();
  } catch (const ApiError& error) {
    if (!stop.stop_requested()) spdlog::warn("probe of {}: {}", options.path, error.what());
  }
}

void ListWatch::State::pause(const std::stop_token& stop, Backoff::Milliseconds time) const {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, stop, time, [] { return false; });
}

ListWatch::ListWatch(ApiClient& client, ListWatchOptions options, WatchHandler handler)
    : state_(std::make_unique<State>(client, std::move(options), std::move(handler))) {}

ListWatch::~ListWatch() {
  stop();
}

void ListWatch::start() {
  if (state_->thread.joinable()) return;
  state_->thread = std::jthread([state = state_.get()](const std::stop_token& stop) { state->run(stop); });
}

void ListWatch::stop() {
  state_->thread = std::jthread();
}

bool ListWatch::synced() const {
  return state_->synced;
}

Seconds ListWatch::age(UnixTime now) const {
  const std::int64_t alive = state_->alive;
  if (alive == kNever) return Seconds::max();
  return std::max(Seconds(0), now - from_unix(alive));
}

std::uint64_t ListWatch::restarts() const {
  const std::uint64_t opened = state_->opened;
  return opened == 0 ? 0 : opened - 1;
}

}  // namespace nodeproof::kube
