#include "agent/agent_loop.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "agent/cluster.hpp"
#include "agent/quoter.hpp"

namespace nodeproof::agent {
namespace {

void log_state(const wire::NodeEvidence& evidence) {
  const wire::CollectionState& state = evidence.collection;
  if (state.code == kComplete) {
    spdlog::info("evidence collected: complete");
  } else {
    spdlog::warn("evidence collected: {}: {}", state.code, state.detail);
  }
  if (const auto& why = evidence.no_event_log)
    spdlog::warn("evidence collected: {}: {}", why->code, why->detail);
}

// What goes on failing in the same way is told once; empty: it works.
void log_if_news(const std::string& before, const std::string& now) {
  if (now == before) return;
  if (!now.empty()) return spdlog::error("{}", now);
  spdlog::info("this works again, which failed before: {}", before);
}

}  // namespace

AgentLoop::AgentLoop(LoopSettings settings, LoopParts parts, std::uint32_t jitter_seed)
    : settings_(std::move(settings)),
      parts_(parts),
      publisher_(parts.api),
      activator_(parts.api, parts.tpm),
      failure_backoff_(jitter_seed),
      mending_backoff_(jitter_seed + 1) {}

void AgentLoop::run(const std::stop_token& stop) {
  const RefreshSchedule schedule(settings_.node_name, settings_.refresh, parts_.timer.now());
  while (!stop.stop_requested()) {
    if (attest(stop)) {
      failure_backoff_.reset();
      idle_until(schedule.after(parts_.timer.now()), stop);
    } else {
      parts_.timer.wait(wait_after_failure(), stop);
    }
  }
}

bool AgentLoop::once(const std::stop_token& stop) {
  return attest(stop) && !stop.stop_requested();
}

// True unless something failed. What a stop ended early is not counted.
bool AgentLoop::attest(const std::stop_token& stop) {
  AttestationResult result = attempt(refresh_trouble_, [&] { refresh(stop); });
  const bool done = result == AttestationResult::kPublished;
  if (stop.stop_requested()) return done;
  if (done && evidence_->platform == wire::kPlatformNone) result = AttestationResult::kNoProof;
  parts_.metrics.count_attestation(result);
  return done;
}

// kPublished when `action` ended without an exception; the one place where they end.
AttestationResult AgentLoop::attempt(std::string& trouble, const std::function<void()>& action) {
  retry_after_ = Seconds(0);
  AttestationResult result = AttestationResult::kPublished;
  std::string now;
  try {
    action();
  } catch (const kube::ApiError& e) {
    retry_after_ = e.retry_after();
    const std::string remedy = remedy_for(e);
    now = e.what() + (remedy.empty() ? "" : ". Remedy: " + remedy);
    result = AttestationResult::kApiFailure;
  } catch (const TpmError& e) {
    const wire::CollectionState state = collection_state(e);
    now = state.code + ": " + state.detail;
    result = AttestationResult::kTpmFailure;
  } catch (const std::exception& e) {
    now = e.what();
    result = AttestationResult::kOtherFailure;
  }
  log_if_news(trouble, now);
  trouble = std::move(now);
  return result;
}

Milliseconds AgentLoop::wait_after_failure() {
  return std::max(failure_backoff_.next(), Milliseconds(retry_after_));
}

void AgentLoop::refresh(const std::stop_token& stop) {
  const attest::BootIdentity boot{node_uid(parts_.api, settings_.node_name),
                                  read_boot_id(settings_.boot_id_file)};
  const wire::PublishedEpoch epoch = current_epoch(parts_.api, settings_.ns);
  const bool collected = ensure_evidence(boot, epoch, stop);
  if (stop.stop_requested()) return;
  complete_evidence(collected);
  publish_evidence();
  if (evidence_->platform != wire::kPlatformNone) {
    publish_quote(epoch);
  } else if (evidence_->collection.code == kTpmError) {
    throw TpmError(TpmErrorKind::kOther, "no evidence could be collected");
  }
}

bool AgentLoop::evidence_is_due(const attest::BootIdentity& boot) const {
  if (!evidence_ || evidence_->boot != boot || evidence_->platform == wire::kPlatformNone) return true;
  return parts_.timer.now() - collected_at_ + settings_.refresh >= settings_.max_report_age / 2;
}

// True when it was collected anew.
bool AgentLoop::ensure_evidence(const attest::BootIdentity& boot, const wire::PublishedEpoch& epoch,
                                const std::stop_token& stop) {
  if (!evidence_is_due(boot)) return false;
  wire::NodeEvidence fresh = parts_.collector.collect(settings_.node_name, boot, epoch, stop);
  if (stop.stop_requested()) return false;
  const bool changed = !evidence_ || evidence_->collection != fresh.collection || evidence_->boot != boot;
  if (changed || fresh.platform != wire::kPlatformNone) log_state(fresh);
  // A TPM that fails now does not undo what it proved for this boot.
  const bool keep = evidence_ && evidence_->boot == boot && evidence_->platform != wire::kPlatformNone &&
                    fresh.platform == wire::kPlatformNone;
  if (keep) {
    collection_trouble_ = std::move(fresh.collection);
    return false;
  }
  collection_trouble_.reset();
  collected_at_ = parts_.timer.now();
  evidence_ = std::move(fresh);
  return true;
}

// An older answer keeps residency proven; a newer key generation is answered when evidence is collected, long
// before the older one is forgotten.
void AgentLoop::complete_evidence(bool collected) {
  if (collected) activator_.carry_over(*evidence_);
  if (awaits_activation() || (collected && evidence_->activation))
    attempt(activation_trouble_, [this] { activator_.answer(*evidence_); });
}

bool AgentLoop::awaits_activation() const {
  return evidence_ && !evidence_->activation && Activator::is_wanted(*evidence_);
}

void AgentLoop::publish_evidence() {
  wire::NodeEvidence shown = *evidence_;
  if (collection_trouble_) shown.collection = *collection_trouble_;
  if (quote_trouble_) shown.collection = *quote_trouble_;
  if (publisher_.publish(shown)) {
    spdlog::info("published NodeEvidence {}: {}, {}", shown.name, shown.platform, shown.collection.code);
  }
}

void AgentLoop::publish_quote(const wire::PublishedEpoch& epoch) {
  wire::NodeQuote quote;
  try {
    quote = make_quote(parts_.tpm, *evidence_, epoch);
  } catch (const TpmError& e) {
    if (++quote_failures_ >= kQuoteFailuresToReport) {
      quote_trouble_ = collection_state(e);
      publish_evidence();
    }
    throw;
  }
  quote_failures_ = 0;
  publisher_.publish(quote);
  quoted_kid_ = quote.epoch.kid;
  spdlog::debug("published NodeQuote {} for epoch {}", quote.name, quote.epoch.number);
  if (quote_trouble_) {
    quote_trouble_.reset();
    publish_evidence();
  }
}

// Waits for the next refresh, or until there is a reason to make it now. Endorsements that are missing and a
// credential that was not offered yet are asked for meanwhile: they change neither digest nor quote.
void AgentLoop::idle_until(SteadyTime next, const std::stop_token& stop) {
  const auto missing = [this] { return lacks_endorsements() || awaits_activation(); };
  const SteadyTime never = SteadyTime::max();
  SteadyTime now = parts_.timer.now();
  SteadyTime mend = missing() ? now + mending_backoff_.next() : never;
  SteadyTime look = settings_.look_out.count() > 0 ? now + settings_.look_out : never;
  while (now < next && !stop.stop_requested()) {
    if (!parts_.timer.wait(std::min({next, mend, look}) - now, stop)) return;
    now = parts_.timer.now();
    if (now >= next) return;
    if (now >= look) {
      if (sees_another_generation()) return;
      look = now + settings_.look_out;
    }
    if (now >= mend) {
      mend_evidence(stop);
      now = parts_.timer.now();
      mend = missing() ? now + mending_backoff_.next() : never;
    }
  }
}

bool AgentLoop::lacks_endorsements() const {
  return evidence_ && evidence_->collection.code == kEndorsementsUnreachable;
}

void AgentLoop::mend_evidence(const std::stop_token& stop) {
  if (awaits_activation()) attempt(activation_trouble_, [this] { activator_.answer(*evidence_); });
  attempt(mending_trouble_, [&] {
    if (lacks_endorsements()) parts_.collector.add_endorsements(*evidence_, stop);
    if (evidence_->collection.code == kComplete && !awaits_activation()) mending_backoff_.reset();
    publish_evidence();
  });
}

// A look that fails is no news: the next refresh says what is wrong.
bool AgentLoop::sees_another_generation() {
  if (quoted_kid_.empty()) return false;
  try {
    const std::string kid = current_epoch(parts_.api, settings_.ns).epoch.kid;
    if (kid == quoted_kid_) return false;
    spdlog::info("key generation {} follows {}: quoting at once", kid, quoted_kid_);
    return true;
  } catch (const std::exception& e) {
    spdlog::debug("the published epoch could not be looked at: {}", e.what());
    return false;
  }
}

}  // namespace nodeproof::agent
