#include "webhook/pod_directory.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "attest/strict_json.hpp"

namespace nodeproof::webhook {
namespace {

constexpr std::size_t kMaxPod = 4U << 20U;  // as a watch event; etcd takes 1.5 MiB

// Names go into a path: what no Pod can be called is not asked for.
bool is_path_segment(const std::string& text) {
  return !text.empty() && text.size() <= 253 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  }) && text.find_first_not_of('.') != std::string::npos;
}

}  // namespace

kube::WatchHandler PodDirectory::handler() {
  kube::WatchHandler out;
  out.replace = [this](const std::vector<attest::JsonValue>& objects) {
    {
      const std::lock_guard lock(mutex_);
      pods_.clear();
    }
    for (const attest::JsonValue& object : objects) put(object);
  };
  out.update = [this](const attest::JsonValue& object) { put(object); };
  out.remove = [this](const attest::JsonValue& object) {
    const auto meta = wire::parse_metadata(object);
    if (!meta) return;
    const std::lock_guard lock(mutex_);
    pods_.erase(meta->uid);
  };
  return out;
}

// A pod that cannot be read is not kept: its binding then asks the API server, and fails closed.
void PodDirectory::put(const attest::JsonValue& object) {
  const auto pod = wire::parse_pod(object);
  if (!pod) {
    spdlog::warn("a pod of the watch cannot be read: {}", to_string(pod.error()));
    return;
  }
  const std::lock_guard lock(mutex_);
  if (pod->node_name.empty()) {
    pods_.insert_or_assign(pod->meta.uid, entry_of(*pod));
  } else {
    pods_.erase(pod->meta.uid);
  }
}

std::optional<PodEntry> PodDirectory::find(const std::string& uid) const {
  const std::lock_guard lock(mutex_);
  const auto found = pods_.find(uid);
  return found == pods_.end() ? std::nullopt : std::optional(found->second);
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
