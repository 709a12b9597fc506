#include "agent/published_endorsements.hpp"

#include <spdlog/spdlog.h>

#include "wire/node_evidence.hpp"
#include "wire/own_api.hpp"

namespace nodeproof::agent {

PublishedEndorsements::PublishedEndorsements(EndorsementSource& first, ObjectApi& api, std::string node_name)
    : first_(first), api_(api), node_name_(std::move(node_name)) {}

std::vector<Bytes> PublishedEndorsements::endorsements(const EndorsementKey& key,
                                                       const std::stop_token& stop) {
  try {
    return first_.endorsements(key, stop);
  } catch (const EndorsementError& error) {
    if (stop.stop_requested()) throw;
    auto before = published(key);
    if (!before) throw;
    spdlog::warn("the endorsements that were published before are used again: {}", error.what());
    return *std::move(before);
  }
}

std::optional<std::vector<Bytes>> PublishedEndorsements::published(const EndorsementKey& key) const {
  try {
    const auto body = api_.get_if_exists(wire::object_path(wire::kNodeEvidencesPath, node_name_));
    if (!body) return std::nullopt;
    auto evidence = parse_object(*body, "published evidence", wire::parse_node_evidence);
    if (!evidence || !check_belongs(evidence->certificates, key)) return std::nullopt;
    return std::move(evidence->certificates);
  } catch (const kube::ApiError&) {
    return std::nullopt;  // what the first source said is what to tell
  }
}

}  // namespace nodeproof::agent
