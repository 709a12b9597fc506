// Generations of the epoch key K (DESIGN 3.1): which one an epoch belongs to, and when the next one
// is made. Pure.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "wire/epoch.hpp"

namespace nodeproof::webhook {

using Generations = std::vector<wire::EpochKeyGeneration>;
using GenerationView = std::span<const wire::EpochKeyGeneration>;

// The generation with this kid, or null.
const wire::EpochKeyGeneration* find_generation(GenerationView generations, std::string_view kid);
// The newest generation whose window holds `epoch` and that is not revoked, or null.
const wire::EpochKeyGeneration* generation_for(GenerationView generations, std::uint64_t epoch);
// nonce(n) of a known generation inside its own window, while it is not revoked; nothing otherwise.
std::optional<attest::Nonce> nonce_of(GenerationView generations, const attest::Epoch& epoch);

// Whether the generation with this kid is known and revoked: nothing that rests on its nonces counts any
// more.
bool is_revoked(GenerationView generations, std::string_view kid);
// `have` with the generation `kid` revoked; nothing when there is none, or it was revoked before.
std::optional<Generations> with_revoked(const Generations& have, std::string_view kid);

// Somebody with a clock that runs ahead published `seen`: its nonces are known before their time. Gives
// `have` with that generation ended before them; nothing when `seen` is no more than the next epoch after
// `now`.
std::optional<Generations> without_leaked(const Generations& have, const attest::Epoch& seen,
                                          std::uint64_t now);

// All in epochs.
struct RotationTimes {
  std::uint64_t window = 720;  // how long one generation counts: 6 h of 30 s
  std::uint64_t lead = 60;     // the next generation is there so long before it is needed
  std::uint64_t keep = 2880;   // ended generations stay so long: maxReportAge
};
inline constexpr Seconds kGenerationTime = std::chrono::hours(6);
RotationTimes rotation_times(Seconds epoch_length, Seconds max_report_age);

// Gives a kid and key that nobody can foretell.
using KeySource = std::function<wire::EpochKeyGeneration()>;

// What the Secret must hold at epoch `now`: those of `have` that are not too old, one whose window
// holds `now`, and its successor once the end is near. Nothing when `have` is already that.
std::optional<Generations> rotated(const Generations& have, std::uint64_t now, const RotationTimes& times,
                                   const KeySource& make);

}  // namespace nodeproof::webhook
