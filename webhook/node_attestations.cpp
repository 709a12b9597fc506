#include "webhook/node_attestations.hpp"

#include <spdlog/spdlog.h>

namespace nodeproof::webhook {

std::size_t hash_of_uid(std::string_view uid) {
  return std::hash<std::string_view>()(uid);
}

kube::WatchHandler NodeAttestations::handler() {
  return objects_.handler([this](const attest::JsonValue& object) { return read(object); });
}

KeptAttestation NodeAttestations::read(const attest::JsonValue& object) {
  KeptAttestation out;
  auto told = wire::parse_node_attestation(object);
  if (!told) return out;
  out.node = hash_of_uid(told->node_uid);
  out.status = KeptStatus(std::move(told->phase), std::move(told->code), std::move(told->conditions), words_);
  auto mark = wire::parse_stored_mark(object);
  if (!mark) {
    spdlog::warn("what NodeAttestation {} remembers cannot be read: {}", told->name, to_string(mark.error()));
  } else if (mark->counters) {
    out.counters = std::make_shared<const wire::CounterMark>(*std::move(mark->counters));
  }
  // One that cannot be read is written anew.
  auto offer = wire::parse_activation_offer(object, told->node_uid);
  if (offer && *offer)
    out.offer = std::make_shared<const OfferedTo>(OfferedTo{(*offer)->kid, (*offer)->ak, (*offer)->ek});
  return out;
}

std::shared_ptr<const wire::CounterMark> NodeAttestations::counters_of(const std::string& node,
                                                                       std::string_view uid) const {
  const auto found = find(node);
  return found && found->node == hash_of_uid(uid) ? found->counters : nullptr;
}

void NodeAttestations::note_status_written(const std::string& node) {
  objects_.change(node, [](KeptAttestation& object) { object.since_written = false; });
}

void NodeAttestations::note_offer_written(const std::string& node, OfferedTo to) {
  objects_.change(node, [&to](KeptAttestation& object) {
    object.offer = std::make_shared<const OfferedTo>(std::move(to));
  });
}

}  // namespace nodeproof::webhook
