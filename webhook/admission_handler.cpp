#include "webhook/admission_handler.hpp"

#include <spdlog/spdlog.h>

#include "webhook/messages.hpp"

namespace nodeproof::webhook {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t kMaxLogged = 256;  // of a name that a user chose

HttpResponse refused(unsigned status, std::string text) {
  return {status, "text/plain; charset=utf-8", std::move(text) + "\n"};
}

void log_decision(const wire::AdmissionRequest& review, const AdmissionDecision& decision) {
  if (decision.allowed && decision.warnings.empty() && !decision.audit.contains("policy-unmet")) return;
  spdlog::info("{} {} by {}{}: {}",
               decision.allowed ? "allowed, though unmet:" : "denied:", to_string(decision.rule),
               one_line(review.user.username, kMaxLogged), review.dry_run ? " (dry run)" : "",
               decision.allowed ? decision.reason : decision.message);
}

}  // namespace

HttpResponse AdmissionHandler::operator()(const HttpRequest& request, PodReader::Deadline deadline) {
  if (request.path != "/admit") return refused(404, "there is only POST /admit here");
  if (request.method != "POST") return refused(405, "only POST is answered here");
  if (request.content_type != "application/json")
    return refused(415, "the content type must be application/json");
  return answer(request, deadline);
}

HttpResponse AdmissionHandler::answer(const HttpRequest& request, PodReader::Deadline deadline) {
  const auto began = steady_clock::now();
  const auto review = wire::parse_admission_review(as_bytes(request.body));
  if (!review) return malformed(review.error());
  const PodLookup pod = needs_pod(*review) ? look_up(*review, deadline) : PodAbsent{};
  // The snapshot is taken last, so that the decision rests on the newest one.
  const UnixTime now = parts_.clock.now();
  const AdmissionDecision decision = decide(*review, *parts_.snapshot(), pod, now, parts_.unfit(now));
  parts_.metrics.count_admission(decision, steady_clock::now() - began);
  log_decision(*review, decision);

  wire::AdmissionResponse response;
  response.uid = review->uid;
  response.allowed = decision.allowed;
  response.message = decision.message;
  response.warnings = decision.warnings;
  response.audit_annotations = decision.audit;
  return {200, "application/json", wire::to_json(response)};
}

HttpResponse AdmissionHandler::malformed(const Error& error) {
  parts_.metrics.count_malformed_review();
  const std::string text = one_line(to_string(error), kMaxMessage);
  const std::int64_t now = to_unix(parts_.clock.now());
  if (logged_at_.exchange(now) != now) {
    spdlog::warn("a request to /admit is no AdmissionReview that we understand: {}", text);
  }
  return refused(400, text);
}

// By UID from the directory. A Binding without one, as users and the legacy resource write it, always
// costs a read: a name may have passed on to another pod.
PodLookup AdmissionHandler::look_up(const wire::AdmissionRequest& review, PodReader::Deadline deadline) {
  const std::string& uid = review.binding->meta.uid;
  if (!uid.empty()) {
    if (auto pod = parts_.pods.find(uid)) return *std::move(pod);
  }
  return parts_.reader.read(review.ns, review.name, deadline);
}

}  // namespace nodeproof::webhook
