#include "webhook/break_glass.hpp"

#include <cpprest/json.h>
#include <spdlog/spdlog.h>

#include "wire/event.hpp"

namespace nodeproof::webhook {
namespace {

// Refused with 409 when somebody changed the namespace meanwhile, such as its end.
std::string closing_patch(const BreakGlass& opened) {
  using web::json::value;
  value patch = value::object();
  patch["metadata"]["uid"] = value::string(opened.uid);
  patch["metadata"]["resourceVersion"] = value::string(opened.resource_version);
  patch["metadata"]["labels"][std::string(wire::kBreakGlassLabel)] = value::null();
  patch["metadata"]["annotations"][std::string(wire::kBreakGlassUntilAnnotation)] = value::null();
  return patch.serialize();
}

bool same_occasion(const BreakGlass& a, const BreakGlass& b) {
  return a.uid == b.uid && a.reason == b.reason && a.until == b.until;
}

}  // namespace

std::optional<std::string> ended(const BreakGlass& opened, UnixTime now) {
  if (opened.until.empty()) return "it has no end";
  const auto until = parse_rfc3339(opened.until, wire::kBreakGlassUntilAnnotation);
  if (!until) return "its end cannot be read: " + to_string(until.error());
  if (*until <= now) return "its end, " + opened.until + ", has come";
  return std::nullopt;
}

void BreakGlassKeeper::pass(const NamespaceMap& namespaces, UnixTime now,
                            const std::function<bool()>& leading) {
  std::erase_if(told_, [&](const auto& item) {
    const auto found = namespaces.find(item.first);
    return found == namespaces.end() || !found->second.break_glass;
  });
  failures_.begin();
  for (const auto& item : namespaces) {
    if (!item.second.break_glass) continue;
    if (!leading()) return;
    const std::string& name = item.first;
    const BreakGlass& opened = *item.second.break_glass;
    attempt(name, [&] { tell(name, opened, now); });
    if (const auto why = ended(opened, now)) attempt(name, [&] { close(name, opened, *why, now); });
  }
  failures_.end();
}

// A conflict is left to the next pass, which sees what changed.
void BreakGlassKeeper::attempt(const std::string& name, const std::function<void()>& call) {
  try {
    call();
  } catch (const kube::ApiError& e) {
    if (e.status() != 409) failures_.add("namespace " + name, e.what());
  }
}

// False when it was told already, by whichever replica.
bool BreakGlassKeeper::report(const std::string& name, const BreakGlass& opened, const std::string& reason,
                              const std::string& note, UnixTime now) {
  const wire::Event event{
      {"Namespace", "", name, opened.uid}, true, reason, note, opened.reason + '/' + opened.until};
  try {
    api_.create(wire::event_path(event), wire::to_json(event, now));
  } catch (const kube::ApiError& e) {
    if (e.status() != 409) throw;
    return false;
  }
  return true;
}

void BreakGlassKeeper::tell(const std::string& name, const BreakGlass& opened, UnixTime now) {
  const auto told = told_.find(name);
  if (told != told_.end() && same_occasion(told->second, opened)) return;
  const std::string note = "break-glass (" + opened.reason + ") takes namespace " + name +
                           " out of the gate until " + (opened.until.empty() ? "?" : opened.until) +
                           ": sensitive pods are placed there without proof";
  if (report(name, opened, "BreakGlassOpened", note, now)) {
    spdlog::error("ALERT: {}", note);
    ++opened_;
  }
  told_.insert_or_assign(name, opened);
}

void BreakGlassKeeper::close(const std::string& name, const BreakGlass& opened, const std::string& why,
                             UnixTime now) {
  api_.merge_patch("/api/v1/namespaces/" + name, closing_patch(opened));
  ++closed_;
  const std::string note =
      "break-glass (" + opened.reason + ") of namespace " + name + " was ended, because " + why;
  spdlog::warn("{}", note);
  report(name, opened, "BreakGlassEnded", note, now);
}

}  // namespace nodeproof::webhook
