// The epoch ConfigMap (kid, n, nonce: public) and the epoch-key Secret (K: the webhook's alone).
#pragma once

#include "attest/challenge.hpp"
#include "wire/objects.hpp"

namespace nodeproof::wire {

inline constexpr std::string_view kEpochConfigMap = "nodeproof-epoch";
inline constexpr std::string_view kEpochSecret = "nodeproof-epoch-key";

struct PublishedEpoch {
  attest::Epoch epoch;
  attest::Nonce nonce{};
  std::string resource_version;
};
// ConfigMap data: kid, epoch (decimal), nonce (64 hex digits). What a leader of a later release adds is
// passed over, so that every agent goes on quoting.
Result<PublishedEpoch> parse_epoch_config_map(const attest::JsonValue& object);
std::string epoch_config_map(const PublishedEpoch& epoch, std::string_view ns);

// One generation of K: nonces count only for epochs in [first, last], and none of one that was revoked.
struct EpochKeyGeneration {
  std::string kid;  // 16 hex digits
  attest::EpochKey key{};
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  bool revoked = false;  // by a person, for good
};
// Secret data: `generations`, a JSON list of {kid, key (base64), first, last, revoked (when true)}; newest
// last.
Result<std::vector<EpochKeyGeneration>> parse_epoch_secret(const attest::JsonValue& object);
std::string epoch_secret(const std::vector<EpochKeyGeneration>& generations, std::string_view ns,
                         std::string_view resource_version);

}  // namespace nodeproof::wire
