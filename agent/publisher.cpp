#include "agent/publisher.hpp"

#include "wire/own_api.hpp"

namespace nodeproof::agent {
namespace {

constexpr std::string_view kStored = "stored object";

// Of an object as the API server gave it. An unreadable one cannot be replaced safely.
std::string version_of(const std::string& body) {
  const auto meta = parse_object(body, kStored, wire::parse_metadata);
  if (!meta) throw kube::ApiError(0, "Unreadable", "the API server's answer: " + to_string(meta.error()));
  return meta->resource_version;
}

// Somebody was faster, or the object went between our two requests. A create that finds no such
// resource is no race: the CRD is missing.
bool is_race(const kube::ApiError& error, bool creating) {
  return error.status() == 409 || (error.status() == 404 && !creating);
}

bool same_but_for_date(wire::NodeEvidence a, wire::NodeEvidence b) {
  for (wire::NodeEvidence* evidence : {&a, &b}) {
    evidence->resource_version.clear();
    evidence->collected_at.clear();
  }
  return to_json(a) == to_json(b);
}

// Creates when `version` is empty, replaces otherwise; gives the new resourceVersion.
template <typename T>
std::string write(ObjectApi& api, std::string_view collection, T object, const std::string& version) {
  object.resource_version = version;
  const std::string json = to_json(object);
  return version_of(version.empty() ? api.create(std::string(collection), json)
                                    : api.replace(wire::object_path(collection, object.name), json));
}

}  // namespace

bool Publisher::publish(const wire::NodeEvidence& evidence) {
  for (int tries = 1;; ++tries) {
    const auto stored = api_.get_if_exists(wire::object_path(wire::kNodeEvidencesPath, evidence.name));
    if (stored) {
      const auto parsed = parse_object(*stored, kStored, wire::parse_node_evidence);
      if (parsed && same_but_for_date(*parsed, evidence)) return false;
    }
    try {
      write(api_, wire::kNodeEvidencesPath, evidence, stored ? version_of(*stored) : "");
      return true;
    } catch (const kube::ApiError& e) {
      if (!is_race(e, !stored) || tries == kTries) throw;
    }
  }
}

void Publisher::publish(const wire::NodeQuote& quote) {
  for (int tries = 1;; ++tries) {
    if (quote_version_.empty()) {
      const auto stored = api_.get_if_exists(wire::object_path(wire::kNodeQuotesPath, quote.name));
      if (stored) quote_version_ = version_of(*stored);
    }
    const bool creating = quote_version_.empty();
    try {
      quote_version_ = write(api_, wire::kNodeQuotesPath, quote, quote_version_);
      return;
    } catch (const kube::ApiError& e) {
      quote_version_.clear();
      if (!is_race(e, creating) || tries == kTries) throw;
    }
  }
}

}  // namespace nodeproof::agent
