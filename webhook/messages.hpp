// Sentences that users meet: in kubectl, in FailedScheduling events, in warnings. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"

namespace nodeproof::webhook {

// The scheduler's own prefix takes the rest of an event's 1,024 bytes (kubernetes 1.6).
inline constexpr std::size_t kMaxMessage = 880;

// Why one policy is not met by one node.
struct Unmet {
  std::string code;    // the check, or what stands in for it
  std::string detail;  // one clause; may come from a node, so it is cut first
  std::string remedy;
  std::optional<Seconds> age;  // of the node's verified evidence; nothing when there is none
};

// At most `limit` bytes of well-formed UTF-8 without control characters: texts of nodes and users must
// not break an event or a log.
std::string one_line(std::string_view text, std::size_t limit);

// "demo/api"
std::string pod_name(std::string_view ns, std::string_view name);

// One sentence with pod, node, policy, finding, age and remedy; at most kMaxMessage bytes of UTF-8
// without control characters. The remedy survives a long detail.
std::string unmet_message(std::string_view pod, std::string_view node, std::string_view policy,
                          const Unmet& unmet);

// The same of a placement that the policy lets pass.
std::string tolerated_message(std::string_view pod, std::string_view node, std::string_view policy,
                              const Unmet& unmet);

// The same of a pod that runs where its policy is not met any more.
std::string unproven_message(std::string_view pod, std::string_view node, std::string_view policy,
                             const Unmet& unmet);

// "pod P: WHAT; remedy: REMEDY", with the same limit.
std::string refusal_message(std::string_view pod, std::string_view what, std::string_view remedy);

// The API server may cut longer ones.
inline constexpr std::size_t kMaxWarning = 256;
// "nodeproof: OWNER: WHAT; remedy: REMEDY" of what makes pods, such as "Deployment demo/web"; at most
// kMaxWarning bytes.
std::string template_warning(std::string_view owner, std::string_view what, std::string_view remedy);
// For Warn policies and pods that nothing can take now; fits a warning.
std::string unmet_warning(std::string_view node, std::string_view policy, const Unmet& unmet);
std::string no_node_warning(std::string_view policy);

}  // namespace nodeproof::webhook
