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

// What Kept::text holds; null when a string holds a NUL, which no API server lets pass.
std::unique_ptr<char[]> packed(const wire::PodSummary& pod) {
  std::vector<std::string_view> parts{pod.name};
  for (const auto& [key, value] : pod.markers) {
    parts.push_back(key);
    parts.push_back(value);
  }
  std::size_t size = 2;  // the mark and the last NUL
  for (const std::string_view part : parts) {
    if (part.find('\0') != std::string_view::npos) return nullptr;
    size += part.size() + 1;
  }
  auto out = std::make_unique<char[]>(size);  // zeros
  out[0] = kListed;
  char* to = out.get() + 1;
  for (const std::string_view part : parts) to = std::copy(part.begin(), part.end(), to) + 1;
  return out;
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
    if (const auto found = pods_.find(*uid); found != pods_.end()) drop_locked(found);
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
  if (const auto found = pods_.find(*uid); found != pods_.end()) drop_locked(found);
  if (pod->node_name.empty()) keep_locked(*uid, *pod);
}

void PodDirectory::keep_locked(const Uid& uid, const wire::PodSummary& pod) {
  auto text = packed(pod);
  if (!text) return;
  auto ns = namespaces_.find(pod.ns);
  if (ns == namespaces_.end()) ns = namespaces_.emplace(pod.ns, 0).first;
  ++ns->second;
  pods_.emplace(uid, Kept{ns, std::move(text)});
}

void PodDirectory::drop_locked(Pods::iterator pod) {
  const Namespaces::iterator ns = pod->second.ns;
  pods_.erase(pod);
  if (--ns->second == 0) namespaces_.erase(ns);
}

void PodDirectory::mark_unlisted() {
  const std::lock_guard lock(mutex_);
  for (auto& [uid, pod] : pods_) pod.text[0] = kUnlisted;
}

void PodDirectory::drop_unlisted() {
  const std::lock_guard lock(mutex_);
  for (auto pod = pods_.begin(); pod != pods_.end();) {
    const auto next = std::next(pod);
    if (pod->second.text[0] == kUnlisted) drop_locked(pod);
    pod = next;
  }
}

std::optional<PodEntry> PodDirectory::find(const std::string& uid) const {
  const auto bytes = uid_bytes(uid);
  if (!bytes) return std::nullopt;
  const std::lock_guard lock(mutex_);
  const auto found = pods_.find(*bytes);
  if (found == pods_.end()) return std::nullopt;
  PodEntry out;
  out.ns = found->second.ns->first;
  out.uid = uid;
  const char* text = found->second.text.get() + 1;
  const auto next = [&text] {
    const std::string_view part(text);
    text += part.size() + 1;
    return part;
  };
  out.name = next();
  while (*text != '\0') {
    const std::string_view key = next();
    out.markers.emplace(key, next());
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
