#include "webhook/admission_handler.hpp"

#include <spdlog/spdlog.h>

#include "webhook/messages.hpp"

namespace nodeproof::webhook {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t kMaxLogged = 256;  // of a name that a user chose
// Some tens of microseconds of reading, and longer than nearly every review.
constexpr std::size_t kMaxPrompt = attest::JsonParser::kMaxReused;

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

HttpOutcome AdmissionHandler::operator()(HttpRequest& request) {
  if (request.path != "/admit") return refused(404, "there is only POST /admit here");
  if (request.method != "POST") return refused(405, "only POST is answered here");
  if (request.content_type != "application/json")
    return refused(415, "the content type must be application/json");
  const auto began = steady_clock::now();
  if (request.body.size() <= kMaxPrompt)
    return answer(wire::parse_admission_review(as_bytes(request.body), parser_), began);
  return HttpWork([this, body = std::move(request.body), began](PodReader::Deadline deadline) {
    HttpOutcome outcome = answer(wire::parse_admission_review(as_bytes(body)), began);
    if (const auto* work = std::get_if<HttpWork>(&outcome)) return (*work)(deadline);
    return std::get<HttpResponse>(std::move(outcome));
  });
}

HttpOutcome AdmissionHandler::answer(const Review& review, Time began) {
  if (!review) return malformed(review.error());
  if (const auto pod = look_up(*review)) return decided(*review, *pod, began);
  return HttpWork([this, review = *review, began](PodReader::Deadline deadline) {
    return decided(review, parts_.reader.read(review.ns, review.name, deadline), began);
  });
}

HttpResponse AdmissionHandler::decided(const wire::AdmissionRequest& review, const PodLookup& pod,
                                       Time began) {
  // The snapshot is taken last, so that the decision rests on the newest one.
  const UnixTime now = parts_.clock.now();
  const AdmissionDecision decision = decide(review, *parts_.snapshot(), pod, now, parts_.unfit(now));
  parts_.metrics.count_admission(decision, steady_clock::now() - began);
  log_decision(review, decision);

  wire::AdmissionResponse response;
  response.uid = review.uid;
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

// By UID from the directory; nothing when the API server must be asked. A Binding without a UID, as
// users and the legacy resource write it, always costs a read: a name may have passed on to another pod.
std::optional<PodLookup> AdmissionHandler::look_up(const wire::AdmissionRequest& review) const {
  if (!needs_pod(review)) return PodAbsent{};
  const std::string& uid = review.binding->meta.uid;
  if (uid.empty()) return std::nullopt;
  return parts_.pods.find(uid);
}

}  // namespace nodeproof::webhook
