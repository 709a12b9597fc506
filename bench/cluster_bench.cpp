// The webhook's view of a cluster of a given size: how long from a start to ready, against the public-key
// operations alone; how much memory it keeps; how long a decision takes. Prints one row of a table.
#include <spdlog/spdlog.h>

#include <charconv>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <thread>

#include "attest/hcl_report.hpp"
#include "attest/runtime_claims.hpp"
#include "base/or_throw.hpp"
#include "bench/cluster.hpp"
#include "bench/measure.hpp"
#include "bench/pure_crypto.hpp"
#include "webhook/evidence_intake.hpp"
#include "webhook/heap.hpp"
#include "webhook/pod_directory.hpp"
#include "webhook/status_writer.hpp"
#include "wire/own_api.hpp"

namespace nodeproof::bench {
namespace {

using std::chrono::steady_clock;
using Duration = std::chrono::duration<double>;

constexpr std::size_t kDecisions = 200'000;
constexpr std::size_t kClientThreads = 2;  // as in nodeproof-webhook

class FixedClock final : public Clock {
 public:
  UnixTime now() const override { return forge::kNow; }
};

// Takes what a leader writes, and forgets it.
class Nobody final : public webhook::ClusterApi {
 public:
  std::optional<std::string> get_if_exists(const std::string&) override { return std::nullopt; }
  void create(const std::string&, const std::string&) override {}
  void replace(const std::string&, const std::string&) override {}
  void merge_patch(const std::string&, const std::string&) override {}
  void json_patch(const std::string&, const std::string&) override {}
  void remove(const std::string&, const std::string&) override {}
};

// The parts of the webhook that hold its view, as webhook/application.cpp connects them.
class View {
 public:
  View(const webhook::TrustParameters& trust, const std::string& url)
      : client_({.server = url, .token = "t"}, "bench", Seconds(60)),
        intake_(trust, clock_, attestations_, nullptr) {
    add("/api/v1/nodes", intake_.nodes());
    add(wire::kNodeEvidencesPath, intake_.evidences());
    add(wire::kNodeQuotesPath, intake_.quotes());
    add(wire::kAttestationPoliciesPath, intake_.policies());
    add("/api/v1/namespaces", intake_.namespaces());
    add(wire::kNodeInventoriesPath, intake_.inventories());
    add("/api/v1/namespaces/np/secrets", intake_.epoch_secret());
    add("/api/v1/pods", pods_.handler());
    add(wire::kNodeAttestationsPath, attestations_.handler());
  }

  void wait_until_ready() {
    intake_.start();
    for (const auto& watch : watches_) watch->start();
    const auto ready = [this] {
      return intake_.snapshot()->complete &&
             std::all_of(watches_.begin(), watches_.end(), [](const auto& watch) { return watch->synced(); });
    };
    while (!ready()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

  webhook::Snapshot snapshot() const { return *intake_.snapshot(); }
  std::optional<webhook::PodEntry> pod(const std::string& uid) const { return pods_.find(uid); }
  std::size_t pods() const { return pods_.size(); }
  // As the leader: every status is written once.
  void lead() {
    writer_.pass(snapshot(), clock_.now(), [] { return true; });
  }

 private:
  void add(const std::string& path, kube::WatchHandler handler) {
    kube::ListWatchOptions options;
    options.path = path;
    watches_.push_back(std::make_unique<kube::ListWatch>(client_, options, std::move(handler)));
  }

  const FixedClock clock_{};
  kube::ApiClient client_;
  webhook::NodeAttestations attestations_;
  webhook::EvidenceIntake intake_;
  webhook::PodDirectory pods_;
  Nobody nobody_;
  webhook::EventWriter events_{nobody_, webhook::EventsAbout::kNodes};
  webhook::StatusWriter writer_{nobody_, events_, attestations_};
  std::vector<std::unique_ptr<kube::ListWatch>> watches_;  // last: stopped before what they feed
};

// The public-key operations of as many cold verifications, on every core, without anything else. As of the
// cluster's nodes, the AK has a certificate.
Duration pure_crypto(const forge::World& world, std::size_t count) {
  const attest::BootEvidence evidence = forge::make_boot_evidence(world);
  const attest::HclReport hcl = or_throw(attest::parse_hcl_report(evidence.hcl_report));
  const Bytes modulus = or_throw(attest::parse_claimed_ak(hcl.runtime_claims)).rsa_modulus();
  const attest::QuoteEvidence quote = forge::make_quote(world.ak);
  const Bytes signature = or_throw(attest::parse_quote_signature(quote.signature));
  const PureInputs inputs{evidence.certificates[0].der(),
                          evidence.certificates[1].der(),
                          evidence.certificates[2].der(),
                          hcl.hardware_report,
                          modulus,
                          quote.attest,
                          signature,
                          evidence.ak_certificate.value().der(),
                          world.vtpm.intermediate.certificate.der()};
  const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
  std::vector<PureCrypto> workers;
  for (unsigned i = 0; i < cores; ++i) workers.emplace_back(inputs);
  const auto began = steady_clock::now();
  std::vector<std::jthread> threads;
  for (PureCrypto& worker : workers) {
    threads.emplace_back([&worker, share = count / cores] {
      for (std::size_t i = 0; i < share; ++i) worker.cold();
    });
  }
  threads.clear();
  return steady_clock::now() - began;
}

wire::AdmissionRequest binding_to(const std::string& node) {
  wire::AdmissionRequest request;
  request.uid = pod_uid(0);
  request.resource = "pods";
  request.sub_resource = "binding";
  request.operation = "CREATE";
  request.ns = "demo";
  request.name = "settlement";
  request.binding.emplace();
  request.binding->meta.uid = pod_uid(0);
  request.binding->target_kind = "Node";
  request.binding->target_name = node;
  return request;
}

// Of a sensitive pod to each node in turn, allowed.
Duration decision(webhook::Snapshot snapshot, std::size_t nodes) {
  attest::AppraisalPolicy policy;
  policy.name = "confidential";
  webhook::PolicyMap policies;
  policies.emplace(policy.name, policy);
  snapshot.policies = std::make_shared<const webhook::PolicyMap>(policies);
  webhook::NamespaceMap namespaces;
  namespaces["demo"] = {"annotated-pods", std::nullopt};
  snapshot.namespaces = std::make_shared<const webhook::NamespaceMap>(namespaces);
  const webhook::PodEntry pod{"demo", "settlement", pod_uid(0), "", {{"nodeproof.dev/policy", policy.name}}};
  std::vector<wire::AdmissionRequest> requests;
  for (std::size_t i = 0; i < nodes; ++i) requests.push_back(binding_to(node_name(i)));

  const auto began = steady_clock::now();
  for (std::size_t i = 0; i < kDecisions; ++i) {
    const auto decided = webhook::decide(requests[i % nodes], snapshot, pod, forge::kNow, std::nullopt);
    if (!decided.allowed) throw std::runtime_error("a binding was refused: " + decided.message);
  }
  return (steady_clock::now() - began) / kDecisions;
}

double megabytes_kept() {
  webhook::return_free_heap();  // as nodeproof-webhook does every minute
  return static_cast<double>(rss_anon()) / 1e6;
}

void run(std::size_t nodes, std::size_t pods) {
  if (nodes == 0) throw std::runtime_error("a cluster has a node");
  webhook::bound_heap();
  const forge::World world = make_cluster_world();
  const Cluster cluster({nodes, pods, 0}, world);
  spdlog::set_level(spdlog::level::warn);
  kube::limit_http_threads(kClientThreads);
  View view(trust_parameters(world), cluster.url());
  const auto began = steady_clock::now();
  view.wait_until_ready();
  const Duration ready = steady_clock::now() - began;
  std::this_thread::sleep_for(std::chrono::seconds(1));  // for what is given back after the last page
  const double memory = megabytes_kept();
  view.lead();
  const double leading = megabytes_kept();
  if (view.pods() != pods) throw std::runtime_error("not every pod arrived");
  const Duration pure = pure_crypto(world, nodes);
  std::printf("| %zu | %zu | %.2f | %.2f | %.2f | %.1f | %.1f | %.2f |\n", nodes, pods, ready.count(),
              pure.count(), ready / pure, memory, leading, decision(view.snapshot(), nodes).count() * 1e6);
}

std::size_t number(const char* text) {
  std::size_t out = 0;
  const char* end = text + std::strlen(text);
  if (std::from_chars(text, end, out).ptr != end)
    throw std::runtime_error(std::string(text) + " is no number");
  return out;
}

}  // namespace
}  // namespace nodeproof::bench

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: cluster_bench NODES PODS (waiting for a node)\n";
    return 2;
  }
  try {
    nodeproof::bench::run(nodeproof::bench::number(argv[1]), nodeproof::bench::number(argv[2]));
  } catch (const std::exception& error) {
    std::cerr << "cluster_bench: " << error.what() << "\n";
    return 3;
  }
}
