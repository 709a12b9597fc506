#include "wire/brake.hpp"

#include <cpprest/json.h>

#include "attest/strict_json.hpp"
#include "wire/json_writer.hpp"

namespace nodeproof::wire {
namespace {

using attest::JsonDocument;
using attest::JsonValue;
using web::json::value;

constexpr std::size_t kMaxLedger = std::size_t{1} << 20U;  // bytes: what a ConfigMap holds

// A member of `data` that is the text of a JSON object, whose members go to `keep`.
template <typename Keep>
Status read_ledger(const JsonValue& data, std::string_view key, Keep keep) {
  NODEPROOF_TRY(member, data.required(key));
  NODEPROOF_TRY(text, member.string());
  NODEPROOF_TRY(document, JsonDocument::parse(as_bytes(text), kMaxLedger, member.path()));
  NODEPROOF_TRY(members, document.root().members());
  for (const JsonValue::Member& item : members) NODEPROOF_CHECK(keep(item));
  return Ok{};
}

Result<UnixTime> time_of(const JsonValue& member) {
  NODEPROOF_TRY(text, member.string());
  return parse_rfc3339(text, member.path());
}

}  // namespace

Result<BrakeState> parse_brake_config_map(const JsonValue& object) {
  BrakeState out;
  NODEPROOF_TRY(meta, parse_metadata(object));
  out.resource_version = std::move(meta.resource_version);
  NODEPROOF_TRY(data, object.required("data"));
  NODEPROOF_CHECK(data.only({"engagedAt", "reason", "nodes", "evictions"}));
  NODEPROOF_TRY(engaged, data.required("engagedAt"));
  NODEPROOF_TRY(engaged_text, engaged.string());
  if (!engaged_text.empty()) {
    NODEPROOF_TRY(since, parse_rfc3339(engaged_text, engaged.path()));
    out.engaged = since;
  }
  NODEPROOF_TRY(reason_member, data.required("reason"));
  NODEPROOF_TRY(reason, reason_member.text());
  out.reason = std::move(reason);
  NODEPROOF_CHECK(read_ledger(data, "nodes", [&out](const JsonValue::Member& item) -> Status {
    NODEPROOF_TRY(at, time_of(item.value));
    out.nodes.emplace(item.key, at);
    return Ok{};
  }));
  NODEPROOF_CHECK(read_ledger(data, "evictions", [&out](const JsonValue::Member& item) -> Status {
    NODEPROOF_TRY(at, parse_rfc3339(item.key, item.value.path()));
    NODEPROOF_TRY(count, item.value.unsigned_integer());
    out.evictions.emplace(at, count);
    return Ok{};
  }));
  return out;
}

std::string brake_config_map(const BrakeState& state, std::string_view ns) {
  value nodes = value::object();
  for (const auto& [uid, at] : state.nodes) nodes[uid] = json_text(to_rfc3339(at));
  value evictions = value::object();
  for (const auto& [minute, count] : state.evictions) evictions[to_rfc3339(minute)] = value::number(count);
  value object = core_object("ConfigMap", kBrakeConfigMap, ns, state.resource_version);
  object["data"]["engagedAt"] = json_text(state.engaged ? to_rfc3339(*state.engaged) : std::string());
  object["data"]["reason"] = json_text(state.reason);
  object["data"]["nodes"] = value::string(nodes.serialize());
  object["data"]["evictions"] = value::string(evictions.serialize());
  return object.serialize();
}

Result<UnixTime> creation_time(const JsonValue& object) {
  NODEPROOF_TRY(metadata, object.required("metadata"));
  NODEPROOF_TRY(created, metadata.required("creationTimestamp"));
  return time_of(created);
}

}  // namespace nodeproof::wire
