#include "webhook/label_keeper.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <functional>

#include "kube/log.hpp"
#include "webhook/node_status.hpp"

namespace nodeproof::webhook {
namespace {

// A watch shows our own write within a moment; what differs after this is somebody else's doing.
constexpr Seconds kSettled{10};
constexpr std::size_t kMaxTold = 3;  // labels told of in one Event

std::size_t hash_of(const LabelKeeper::Labels& labels) {
  std::string all;
  for (const auto& [key, value] : labels) all += key + '=' + value + ',';
  return std::hash<std::string>()(all);
}

// Of the labels that differ, as clauses: what somebody set or took away. `all`: also keys that we write, for
// what we wrote last is `want`; otherwise those alone that we never write.
std::vector<std::string> foreign(const LabelKeeper::Labels& have, const LabelKeeper::Labels& want, bool all) {
  std::vector<std::string> out;
  for (const auto& [key, value] : have) {
    const auto wanted = want.find(key);
    const bool differs = wanted == want.end() || wanted->second != value;
    if (differs && (all || !is_written_here(key))) out.push_back(key + " was set to '" + value + "'");
  }
  if (!all) return out;
  for (const auto& [key, value] : want) {
    if (!have.contains(key)) out.push_back(key + " was removed");
  }
  return out;
}

std::string joined(const std::vector<std::string>& clauses) {
  std::string out;
  for (std::size_t i = 0; i < clauses.size() && i < kMaxTold; ++i) out += (i == 0 ? "" : ", ") + clauses[i];
  if (clauses.size() > kMaxTold) out += " and " + std::to_string(clauses.size() - kMaxTold) + " more";
  return out;
}

}  // namespace

void LabelKeeper::keep(const NodeEntry& node, const Labels& want, UnixTime now) {
  const std::size_t labels = hash_of(want);
  const auto json = label_patch(node, want);
  if (!json) {
    written_.insert_or_assign(hash_of_uid(node.uid()), Written{labels, now, true});
    return;
  }
  const std::vector<std::string> by_others = foreign(*node.labels, want, stood(node, labels, now));
  patch(node.name, *json);
  written_.insert_or_assign(hash_of_uid(node.uid()), Written{labels, now, false});
  if (!by_others.empty()) report(node, joined(by_others), now);
}

// Whether `labels` are what we wrote last, and the Node has had the time to show it.
bool LabelKeeper::stood(const NodeEntry& node, std::size_t labels, UnixTime now) const {
  const auto found = written_.find(hash_of_uid(node.uid()));
  if (found == written_.end()) return false;
  const Written& last = found->second;
  return last.labels == labels && (last.seen || now - last.at >= kSettled);
}

void LabelKeeper::patch(const std::string& name, const std::string& json) {
  const std::string path = "/api/v1/nodes/" + name;
  try {
    api_.merge_patch(path, json);
  } catch (const kube::ApiError& e) {
    if (e.status() != 409) throw;
    api_.merge_patch(path, json);
  }
}

void LabelKeeper::report(const NodeEntry& node, const std::string& what, UnixTime now) {
  ++repairs_;
  const std::string note =
      "labels that only nodeproof writes were changed by somebody else and are put right: " + what +
      "; remedy: see that ValidatingAdmissionPolicy nodeproof-nodes is in force, and in the API server's "
      "audit log who patched the Node";
  const wire::Event event{
      {"Node", "", node.name, node.uid()}, true, "LabelsPutRight", note, "labels/" + to_rfc3339(now)};
  if (events_.offer(event, now, std::chrono::steady_clock::now()) == EventLimiter::Verdict::kWrite) {
    kube::log_event(spdlog::level::warn, "node " + node.name + ": " + note,
                    {{"event", "labels-put-right"}, {"node", node.name}});
  }
}

void LabelKeeper::keep_only(std::span<const std::size_t> uids) {
  std::erase_if(written_, [uids](const auto& item) {
    return !std::binary_search(uids.begin(), uids.end(), item.first);
  });
}

}  // namespace nodeproof::webhook
