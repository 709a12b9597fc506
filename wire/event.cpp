#include "wire/event.hpp"

#include <cpprest/json.h>

#include "attest/crypto.hpp"
#include "wire/json_writer.hpp"

namespace nodeproof::wire {
namespace {

using web::json::value;

constexpr std::size_t kMaxNote = 1024;  // bytes, of an Event's message
constexpr std::size_t kMaxObjectInName = 200;
constexpr std::size_t kOccasionDigits = 16;

const std::string& namespace_of(const Event& event) {
  static const std::string of_cluster_scoped = "default";
  return event.about.ns.empty() ? of_cluster_scoped : event.about.ns;
}

// A cut must not leave the dot alone that no part of a name may end with.
std::string name_of(const Event& event) {
  std::string object = event.about.name.substr(0, kMaxObjectInName);
  while (!object.empty() && (object.back() == '.' || object.back() == '-')) object.pop_back();
  const std::string all = event.about.uid + '/' + event.reason + '/' + event.occasion;
  return object + '.' + to_hex(attest::sha256(as_bytes(all))).substr(0, kOccasionDigits);
}

value to_value(const InvolvedObject& object) {
  value out = value::object();
  out["apiVersion"] = json_text(object.api_version);
  out["kind"] = json_text(object.kind);
  if (!object.ns.empty()) out["namespace"] = json_text(object.ns);
  out["name"] = json_text(object.name);
  if (!object.uid.empty()) out["uid"] = json_text(object.uid);
  return out;
}

}  // namespace

std::string event_path(const Event& event) {
  return "/api/v1/namespaces/" + namespace_of(event) + "/events";
}

std::string to_json(const Event& event, UnixTime now) {
  value out = value::object();
  out["apiVersion"] = json_text("v1");
  out["kind"] = json_text("Event");
  out["metadata"]["name"] = json_text(name_of(event));
  out["metadata"]["namespace"] = json_text(namespace_of(event));
  out["involvedObject"] = to_value(event.about);
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
