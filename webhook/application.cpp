#include "webhook/application.hpp"

#include <spdlog/async.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <array>

#include "base/file.hpp"
#include "base/or_throw.hpp"
#include "webhook/activation_keeper.hpp"
#include "webhook/admission_handler.hpp"
#include "webhook/admission_policy_watch.hpp"
#include "webhook/break_glass.hpp"
#include "webhook/certificate_keeper.hpp"
#include "webhook/evidence_intake.hpp"
#include "webhook/health_handler.hpp"
#include "webhook/heap.hpp"
#include "webhook/leader.hpp"
#include "webhook/loss_keeper.hpp"
#include "webhook/periodic.hpp"
#include "webhook/pod_sweeper.hpp"
#include "webhook/serving_secret_feed.hpp"
#include "webhook/status_writer.hpp"
#include "webhook/watches.hpp"
#include "wire/own_api.hpp"
#include "wire/reference_values.hpp"

namespace nodeproof::webhook {
namespace {

constexpr std::size_t kMaxFile = 1U << 20U;
constexpr const char* kUserAgent = "nodeproof-webhook/" NODEPROOF_VERSION;
// Each purpose has its own client: lists may take long, a binding waits for a look-up, and a renewal
// must fail before the lease is lost.
constexpr Seconds kListTimeout{10};
constexpr Seconds kLookupTimeout{3};
constexpr Seconds kLeaderTimeout{4};
constexpr Seconds kEventTimeout{3};
// After /readyz has said no: time for the Service to forget us, and for clients that keep their connections
// to be told that they end, before we stop answering.
constexpr std::chrono::seconds kUnreadyTime{2};
constexpr std::chrono::seconds kDrainTime{10};
constexpr std::chrono::seconds kReadinessInterval{1};
constexpr std::chrono::minutes kHeapInterval{1};
constexpr std::chrono::milliseconds kEventInterval{500};

std::vector<attest::Certificate> read_certificates(const std::filesystem::path& file) {
  if (file.empty()) return {};
  return or_throw(attest::parse_certificates(read_file(file, kMaxFile), file.string()));
}

TrustParameters trust_parameters(const Config& config) {
  TrustParameters out;
  out.anchors = attest::built_in_trust_anchors();
  or_throw(attest::add_trust_anchors(out.anchors, read_certificates(config.amd_anchors),
                                     read_certificates(config.vtpm_anchors)));
  for (const std::string& name : out.anchors.extra) {
    spdlog::warn("the root {} is trusted beside the built-in ones", name);
  }
  for (const std::filesystem::path& file : config.revocation_lists) {
    const auto lists = or_throw(attest::parse_revocation_lists(read_file(file, kMaxFile), file.string()));
    out.revocation_lists.insert(out.revocation_lists.end(), lists.begin(), lists.end());
  }
  out.reference_values = attest::built_in_reference_values();
  if (!config.reference_values.empty()) {
    const Bytes text = read_file(config.reference_values, kMaxFile);
    out.reference_values =
        or_throw(wire::parse_reference_values(as_text(text), config.reference_values.string()));
    spdlog::warn("the built-in reference values are replaced by those of {}",
                 config.reference_values.string());
  }
  out.epoch_length = config.epoch_length;
  out.max_report_age = config.max_report_age;
  out.ak_certificate_grace = config.ak_certificate_grace;
  out.trusted_launch_strict = config.trusted_launch_strict;
  return out;
}

std::optional<AdmissionPolicies> admission_policies(const Config& config) {
  const std::filesystem::path& file = config.admission_policies;
  if (file.empty()) return std::nullopt;
  return or_throw(AdmissionPolicies::parse(read_file(file, kMaxFile), file.string()));
}

std::string identity_of(const Config& config) {
  if (!config.identity.empty()) return config.identity;
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0)
    throw std::runtime_error("the host has no name; set identity");
  return name.data();
}

std::shared_ptr<TlsMaterial> make_tls(const Config& config, const Clock& clock) {
  if (config.makes_certificates()) return std::make_shared<TlsMaterial>(clock);
  return std::make_shared<TlsMaterial>(TlsMaterial::Files{config.certificate_file, config.key_file}, clock);
}

// Often enough that a label follows the end of a proof within an epoch.
std::chrono::milliseconds report_interval(Seconds epoch_length) {
  return std::clamp<std::chrono::milliseconds>(epoch_length / 2, std::chrono::seconds(1),
                                               std::chrono::seconds(5));
}

// Five minutes of 30 s epochs; with short ones, in step with how soon a proof can end.
Seconds sweep_interval(Seconds epoch_length) {
  return std::clamp<Seconds>(10 * epoch_length, Seconds(10), Seconds(300));
}
constexpr std::chrono::seconds kSweepCheck{5};

// Two dozen small reads, of what changes with a release.
std::chrono::milliseconds admission_policy_interval(Seconds epoch_length) {
  return std::clamp<Seconds>(2 * epoch_length, Seconds(4), Seconds(60));
}

}  // namespace

struct Application::Parts {
  Parts(const Config& from, const kube::Connection& connection)
      : config(from),
        trust(trust_parameters(from)),
        list_client(connection, kUserAgent, kListTimeout),
        lookup_client(connection, kUserAgent, kLookupTimeout),
        leader_client(connection, kUserAgent, kLeaderTimeout),
        event_client(connection, kUserAgent, kEventTimeout),
        tls(make_tls(from, clock)),
        leader(leader_client, leader_api, clock,
               {from.ns, identity_of(from), from.epoch_length, from.max_report_age}) {
    add_watches();
  }

  void add_watches() {
    watches.add("nodes", "/api/v1/nodes", intake.nodes());
    watches.add("nodeevidences", wire::kNodeEvidencesPath, intake.evidences());
    watches.add("nodequotes", wire::kNodeQuotesPath, intake.quotes());
    watches.add("attestationpolicies", wire::kAttestationPoliciesPath, intake.policies());
    watches.add("nodeinventories", wire::kNodeInventoriesPath, intake.inventories());
    watches.add("namespaces", "/api/v1/namespaces", intake.namespaces());
    watches.add("epoch keys",
                "/api/v1/namespaces/" + config.ns + "/secrets?fieldSelector=metadata.name%3D" +
                    std::string(wire::kEpochSecret),
                epoch_secret());
    watches.add("pods", PodDirectory::kPath, pods.handler());
    if (config.makes_certificates()) {
      // No decision rests on it: what is served has a condition of its own.
      watches.add("serving certificate",
                  "/api/v1/namespaces/" + config.ns + "/secrets?fieldSelector=metadata.name%3D" +
                      std::string(wire::kServingSecret),
                  served.handler(), false);
    }
    // For the leader's writing, and for what only refuses: no decision waits for it.
    watches.add("nodeattestations", wire::kNodeAttestationsPath, attestations.handler(), false);
  }

  // A revoked generation needs a successor at once, not when the next epoch begins.
  kube::WatchHandler epoch_secret() {
    kube::WatchHandler out = intake.epoch_secret();
    const auto keep = out.update;
    out.update = [this, keep](const attest::JsonValue& object) {
      keep(object);
      leader.note_keys_changed();
    };
    return out;
  }

  ReadinessView readiness() const {
    ReadinessView view;
    view.stores = watches.deciding(clock.now());
    view.complete = intake.snapshot()->complete;
    view.stopping = stopping;
    view.clock_offset = leader_client.clock_offset();
    view.certificate_until = tls->not_after();
    return view;
  }

  std::vector<Condition> ready_conditions(UnixTime now) const {
    return conditions(readiness(), config.view_age, now);
  }

  void note_readiness() {
    const std::vector<Condition> now = ready_conditions(clock.now());
    const auto line = readiness_log.note(now);
    if (line) spdlog::log(all_hold(now) ? spdlog::level::info : spdlog::level::warn, "{}", *line);
  }

  std::string render_metrics() const {
    const UnixTime now = clock.now();
    MetricsState state;
    state.snapshot = intake.snapshot();
    state.watches = watches.states(now);
    state.clock_offset = leader_client.clock_offset();
    state.leader = leader.leading();
    state.epoch_generation_end = leader.epochs().generation_end();
    state.epoch_foreign_values = leader.epochs().foreign_values();
    state.break_glass_opened = break_glass.opened();
    state.break_glass_ended = break_glass.closed();
    state.extra_trust_anchors = trust.anchors.extra.size();
    state.certificate_until = tls->not_after();
    if (const auto pki = served.in_use()) state.authority_until = pki->authorities.front().not_after();
    state.foreign_ca_bundles = certificates.foreign_bundles();
    state.certificate_reload_errors = tls->reload_errors();
    if (const auto lines = spdlog::thread_pool()) state.log_lines_dropped = lines->overrun_counter();
    state.conditions = ready_conditions(now);
    state.events = events.counts();
    state.node_events = node_events.counts();
    state.running_pod_events = running_pod_events.counts();
    state.label_repairs = writer.label_repairs();
    state.sweep = sweeper.last();
    state.admission_policies = admission_policy_watch.last();
    state.loss = losses.report();
    state.http = admission_server.stats();
    return metrics.render(state, now);
  }

  // From a view that is old or incomplete nothing is reported: it would call good nodes stale.
  void report() {
    if (!leader.leading()) {
      break_glass.forget();
      return writer.forget();
    }
    if (!may_report(readiness(), config.view_age)) return;
    const auto still_leads = [this] { return leader.leading() && !stopping; };
    const auto snapshot = intake.snapshot();
    const auto swept = sweeper.last();
    break_glass.pass(*snapshot->namespaces, clock.now(), still_leads);
    writer.pass(*snapshot, clock.now(), still_leads, swept ? &swept->counts : nullptr);
    activations.pass(*snapshot, *intake.keys(), clock.now(), still_leads);
  }

  void keep_certificates() {
    certificates.introduce(clock.now());
    if (!leader.leading()) return certificates.forget();
    certificates.step(clock.now());
  }

  void sweep_pods() {
    if (!leader.leading()) return sweeper.forget();
    sweeper.step([this] { return intake.snapshot(); },
                 [this] { return leader.leading() && !stopping && may_report(readiness(), config.view_age); },
                 losses.sweep_after());
  }

  // As with reports: a view that is old or incomplete would call good nodes lost.
  void answer_losses() {
    if (!leader.leading()) return losses.forget();
    if (!may_report(readiness(), config.view_age)) return;
    const auto swept = sweeper.last();
    losses.pass(*intake.snapshot(), swept ? swept->at_stake : PoliciesAtStake(), clock.now(),
                [this] { return leader.leading() && !stopping; });
  }

  void check_admission_policies() {
    if (!leader.leading()) return admission_policy_watch.forget();
    admission_policy_watch.pass(clock.now(), [this] { return leader.leading() && !stopping; });
  }

  HttpResponse health(const HttpRequest& request) const {
    return answer_health(
        request, {[this] { return ready_conditions(clock.now()); }, [this] { return render_metrics(); }});
  }

  const Config config;
  const TrustParameters trust;
  const SystemClock clock{};
  std::atomic<bool> stopping{false};
  Metrics metrics{};
  kube::ApiClient list_client;
  kube::ApiClient lookup_client;
  kube::ApiClient leader_client;
  kube::ApiClient event_client;
  KubeClusterApi leader_api{leader_client};
  KubeClusterApi event_api{event_client};
  std::shared_ptr<TlsMaterial> tls;
  ServingSecretFeed served{*tls};
  CertificateKeeper certificates{leader_api, config.ns, serving_names(config), config.certificate_times,
                                 [this] { return served.in_use(); }};

  NodeAttestations attestations{};
  EvidenceIntake intake{trust, clock, attestations, [this](const NodeTrust& judged, Metrics::Duration took) {
                          metrics.count_verification(judged, took);
                        }};
  PodDirectory pods{};
  ApiPodReader reader{lookup_client, kLookupTimeout};
  EventWriter node_events{event_api, EventsAbout::kNodes};
  StatusWriter writer{leader_api, node_events, attestations};
  ActivationKeeper activations{leader_api, attestations, config.epoch_length, random_seeds()};
  BreakGlassKeeper break_glass{leader_api};
  KubeClusterApi list_api{list_client};
  EventWriter running_pod_events{event_api};
  PodSweeper sweeper{list_api, clock, sweep_interval(config.epoch_length), running_pod_events};
  LossKeeper losses{leader_api, config.ns, config.loss, config.brake};
  Leader leader;
  Watches watches{list_client};
  Periodic leading{"leader", Leader::kInterval, [this] { leader.step(); }};
  Periodic certifying{"serving certificate", CertificateKeeper::kInterval, [this] { keep_certificates(); }};
  Periodic reporting{"status of nodes", report_interval(config.epoch_length), [this] { report(); }};
  Periodic sweeping{"sweep of running pods", kSweepCheck, [this] { sweep_pods(); }};
  Periodic losing{"lost proofs", report_interval(config.epoch_length), [this] { answer_losses(); }};
  ReadinessLog readiness_log{};  // of the thread below
  Periodic noting{"readiness", kReadinessInterval, [this] { note_readiness(); }};
  Periodic trimming{"heap", kHeapInterval, return_free_heap};
  EventWriter events{event_api};
  Periodic telling{"events", kEventInterval, [this] {
                     events.write();
                     node_events.write();
                     running_pod_events.write();
                   }};
  AdmissionHandler admission{{[this] { return intake.snapshot(); }, pods, reader, clock, metrics,
                              [this](UnixTime now) {
                                return unfit(watches.oldest(now), config.view_age,
                                             leader_client.clock_offset());
                              },
                              events}};
  AdmissionPolicyWatch admission_policy_watch{leader_api, admission_policies(config)};
  Periodic guarding{"admission policies", admission_policy_interval(config.epoch_length),
                    [this] { check_admission_policies(); }};
  HttpServer admission_server{
      {.address = config.listen.address, .port = config.listen.port, .limits = {}, .tls = tls},
      std::ref(admission)};
  HttpServer health_server{
      {.address = config.health_listen.address, .port = config.health_listen.port, .limits = {}, .tls = {}},
      [this](const HttpRequest& request, PodReader::Deadline) { return health(request); }};
};

Application::Application(const Config& config, const kube::Connection& connection)
    : parts_(std::make_unique<Parts>(config, connection)) {}

Application::~Application() = default;

void Application::start() {
  Parts& p = *parts_;
  p.health_server.start();
  p.intake.start();
  p.watches.start();
  p.leading.start();
  if (p.config.makes_certificates()) p.certifying.start();
  p.reporting.start();
  p.sweeping.start();
  p.guarding.start();
  p.losing.start();
  p.noting.start();
  p.trimming.start();
  p.telling.start();
  p.admission_server.start();
  spdlog::info("admission at {}:{}, health at {}:{}", p.config.listen.address, p.admission_server.port(),
               p.config.health_listen.address, p.health_server.port());
}

void Application::stop() {
  Parts& p = *parts_;
  p.stopping = true;
  p.admission_server.retire();
  std::this_thread::sleep_for(kUnreadyTime);
  if (!p.admission_server.drain_and_stop(kDrainTime)) spdlog::warn("not every request was answered in time");
  p.noting.stop();
  p.trimming.stop();
  p.telling.stop();
  p.guarding.stop();
  p.losing.stop();
  p.sweeping.stop();
  p.reporting.stop();
  p.certifying.stop();
  p.leading.stop();
  p.leader.resign();
  p.watches.stop();
  p.intake.stop();
  p.health_server.drain_and_stop(std::chrono::seconds(1));
}

}  // namespace nodeproof::webhook
