#include "wire/node_event.hpp"

#include <cpprest/json.h>

#include "attest/crypto.hpp"
#include "wire/json_writer.hpp"

namespace nodeproof::wire {
namespace {

using web::json::value;

constexpr std::size_t kMaxNote = 1024;  // bytes, of an Event's message
constexpr std::size_t kMaxNodeInName = 200;
constexpr std::size_t kOccasionDigits = 16;

std::string name_of(const NodeEvent& event) {
  const std::string all = event.node_uid + '/' + event.reason + '/' + event.occasion;
  return event.node.substr(0, kMaxNodeInName) + '.' +
         to_hex(attest::sha256(as_bytes(all))).substr(0, kOccasionDigits);
}

}  // namespace

std::string to_json(const NodeEvent& event, UnixTime now) {
  value out = value::object();
  out["apiVersion"] = json_text("v1");
  out["kind"] = json_text("Event");
  out["metadata"]["name"] = json_text(name_of(event));
  out["metadata"]["namespace"] = json_text("default");
  out["involvedObject"]["apiVersion"] = json_text("v1");
  out["involvedObject"]["kind"] = json_text(event.kind);
  out["involvedObject"]["name"] = json_text(event.node);
  out["involvedObject"]["uid"] = json_text(event.node_uid);
  out["type"] = json_text(event.warning ? "Warning" : "Normal");
  out["reason"] = json_text(event.reason);
  out["message"] = json_text(event.note, kMaxNote);
  out["source"]["component"] = json_text("nodeproof-webhook");
  out["firstTimestamp"] = json_text(to_rfc3339(now));
  out["lastTimestamp"] = json_text(to_rfc3339(now));
  out["count"] = value::number(1);
  return out.serialize();
}

}  // namespace nodeproof::wire
