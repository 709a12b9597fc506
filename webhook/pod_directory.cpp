#include "webhook/pod_directory.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstring>

#include "attest/strict_json.hpp"
#include "base/uuid.hpp"

namespace nodeproof::webhook {
namespace {

constexpr std::size_t kMaxPod = 4U << 20U;  // as a watch event; etcd takes 1.5 MiB

// Names go into a path: what no Pod can be called is not asked for.
bool is_path_segment(const std::string& text) {
  return !text.empty() && text.size() <= 253 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  }) && text.find_first_not_of('.') != std::string::npos;
}

constexpr char kListed = 'L';
constexpr char kUnlisted = 'U';  // the list under way has not brought it yet

std::optional<std::array<std::uint8_t, 16>> uid_bytes(std::string_view text) {
  if (!is_canonical_uuid(text)) return std::nullopt;
  std::array<std::uint8_t, 16> out{};
  std::size_t digits = 0;
  for (const char c : text) {
    if (c == '-') continue;
    const auto value = static_cast<std::uint8_t>(c <= '9' ? c - '0' : c - 'a' + 10);
    out[digits / 2] = static_cast<std::uint8_t>((out[digits / 2] << 4U) | value);
    ++digits;
  }
  return out;
}

// The strings of Kept::text; nothing when one holds a NUL, which no API server lets pass.
std::optional<std::vector<std::string_view>> strings_of(const wire::PodSummary& pod) {
  std::vector<std::string_view> out{pod.name};
  for (const auto& [key, value] : pod.markers) {
    out.push_back(key);
    out.push_back(value);
  }
  const auto holds_nul = [](std::string_view text) { return text.find('\0') != std::string_view::npos; };
  if (std::any_of(out.begin(), out.end(), holds_nul)) return std::nullopt;
  return out;
}

// Of Kept::text: the mark, the strings and the empty key.
std::size_t text_size(const std::vector<std::string_view>& strings) {
  std::size_t out = 2;
  for (const std::string_view text : strings) out += text.size() + 1;
  return out;
}

void write_text(char* to, const std::vector<std::string_view>& strings) {
  *to++ = kListed;
  for (const std::string_view text : strings) {
    to = std::copy(text.begin(), text.end(), to);
    *to++ = '\0';
  }
  *to = '\0';
}

// One string after the other of Kept::text.
class TextReader {
 public:
  explicit TextReader(const char* text) : begin_(text), next_(text + 1) {}
  bool at_end() const { return *next_ == '\0'; }
  std::string_view next() {
    const std::string_view out(next_);
    next_ += out.size() + 1;
    return out;
  }
  std::size_t size_at_end() const { return static_cast<std::size_t>(next_ - begin_) + 1; }

 private:
  const char* begin_;
  const char* next_;
};

std::size_t text_size(const char* text) {
  TextReader reader(text);
  reader.next();
  while (!reader.at_end()) reader.next();
  return reader.size_at_end();
}

}  // namespace

kube::WatchHandler PodDirectory::handler() {
  kube::WatchHandler out;
  out.begin = [this] { mark_unlisted(); };
  out.update = [this](const attest::JsonValue& object) { put(object); };
  out.remove = [this](const attest::JsonValue& object) {
    const auto pod = wire::summarize_pod(object);
    const auto uid = pod ? uid_bytes(pod->uid) : std::nullopt;
    if (!uid) return;
    const std::lock_guard lock(mutex_);
    if (const auto found = pods_.find(*uid); found != pods_.end()) drop_locked(*found);
    give_back_if_empty_locked();
  };
  out.listed = [this] { drop_unlisted(); };
  return out;
}

// A pod that cannot be read is not kept: its binding then asks the API server, and fails closed.
void PodDirectory::put(const attest::JsonValue& object) {
  const auto pod = wire::summarize_pod(object);
  if (!pod) {
    spdlog::warn("a pod of the watch cannot be read: {}", to_string(pod.error()));
    return;
  }
  const auto uid = uid_bytes(pod->uid);
  if (!uid) return;
  const std::lock_guard lock(mutex_);
  if (const auto found = pods_.find(*uid); found != pods_.end()) drop_locked(*found);
  if (pod->node_name.empty()) keep_locked(*uid, *pod);
  give_back_if_empty_locked();
}

void PodDirectory::keep_locked(const Uid& uid, const wire::PodSummary& pod) {
  const auto strings = strings_of(pod);
  if (!strings) return;
  if (pods_.size() >= kPodsABucket * buckets_.size()) use_buckets_locked(2 * buckets_.size());
  auto ns = namespaces_.find(pod.ns);
  if (ns == namespaces_.end()) ns = namespaces_.emplace(pod.ns, 0).first;
  void* memory = memory_.allocate(sizeof(Kept) + text_size(*strings), alignof(Kept));
  auto* kept = new (memory) Kept{{}, uid, ns};
  write_text(kept->text(), *strings);
  ++ns->second;
  pods_.insert(*kept);
}

void PodDirectory::drop_locked(Kept& pod) {
  const Namespaces::iterator ns = pod.ns;
  const std::size_t size = sizeof(Kept) + text_size(pod.text());
  pods_.erase(pods_.iterator_to(pod));
  memory_.deallocate(&pod, size, alignof(Kept));
  if (--ns->second == 0) namespaces_.erase(ns);
}

// Not while pods are gone through: iterators end with the buckets.
void PodDirectory::give_back_if_empty_locked() {
  if (!pods_.empty()) return;
  memory_.release();
  if (buckets_.size() > kFewestBuckets) use_buckets_locked(kFewestBuckets);
}

void PodDirectory::use_buckets_locked(std::size_t count) {
  std::vector<Pods::bucket_type> buckets(count);
  pods_.rehash(Pods::bucket_traits(buckets.data(), buckets.size()));
  buckets_.swap(buckets);
}

void PodDirectory::mark_unlisted() {
  const std::lock_guard lock(mutex_);
  for (Kept& pod : pods_) *pod.text() = kUnlisted;
}

void PodDirectory::drop_unlisted() {
  const std::lock_guard lock(mutex_);
  for (auto pod = pods_.begin(); pod != pods_.end();) {
    Kept& kept = *pod++;
    if (*kept.text() == kUnlisted) drop_locked(kept);
  }
  give_back_if_empty_locked();
}

std::optional<PodEntry> PodDirectory::find(const std::string& uid) const {
  const auto bytes = uid_bytes(uid);
  if (!bytes) return std::nullopt;
  const std::lock_guard lock(mutex_);
  const auto found = pods_.find(*bytes);
  if (found == pods_.end()) return std::nullopt;
  PodEntry out;
  out.ns = found->ns->first;
  out.uid = uid;
  TextReader text(found->text());
  out.name = text.next();
  while (!text.at_end()) {
    const std::string_view key = text.next();
    out.markers.emplace(key, text.next());
  }
  return out;
}

std::size_t PodDirectory::size() const {
  const std::lock_guard lock(mutex_);
  return pods_.size();
}

std::size_t PodDirectory::UidHash::operator()(const Uid& uid) const noexcept {
  // UIDs are random (UUID version 4); these bytes hold no version or variant bits.
  std::uint32_t out = 0;
  std::memcpy(&out, uid.data(), sizeof out);
  return out;
}

Result<PodEntry> parse_pod_entry(const std::string& json) {
  NODEPROOF_TRY(document, attest::JsonDocument::parse(as_bytes(json), kMaxPod, "Pod"));
  NODEPROOF_TRY(pod, wire::parse_pod(document.root()));
  return entry_of(pod);
}

PodLookup ApiPodReader::read(const std::string& ns, const std::string& name, Deadline deadline) {
  if (!is_path_segment(ns) || !is_path_segment(name)) return PodUnavailable{"that is no name of a pod"};
  if (std::chrono::steady_clock::now() + timeout_ > deadline) {
    return PodUnavailable{"the request leaves no time to ask the API server"};
  }
  try {
    const auto json = client_.get_if_exists("/api/v1/namespaces/" + ns + "/pods/" + name);
    if (!json) return PodAbsent{};
    auto pod = parse_pod_entry(*json);
    if (pod) return *std::move(pod);
    return PodUnavailable{to_string(pod.error())};
  } catch (const std::exception& e) {
    return PodUnavailable{e.what()};
  }
}

}  // namespace nodeproof::webhook
