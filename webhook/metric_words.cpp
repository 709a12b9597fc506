#include "webhook/metric_words.hpp"

#include <algorithm>
#include <array>

namespace nodeproof::webhook {

std::string known_word(const std::string& code) {
  constexpr std::array<std::string_view, 10> kWords{wire::kNoTpm,
                                                    wire::kNoAk,
                                                    wire::kOwnerAuthSet,
                                                    wire::kNoHclReport,
                                                    wire::kNoAkCertificate,
                                                    wire::kEndorsementsUnreachable,
                                                    wire::kTpmError,
                                                    kNoEvidence,
                                                    kNoQuote,
                                                    "verification-error"};
  const auto checks = attest::all_checks();
  const bool is_check =
      std::any_of(checks.begin(), checks.end(), [&](const auto& info) { return info.name == code; });
  const bool is_known = std::find(kWords.begin(), kWords.end(), code) != kWords.end();
  return code.empty() || is_check || is_known ? code : "other";
}

// The reasons of decide() are our own words, but for those that a node's evidence brought along.
std::string known_reason(const AdmissionDecision& decision) {
  constexpr std::array kOwn{"met",
                            "valid",
                            "not-sensitive",
                            "unchanged",
                            "steered",
                            "warned",
                            "mirror-pod",
                            "no-such-pod",
                            "starting",
                            "not-understood",
                            "unknown-policy",
                            "invalid-policy",
                            "no-policy",
                            "unknown-node",
                            "not-verified",
                            "bad-annotation",
                            "namespace-not-enrolled",
                            "binding-keys",
                            "other-pod",
                            "pod-unavailable",
                            "marker-loosened",
                            "bad-enforce-label",
                            "binding-target",
                            "view-too-old",
                            "clock-off"};
  const bool own =
      std::any_of(kOwn.begin(), kOwn.end(), [&](const char* word) { return decision.reason == word; });
  return own ? decision.reason : known_word(decision.reason);
}

}  // namespace nodeproof::webhook
