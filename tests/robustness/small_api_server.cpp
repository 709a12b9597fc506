#include "tests/robustness/small_api_server.hpp"

#include <cpprest/json.h>

#include "base/clock.hpp"
#include "tests/support/api_answers.hpp"
#include "tests/support/http_date.hpp"

namespace nodeproof::test {
namespace {

using std::chrono::milliseconds;
using web::json::value;

constexpr milliseconds kForEver{600'000};
constexpr const char* kPodPath = "/api/v1/namespaces/demo/pods/api";

const char* kNotFound = R"({"kind":"Status","reason":"NotFound","message":"not found","code":404})";
const char* kConflict = R"({"kind":"Status","reason":"Conflict","message":"it was changed","code":409})";

constexpr const char* kNamespace =
    R"({"metadata":{"name":"demo","labels":{"nodeproof.dev/enforce":"annotated-pods"}}})";
constexpr const char* kPolicy =
    R"({"apiVersion":"nodeproof.dev/v1alpha1","kind":"AttestationPolicy","metadata":{"name":"confidential"},)"
    R"("spec":{"enforcementAction":"Deny","maxEvidenceAge":"10m","nodeClass":"Confidential",)"
    R"("nodeIdentity":"SelfReported","akCertificate":"Required"}})";
constexpr const char* kNode =
    R"({"metadata":{"name":"plain-1","uid":"11111111-2222-4333-8444-555555555555"},"status":{"nodeInfo":)"
    R"({"bootID":"aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee","systemUUID":"99999999-8888-4777-8666-555555555555"}}})";

std::string node(int number) {
  std::string uid = "00000000-2222-4333-8444-555555555555";
  const std::string digits = std::to_string(number);
  uid.replace(8 - digits.size(), digits.size(), digits);
  return R"({"metadata":{"name":"more-)" + digits + R"(","uid":")" + uid + R"("},"status":{"nodeInfo":)" +
         R"({"bootID":"aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"}}})";
}

bool is_report(const ScriptedRequest& request) {
  return request.target.find("/nodeattestations") != std::string::npos ||
         request.target.find("/api/v1/nodes/") != std::string::npos;
}

std::string pod() {
  return R"({"metadata":{"name":"api","namespace":"demo","uid":")" + std::string(SmallApiServer::kPodUid) +
         R"(","annotations":{"nodeproof.dev/policy":"confidential"}},"spec":{}})";
}

}  // namespace

SmallApiServer::SmallApiServer()
    : server_([this](const ScriptedRequest& request, ScriptedConnection& to) { answer(request, to); }) {
  const std::scoped_lock lock(mutex_);
  store("/api/v1/namespaces/demo", kNamespace);
  store("/apis/nodeproof.dev/v1alpha1/attestationpolicies/confidential", kPolicy);
  store("/api/v1/nodes/plain-1", kNode);
  store("/api/v1/pods/api", pod());  // as the list of all namespaces has it
  store(kPodPath, pod());
}

void SmallApiServer::answer(const ScriptedRequest& request, ScriptedConnection& to) {
  if (silent_) {
    to.silence(kForEver);  // until the client gives up
    return to.cut();
  }
  if (request.method == "GET") return get(request, to);
  if (is_report(request)) {
    ++reports_;
    to.pause(milliseconds(report_delay_));
  }
  if (request.method == "POST") return post(request, to);
  if (request.method == "PUT") return put(request, to);
  reply(to, 200, "{}");  // patches of labels and status: nobody here reads them
}

void SmallApiServer::get(const ScriptedRequest& request, ScriptedConnection& to) {
  const std::string path = path_of(request);
  if (is_unknown(path)) return reply(to, 404, "404 page not found\n");
  if (is_watch(request)) return watch_quietly(to);
  if (path == kPodPath) to.pause(milliseconds(pod_delay_));
  if (request.target.find("limit=") != std::string::npos) return reply(to, 200, list(path));
  std::string body;
  {
    const std::scoped_lock lock(mutex_);
    if (const auto found = objects_.find(path); found != objects_.end()) body = found->second;
  }
  body.empty() ? reply(to, 404, kNotFound) : reply(to, 200, body);
}

void SmallApiServer::post(const ScriptedRequest& request, ScriptedConnection& to) {
  const std::string name = value::parse(request.body).at("metadata").at("name").as_string();
  const std::string path = path_of(request) + "/" + name;
  bool created = false;
  {
    const std::scoped_lock lock(mutex_);
    created = !objects_.contains(path);
    if (created) store(path, request.body);
  }
  created ? reply(to, 201, request.body) : reply(to, 409, kConflict);
}

void SmallApiServer::put(const ScriptedRequest& request, ScriptedConnection& to) {
  const std::string path = path_of(request);
  const auto version_of = [](const std::string& json) {
    return value::parse(json).at("metadata").at("resourceVersion").as_string();
  };
  int status = 404;
  {
    const std::scoped_lock lock(mutex_);
    const auto found = objects_.find(path);
    if (found != objects_.end()) {
      status = version_of(found->second) == version_of(request.body) ? 200 : 409;
      if (status == 200) store(path, request.body);
    }
  }
  reply(to, status, status == 200 ? request.body : status == 404 ? kNotFound : kConflict);
}

void SmallApiServer::add_nodes(int count) {
  const std::scoped_lock lock(mutex_);
  for (int i = 1; i <= count; ++i) store("/api/v1/nodes/more-" + std::to_string(i), node(i));
}

void SmallApiServer::set_unknown(const std::string& resource) {
  const std::scoped_lock lock(mutex_);
  unknown_ = resource;
}

bool SmallApiServer::is_unknown(const std::string& path) const {
  const std::scoped_lock lock(mutex_);
  return !unknown_.empty() && path.ends_with("/" + unknown_);
}

void SmallApiServer::reply(ScriptedConnection& to, int status, const std::string& body) const {
  const UnixTime now = SystemClock().now() + Seconds(shift_);
  to.reply(status, body, {date_header(now)});
}

void SmallApiServer::add(const std::string& path, const std::string& json) {
  const std::scoped_lock lock(mutex_);
  store(path, json);
}

// With the lock held. An object keeps the time at which it was created.
void SmallApiServer::store(const std::string& path, const std::string& json) {
  value object = value::parse(json);
  const auto before = objects_.find(path);
  object["metadata"]["creationTimestamp"] =
      before == objects_.end() ? value::string(to_rfc3339(SystemClock().now()))
                               : value::parse(before->second).at("metadata").at("creationTimestamp");
  object["metadata"]["resourceVersion"] = value::string(std::to_string(++version_));
  objects_[path] = object.serialize();
}

std::string SmallApiServer::list(const std::string& collection) const {
  const std::scoped_lock lock(mutex_);
  std::string items;
  const std::string prefix = collection + "/";
  for (const auto& [path, json] : objects_) {
    if (!path.starts_with(prefix) || path.find('/', prefix.size()) != std::string::npos) continue;
    items += (items.empty() ? "" : ",") + json;
  }
  return list_json(items, version_);
}

}  // namespace nodeproof::test
