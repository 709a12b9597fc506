// Where the API server has our kinds (DESIGN 4).
#pragma once

#include <string>
#include <string_view>

namespace nodeproof::wire {

inline constexpr const char* kOwnApiVersion = "nodeproof.dev/v1alpha1";
inline constexpr const char* kOwnGroupPath = "/apis/nodeproof.dev/v1alpha1";
inline constexpr const char* kAttestationPoliciesPath = "/apis/nodeproof.dev/v1alpha1/attestationpolicies";
inline constexpr const char* kNodeAttestationsPath = "/apis/nodeproof.dev/v1alpha1/nodeattestations";
inline constexpr const char* kNodeEvidencesPath = "/apis/nodeproof.dev/v1alpha1/nodeevidences";
inline constexpr const char* kNodeInventoriesPath = "/apis/nodeproof.dev/v1alpha1/nodeinventories";
inline constexpr const char* kNodeQuotesPath = "/apis/nodeproof.dev/v1alpha1/nodequotes";

// The path of one object. `collection`: one of the paths above.
inline std::string object_path(std::string_view collection, std::string_view name) {
  return std::string(collection).append("/").append(name);
}

}  // namespace nodeproof::wire
