#include "webhook/epoch_keeper.hpp"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <spdlog/spdlog.h>

#include <stdexcept>

#include "webhook/api_object.hpp"

namespace nodeproof::webhook {
namespace {

constexpr std::size_t kKidBytes = 8;  // 16 hex digits

Result<std::string> resource_version(const attest::JsonValue& object) {
  NODEPROOF_TRY(meta, wire::parse_metadata(object));
  return std::move(meta.resource_version);
}

// Whether it was made with our key: nobody else can have published it.
bool is_ours(const wire::PublishedEpoch& published, GenerationView generations) {
  const wire::EpochKeyGeneration* generation = find_generation(generations, published.epoch.kid);
  if (generation == nullptr) return false;
  const attest::Nonce nonce = attest::epoch_nonce(generation->key, published.epoch.number);
  return CRYPTO_memcmp(nonce.data(), published.nonce.data(), nonce.size()) == 0;
}

// An epoch of ours that is still to come was published by a leader whose clock ran ahead. Whoever saw it
// could sign quotes that look fresh for as long as it ran ahead, were its generation to go on.
std::optional<Generations> without_leaked_by(const Result<wire::PublishedEpoch>& published,
                                             const Generations& have, std::uint64_t now) {
  if (!published || !is_ours(*published, have)) return std::nullopt;
  auto out = without_leaked(have, published->epoch, now);
  if (out) {
    spdlog::error(
        "ALERT: epoch {} was published although {} is current: a replica led with a clock that is ahead. The "
        "key generation {} ends before its nonces that became known",
        published->epoch.number, now, published->epoch.kid);
  }
  return out;
}

}  // namespace

KeySource random_keys() {
  return [] {
    wire::EpochKeyGeneration out;
    ByteArray<kKidBytes> kid{};
    if (RAND_bytes(kid.data(), static_cast<int>(kid.size())) != 1 ||
        RAND_priv_bytes(out.key.data(), static_cast<int>(out.key.size())) != 1) {
      throw std::runtime_error("no random numbers for an epoch key");
    }
    out.kid = to_hex(kid);
    return out;
  };
}

Publication plan_publication(const Result<wire::PublishedEpoch>* published, GenerationView generations,
                             const attest::Epoch& wanted) {
  if (published == nullptr) return Publication::kCreate;
  if (!*published) return Publication::kRewrite;
  const wire::PublishedEpoch& have = **published;
  if (!is_ours(have, generations)) return Publication::kRewrite;
  const bool counts = nonce_of(generations, have.epoch).has_value();
  return !counts || have.epoch.number < wanted.number ? Publication::kRaise : Publication::kLeave;
}

EpochKeeper::EpochKeeper(ClusterApi& api, std::string ns, Seconds epoch_length, Seconds max_report_age,
                         KeySource keys)
    : api_(api),
      ns_(std::move(ns)),
      epoch_length_(epoch_length),
      times_(rotation_times(epoch_length, max_report_age)),
      keys_(std::move(keys)) {}

void EpochKeeper::step(UnixTime now) {
  const std::uint64_t epoch = attest::epoch_at(now, epoch_length_);
  const Standing standing = read_published();
  const Generations generations = keep_generations(epoch, standing);
  const wire::EpochKeyGeneration& current = *generation_for(generations, epoch);
  generation_end_ = to_unix(attest::epoch_start(current.last + 1, epoch_length_));
  publish(generations, {current.kid, epoch}, standing);
}

EpochKeeper::Standing EpochKeeper::read_published() {
  Standing out;
  const auto body =
      api_.get_if_exists("/api/v1/namespaces/" + ns_ + "/configmaps/" + std::string(wire::kEpochConfigMap));
  if (!body) return out;
  const attest::JsonDocument document = parse_object(*body, wire::kEpochConfigMap);
  out.published = wire::parse_epoch_config_map(document.root());
  out.version = or_throw(resource_version(document.root()));
  return out;
}

// A Secret that cannot be read is left alone: a newer version may have written it.
Generations EpochKeeper::keep_generations(std::uint64_t epoch, const Standing& standing) {
  const std::string collection = "/api/v1/namespaces/" + ns_ + "/secrets";
  const std::string path = collection + "/" + std::string(wire::kEpochSecret);
  const auto body = api_.get_if_exists(path);
  Generations have;
  std::string version;
  if (body) {
    const attest::JsonDocument document = parse_object(*body, wire::kEpochSecret);
    auto parsed = wire::parse_epoch_secret(document.root());
    if (!parsed) {
      throw std::runtime_error("the Secret " + std::string(wire::kEpochSecret) + " cannot be read (" +
                               to_string(parsed.error()) + "); delete it to have it made anew");
    }
    have = *std::move(parsed);
    version = or_throw(resource_version(document.root()));
  }
  auto ended = standing.published ? without_leaked_by(*standing.published, have, epoch) : std::nullopt;
  auto next = rotated(ended ? *ended : have, epoch, times_, keys_);
  if (!next) next = std::move(ended);
  if (!next) return have;
  const std::string json = wire::epoch_secret(*next, ns_, version);
  body ? api_.replace(path, json) : api_.create(collection, json);
  spdlog::info("the newest generation of the epoch key is {}, of {}", next->back().kid, next->size());
  return *std::move(next);
}

void EpochKeeper::publish(const Generations& generations, const attest::Epoch& epoch,
                          const Standing& standing) {
  const std::string collection = "/api/v1/namespaces/" + ns_ + "/configmaps";
  const std::string path = collection + "/" + std::string(wire::kEpochConfigMap);
  const Publication plan =
      plan_publication(standing.published ? &*standing.published : nullptr, generations, epoch);
  if (plan == Publication::kLeave) return;
  if (plan == Publication::kRewrite) {
    ++foreign_values_;
    spdlog::error(
        "ALERT: the ConfigMap {} holds a value that was not written with our key; it is rewritten. See who "
        "may write it",
        wire::kEpochConfigMap);
  }
  wire::PublishedEpoch next;
  next.epoch = epoch;
  next.nonce = nonce_of(generations, epoch).value();
  next.resource_version = standing.version;
  const std::string json = wire::epoch_config_map(next, ns_);
  plan == Publication::kCreate ? api_.create(collection, json) : api_.replace(path, json);
}

}  // namespace nodeproof::webhook
