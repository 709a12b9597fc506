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

wire::AdmissionResponse response_of(const wire::AdmissionRequest& review, const AdmissionDecision& decision) {
  wire::AdmissionResponse out;
  out.uid = review.uid;
  out.allowed = decision.allowed;
  out.message = decision.message;
  out.warnings = decision.warnings;
  out.audit_annotations = decision.audit;
  return out;
}

HttpResponse ok(const wire::AdmissionResponse& response) {
  return {200, "application/json", wire::to_json(response)};
}

}  // namespace

HttpOutcome AdmissionHandler::operator()(HttpRequest& request) {
  const bool where = request.path == "/mutate";
  if (!where && request.path != "/admit")
    return refused(404, "there are only POST /admit and POST /mutate here");
  if (request.method != "POST") return refused(405, "only POST is answered here");
  if (request.content_type != "application/json")
    return refused(415, "the content type must be application/json");
  const auto began = steady_clock::now();
  const Question question = where ? Question::kWhere : Question::kMayIt;
  if (request.body.size() <= kMaxPrompt)
    return answer(question, wire::parse_admission_review(as_bytes(request.body), parser_), began);
  return HttpWork([this, question, body = std::move(request.body), began](PodReader::Deadline deadline) {
    HttpOutcome outcome = answer(question, wire::parse_admission_review(as_bytes(body)), began);
    if (const auto* work = std::get_if<HttpWork>(&outcome)) return (*work)(deadline);
    return std::get<HttpResponse>(std::move(outcome));
  });
}

HttpOutcome AdmissionHandler::answer(Question question, const Review& review, Time began) {
  if (!review) return malformed(review.error());
  if (question == Question::kWhere) return steered(*review, began);
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
  if (auto event = placement_event(review, pod, decision, now))
    parts_.events.offer(*std::move(event), now, steady_clock::now());
  return ok(response_of(review, decision));
}

HttpResponse AdmissionHandler::steered(const wire::AdmissionRequest& review, Time began) {
  const Steering steering = steer(review, *parts_.snapshot());
  parts_.metrics.count_admission(steering.decision, steady_clock::now() - began);
  log_decision(review, steering.decision);
  wire::AdmissionResponse response = response_of(review, steering.decision);
  response.patch = wire::selector_patch(steering.added, review.pod && review.pod->node_selector.has_value());
  return ok(response);
}

HttpResponse AdmissionHandler::malformed(const Error& error) {
  parts_.metrics.count_malformed_review();
  const std::string text = one_line(to_string(error), kMaxMessage);
  const std::int64_t now = to_unix(parts_.clock.now());
  if (logged_at_.exchange(now) != now) {
    spdlog::warn("a request to us is no AdmissionReview that we understand: {}", text);
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
