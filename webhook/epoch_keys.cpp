#include "webhook/epoch_keys.hpp"

#include <algorithm>

namespace nodeproof::webhook {
namespace {

using wire::EpochKeyGeneration;

bool contains(const EpochKeyGeneration& generation, std::uint64_t epoch) {
  return generation.first <= epoch && epoch <= generation.last;
}

EpochKeyGeneration make_from(std::uint64_t first, const RotationTimes& times, const KeySource& make) {
  EpochKeyGeneration generation = make();
  generation.first = first;
  generation.last = first + times.window - 1;
  return generation;
}

std::uint64_t epochs_in(Seconds time, Seconds epoch_length) {
  return static_cast<std::uint64_t>(std::max<Seconds::rep>(1, time / epoch_length));
}

}  // namespace

const EpochKeyGeneration* find_generation(GenerationView generations, std::string_view kid) {
  const auto found = std::find_if(generations.begin(), generations.end(),
                                  [kid](const EpochKeyGeneration& item) { return item.kid == kid; });
  return found == generations.end() ? nullptr : &*found;
}

const EpochKeyGeneration* generation_for(GenerationView generations, std::uint64_t epoch) {
  const auto found = std::find_if(
      generations.rbegin(), generations.rend(),
      [epoch](const EpochKeyGeneration& item) { return !item.revoked && contains(item, epoch); });
  return found == generations.rend() ? nullptr : &*found;
}

std::optional<attest::Nonce> nonce_of(GenerationView generations, const attest::Epoch& epoch) {
  const EpochKeyGeneration* generation = find_generation(generations, epoch.kid);
  if (generation == nullptr || generation->revoked || !contains(*generation, epoch.number))
    return std::nullopt;
  return attest::epoch_nonce(generation->key, epoch.number);
}

bool is_revoked(GenerationView generations, std::string_view kid) {
  const EpochKeyGeneration* generation = find_generation(generations, kid);
  return generation != nullptr && generation->revoked;
}

std::optional<Generations> with_revoked(const Generations& have, std::string_view kid) {
  const EpochKeyGeneration* found = find_generation(have, kid);
  if (found == nullptr || found->revoked) return std::nullopt;
  Generations out = have;
  out[static_cast<std::size_t>(found - have.data())].revoked = true;
  return out;
}

// The epoch of now and the next count on: agents may have quoted them honestly, and they are no secret.
std::optional<Generations> without_leaked(const Generations& have, const attest::Epoch& seen,
                                          std::uint64_t now) {
  if (seen.number <= now + 1) return std::nullopt;
  const EpochKeyGeneration* found = find_generation(have, seen.kid);
  if (found == nullptr || found->last <= now + 1) return std::nullopt;
  Generations out = have;
  EpochKeyGeneration& ended = out[static_cast<std::size_t>(found - have.data())];
  ended.revoked = ended.first > now + 1;
  if (!ended.revoked) ended.last = now + 1;
  return out;
}

RotationTimes rotation_times(Seconds epoch_length, Seconds max_report_age) {
  RotationTimes times;
  times.window = epochs_in(kGenerationTime, epoch_length);
  times.lead = std::max<std::uint64_t>(1, times.window / 12);
  times.keep = epochs_in(max_report_age, epoch_length);
  return times;
}

std::optional<Generations> rotated(const Generations& have, std::uint64_t now, const RotationTimes& times,
                                   const KeySource& make) {
  Generations out;
  std::copy_if(have.begin(), have.end(), std::back_inserter(out),
               [&](const EpochKeyGeneration& item) { return item.last + times.keep >= now; });
  bool changed = out.size() != have.size();
  if (generation_for(out, now) == nullptr) {
    out.push_back(make_from(now, times, make));
    changed = true;
  }
  const std::uint64_t end = generation_for(out, now)->last;
  if (end < now + times.lead && generation_for(out, end + 1) == nullptr) {
    out.push_back(make_from(end + 1, times, make));
    changed = true;
  }
  if (!changed) return std::nullopt;
  return out;
}

}  // namespace nodeproof::webhook
