#include "webhook/messages.hpp"

#include <algorithm>

#include "wire/utf8.hpp"

namespace nodeproof::webhook {
namespace {

constexpr std::size_t kMaxRemedy = 240;
constexpr std::size_t kMinDetail = 40;

std::string age_clause(const std::optional<Seconds>& age) {
  return age ? "evidence " + to_duration(*age) + " old" : "no verified evidence";
}

// `head`, as much of `detail` as fits, `tail`.
std::string fitted(const std::string& head, std::string_view detail, const std::string& tail,
                   std::size_t limit = kMaxMessage) {
  const std::size_t fixed = head.size() + tail.size();
  const std::size_t room = fixed + kMinDetail < limit ? limit - fixed : kMinDetail;
  return one_line(head + one_line(detail, room) + tail, limit);
}

std::string placement_message(const std::string& verdict, std::string_view policy, const Unmet& unmet) {
  const std::string head =
      verdict + "policy " + std::string(policy) + " is not met because of " + unmet.code + ": ";
  const std::string tail = " (" + age_clause(unmet.age) + "); remedy: " + one_line(unmet.remedy, kMaxRemedy);
  return fitted(head, unmet.detail, tail);
}

}  // namespace

std::string one_line(std::string_view text, std::size_t limit) {
  std::string out = wire::valid_utf8(text, limit);
  std::replace_if(
      out.begin(), out.end(), [](char c) { return (c >= '\0' && c < ' ') || c == '\x7f'; }, ' ');
  return out;
}

std::string pod_name(std::string_view ns, std::string_view name) {
  return std::string(ns) + "/" + std::string(name.empty() ? "(unnamed)" : name);
}

std::string unmet_message(std::string_view pod, std::string_view node, std::string_view policy,
                          const Unmet& unmet) {
  return placement_message(
      "pod " + std::string(pod) + " may not be placed on node " + std::string(node) + ": ", policy, unmet);
}

std::string tolerated_message(std::string_view pod, std::string_view node, std::string_view policy,
                              const Unmet& unmet) {
  return placement_message(
      "pod " + std::string(pod) + " may be placed on node " + std::string(node) + " unproven: ", policy,
      unmet);
}

std::string unproven_message(std::string_view pod, std::string_view node, std::string_view policy,
                             const Unmet& unmet) {
  return placement_message(
      "pod " + std::string(pod) + " runs on node " + std::string(node) + " unproven: ", policy, unmet);
}

std::string refusal_message(std::string_view pod, std::string_view what, std::string_view remedy) {
  return fitted("pod " + std::string(pod) + ": ", what, "; remedy: " + one_line(remedy, kMaxRemedy));
}

std::string template_warning(std::string_view owner, std::string_view what, std::string_view remedy) {
  return fitted("nodeproof: " + std::string(owner) + ": ", what, "; remedy: " + one_line(remedy, kMaxRemedy),
                kMaxWarning);
}

std::string unmet_warning(std::string_view node, std::string_view policy, const Unmet& unmet) {
  return "nodeproof: policy " + std::string(policy) + " is not met by node " + std::string(node) +
         " because of " + unmet.code;
}

std::string no_node_warning(std::string_view policy) {
  return "nodeproof: no node meets policy " + std::string(policy) + " now; the pod will wait for one";
}

}  // namespace nodeproof::webhook
