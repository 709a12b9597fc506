#include "webhook/loss_keeper.hpp"

#include <cpprest/json.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "attest/strict_json.hpp"
#include "webhook/api_object.hpp"
#include "webhook/node_taints.hpp"
#include "wire/epoch.hpp"

namespace nodeproof::webhook {
namespace {

constexpr Seconds kRetry{10};
constexpr Seconds kAttemptLifetime = std::chrono::hours(1);
constexpr int kTaintTries = 3;

constexpr const char* kDone = "done";
constexpr const char* kDryRun = "dry-run";
constexpr const char* kBlocked = "blocked";
constexpr const char* kFailed = "failed";

const wire::Taint kUnverifiedTaint{std::string(wire::kUnverifiedTaint), "NoSchedule"};
const wire::Taint kFailedTaint{std::string(wire::kFailedTaint), "NoExecute"};

std::string config_map_path(const std::string& ns, std::string_view name) {
  return "/api/v1/namespaces/" + ns + "/configmaps/" + std::string(name);
}

std::string pod_path(const PodAction& pod) {
  return "/api/v1/namespaces/" + pod.ns + "/pods/" + pod.name;
}

// With the UID, so that another pod of the same name is left alone.
std::string delete_options(const PodAction& pod) {
  web::json::value out = web::json::value::object();
  out["apiVersion"] = web::json::value::string("v1");
  out["kind"] = web::json::value::string("DeleteOptions");
  out["preconditions"]["uid"] = web::json::value::string(pod.uid);
  return out.serialize();
}

std::string eviction_of(const PodAction& pod) {
  web::json::value out = web::json::value::object();
  out["apiVersion"] = web::json::value::string("policy/v1");
  out["kind"] = web::json::value::string("Eviction");
  out["metadata"]["name"] = web::json::value::string(pod.name);
  out["metadata"]["namespace"] = web::json::value::string(pod.ns);
  out["deleteOptions"] = web::json::value::parse(delete_options(pod));
  return out.serialize();
}

std::string described(const wire::Taint& taint) {
  return taint.key + ":" + taint.effect;
}

// A PodDisruptionBudget; several of one pod are an error of the server's to the eviction API.
bool is_held_back(const kube::ApiError& error) {
  return error.status() == 429 || error.status() == 500;
}

}  // namespace

LossKeeper::LossKeeper(ClusterApi& api, std::string ns, const LossSettings& settings,
                       const BrakeLimits& limits)
    : api_(api), ns_(std::move(ns)), settings_(settings), limits_(limits), pages_(api) {
  for (const char* action : {"taint", "untaint", "evict", "delete"}) {
    for (const char* result : {kDone, kDryRun, kBlocked, kFailed}) report_.actions[{action, result}] = 0;
  }
}

void LossKeeper::pass(const Snapshot& snapshot, const PoliciesAtStake& at_stake, UnixTime now,
                      const std::function<bool()>& leading) {
  taint_failures_.begin();
  answer(snapshot, at_stake, now, leading);
  taint_failures_.end();
}

void LossKeeper::answer(const Snapshot& snapshot, const PoliciesAtStake& at_stake, UnixTime now,
                        const std::function<bool()>& leading) {
  losses_ = observe(losses_, snapshot, settings_, now);
  drop_what_is_over(now);
  const auto began = first_leader();
  if (!began) return;
  BrakeState state = load(now);
  const LossPlan plan = plan_losses(snapshot, losses_, at_stake, settings_, *began, now);
  note_state(plan, state, now);
  for (const TaintRemoval& removal : plan.removals) {
    if (!leading()) return;
    change_taint({removal.node, removal.node_uid, removal.taint, false}, "what called for it is over", now);
  }
  if (state.engaged) return;
  forget_old(state, now);
  if (const auto reason = too_many(plan, state, limits_)) return stop_all(state, *reason, now);
  for (const Reaction& due : plan.due) {
    if (!leading() || state.engaged) return;
    react(due, {snapshot, plan, now}, state);
  }
}

void LossKeeper::forget() {
  losses_.clear();
  attempts_.clear();
  told_taints_.clear();
  began_.reset();
  told_brake_.clear();
  const std::lock_guard lock(mutex_);
  report_.engaged.reset();
  sweep_after_.reset();
}

void LossKeeper::drop_what_is_over(UnixTime now) {
  std::erase_if(attempts_, [now](const auto& item) { return item.second.next + kAttemptLifetime < now; });
  std::erase_if(told_taints_, [this](const auto& told) {
    const auto loss = losses_.lower_bound({told.first, {}});
    return loss == losses_.end() || loss->first.node_uid != told.first;
  });
}

LossReport LossKeeper::report() const {
  const std::lock_guard lock(mutex_);
  return report_;
}

std::optional<UnixTime> LossKeeper::sweep_after() const {
  const std::lock_guard lock(mutex_);
  return sweep_after_;
}

void LossKeeper::note_state(const LossPlan& plan, const BrakeState& state, UnixTime now) {
  {
    const std::lock_guard lock(mutex_);
    report_.engaged = state.engaged.has_value();
    sweep_after_ = plan.newest_due;
  }
  tell_brake(state, now);
}

void LossKeeper::count(const std::string& action, const std::string& result) {
  const std::lock_guard lock(mutex_);
  ++report_.actions[{action, result}];
}

// ---- The brake ----------------------------------------------------------------------------------

// Every leader publishes epochs: the ConfigMap that the first one made has its age. Unknown: nothing is done.
std::optional<UnixTime> LossKeeper::first_leader() {
  if (began_) return began_;
  const auto body = api_.get_if_exists(config_map_path(ns_, wire::kEpochConfigMap));
  if (!body) return std::nullopt;
  const attest::JsonDocument document = parse_object(*body, wire::kEpochConfigMap);
  began_ = or_throw(wire::creation_time(document.root()));
  return began_;
}

// What cannot be read may hide that the brake is engaged.
BrakeState LossKeeper::load(UnixTime now) const {
  const auto body = api_.get_if_exists(config_map_path(ns_, wire::kBrakeConfigMap));
  if (!body) return {};
  const attest::JsonDocument document = parse_object(*body, wire::kBrakeConfigMap);
  auto state = wire::parse_brake_config_map(document.root());
  if (state) return *std::move(state);
  BrakeState out;
  engage(out, "its state cannot be read: " + to_string(state.error()), now);
  return out;
}

// Refused when another leader wrote meanwhile.
void LossKeeper::store(BrakeState& state, UnixTime now) {
  const std::string json = wire::brake_config_map(state, ns_);
  const std::string path = config_map_path(ns_, wire::kBrakeConfigMap);
  if (state.resource_version.empty()) {
    api_.create(path.substr(0, path.rfind('/')), json);
  } else {
    api_.replace(path, json);
  }
  state = load(now);
}

void LossKeeper::stop_all(BrakeState& state, const std::string& reason, UnixTime now) {
  engage(state, reason, now);
  store(state, now);
  {
    const std::lock_guard lock(mutex_);
    report_.engaged = true;
  }
  tell_brake(state, now);
}

// Once for each reason; the Event of a brake that another leader told of is refused as a second one.
void LossKeeper::tell_brake(const BrakeState& state, UnixTime now) {
  if (state.reason == told_brake_) return;
  told_brake_ = state.reason;
  if (!state.engaged) return spdlog::info("the brake is released");
  const std::string note = "the brake is engaged: " + state.reason +
                           "; nothing is tainted or evicted any more. When the cause is found: kubectl -n " +
                           ns_ + " delete configmap " + std::string(wire::kBrakeConfigMap);
  spdlog::error("ALERT: {}", note);
  tell({"ConfigMap", ns_, std::string(wire::kBrakeConfigMap), {}}, "BrakeEngaged", note,
       state.reason + '/' + to_rfc3339(*state.engaged), now);
}

// ---- Nodes --------------------------------------------------------------------------------------

// What a dry run told of already is not due any more.
NodeActions LossKeeper::actions_now(Reaction due, const Pass& pass) {
  if (told_taints_.contains({due.node_uid, kUnverifiedTaint.key})) due.unverified_taint = false;
  if (told_taints_.contains({due.node_uid, kFailedTaint.key})) due.failed_for.clear();
  std::vector<RunningPod> running;
  if (!due.failed_for.empty() || !due.evict_for.empty()) running = pages_.on_node(due.node);
  return actions_on(due, running, pass.snapshot, attempts_, pass.now);
}

// Into the ledger first: what fails afterwards counts as done.
void LossKeeper::react(const Reaction& due, const Pass& pass, BrakeState& state) {
  NodeActions actions = actions_now(due, pass);
  if (actions.nothing()) return;
  const bool all = fit(actions, evictions_left(state, limits_));
  const bool anew = actions.charge > 0 || !state.nodes.contains(due.node_uid);
  if (anew && !actions.nothing()) {
    if (!enter(state, limits_, nodes_allowed(limits_, pass.plan.provable), due.node_uid, actions.charge,
               pass.now))
      return stop_all(state, "more nodes lost their proof within an hour than maxNodesFraction allows",
                      pass.now);
    store(state, pass.now);
  }
  act(due, actions, pass.now);
  if (!all)
    stop_all(state, "maxEvictionsPerHour (" + std::to_string(limits_.evictions_per_hour) + ") is reached",
             pass.now);
}

void LossKeeper::act(const Reaction& due, const NodeActions& actions, UnixTime now) {
  for (const PodAction& pod : actions.pods) end_pod(pod, due, now);
  const std::string why = "the node lost its proof (" + due.code + ")";
  if (actions.unverified_taint) change_taint({due.node, due.node_uid, kUnverifiedTaint, true}, why, now);
  if (actions.failed_taint) change_taint({due.node, due.node_uid, kFailedTaint, true}, why, now);
}

// False: it was as wanted already, or the Node is another one.
bool LossKeeper::patch_taint(const TaintChange& target) {
  const std::string path = "/api/v1/nodes/" + target.node;
  for (int tries = 1;; ++tries) {
    const auto body = api_.get_if_exists(path);
    if (!body) return false;
    const attest::JsonDocument document = parse_object(*body, "Node");
    const auto patch = or_throw(taint_patch(document.root(), target.node_uid, target.taint, target.wanted));
    if (!patch) return false;
    try {
      api_.json_patch(path, *patch);
      return true;
    } catch (const kube::ApiError& e) {
      if ((e.status() != 409 && e.status() != 422) || tries == kTaintTries) throw;
    }
  }
}

void LossKeeper::change_taint(const TaintChange& target, const std::string& why, UnixTime now) {
  const char* action = target.wanted ? "taint" : "untaint";
  const wire::InvolvedObject about{"Node", "", target.node, target.node_uid};
  if (settings_.dry_run && target.wanted) {
    told_taints_.emplace(target.node_uid, target.taint.key);
    count(action, kDryRun);
    return tell(about, "WouldTaint", "dry run: " + why + " and would be tainted " + described(target.taint),
                target.taint.key + '/' + to_rfc3339(now), now);
  }
  try {
    if (!patch_taint(target)) return;
    count(action, kDone);
    const std::string note =
        why + (target.wanted ? " and is tainted " : ", taint removed: ") + described(target.taint);
    spdlog::info("node {}: {}", target.node, note);
    if (target.wanted) tell(about, "Tainted", note, target.taint.key + '/' + to_rfc3339(now), now);
  } catch (const kube::ApiError& e) {
    if (e.status() == 0) throw;
    count(action, kFailed);
    taint_failures_.add("node " + target.node + ", " + described(target.taint), e.what());
  }
}

// ---- Pods ---------------------------------------------------------------------------------------

void LossKeeper::call(const PodAction& pod) {
  if (pod.verb == PodVerb::kDelete) return api_.remove(pod_path(pod), delete_options(pod));
  api_.create(pod_path(pod) + "/eviction", eviction_of(pod));
}

void LossKeeper::end_pod(const PodAction& pod, const Reaction& due, UnixTime now) {
  const std::string verb(to_string(pod.verb));
  const std::string what =
      "node " + due.node + " does not meet policy " + pod.policy + " any more (" + due.code + ")";
  const wire::InvolvedObject about{"Pod", pod.ns, pod.name, pod.uid};
  Attempt& attempt = attempts_.try_emplace(pod.uid, Attempt{now, now, false}).first->second;
  attempt.next = now + kRetry;
  try {
    if (!settings_.dry_run) call(pod);
  } catch (const kube::ApiError& e) {
    if (e.status() == 0) throw;
    if (e.status() != 404) return note_failure(pod, what, e, now);
  }
  attempt.settled = true;
  count(verb, settings_.dry_run ? kDryRun : kDone);
  const bool deleted = pod.verb == PodVerb::kDelete;
  const std::string note = settings_.dry_run
                               ? "dry run: " + what + ", the pod would be ended"
                               : what + (deleted ? ", the pod is deleted" : ", the pod is evicted");
  spdlog::warn("pod {}: {}", pod_name(pod.ns, pod.name), note);
  tell(about, settings_.dry_run ? "WouldEvict" : deleted ? "Deleted" : "Evicted", note, pod.policy, now);
}

// Told once of each pod; asked again later.
void LossKeeper::note_failure(const PodAction& pod, const std::string& what, const kube::ApiError& error,
                              UnixTime now) {
  Attempt& attempt = attempts_.find(pod.uid)->second;
  attempt.next = now + std::max(kRetry, error.retry_after());
  const bool blocked = is_held_back(error);
  count(std::string(to_string(pod.verb)), blocked ? kBlocked : kFailed);
  if (attempt.first != now) return;
  const std::string note = what + ", and the pod could not be " +
                           (pod.verb == PodVerb::kDelete ? "deleted: " : "evicted: ") + error.what();
  spdlog::warn("pod {}: {}", pod_name(pod.ns, pod.name), note);
  tell({"Pod", pod.ns, pod.name, pod.uid}, blocked ? "EvictionBlocked" : "EvictionFailed", note, pod.policy,
       now);
}

// What happened is in the log all the same.
void LossKeeper::tell(const wire::InvolvedObject& about, const std::string& reason, const std::string& note,
                      const std::string& occasion, UnixTime now) {
  const wire::Event event{about, true, reason, note, occasion};
  try {
    api_.create(wire::event_path(event), wire::to_json(event, now));
  } catch (const kube::ApiError& e) {
    if (e.status() != 409) spdlog::warn("the Event {} could not be written: {}", reason, e.what());
  }
}

}  // namespace nodeproof::webhook
