#include "bench/cluster.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <map>
#include <stdexcept>
#include <thread>
#include <vector>

#include "tests/support/api_answers.hpp"
#include "wire/epoch.hpp"
#include "wire/own_api.hpp"

namespace nodeproof::bench {
namespace {

using test::ScriptedConnection;
using test::ScriptedHttpServer;
using test::ScriptedRequest;

constexpr unsigned kAmdRsaBits = 4096;
constexpr Seconds kEpochLength = attest::kDefaultEpochLength;
constexpr std::size_t kPodSize = 4800;  // the mean of performance-limits' pods
constexpr std::size_t kEventSize = 4000;
const std::uint64_t kEpoch = attest::epoch_at(forge::kNow, kEpochLength);

wire::EpochKeyGeneration generation() {
  wire::EpochKeyGeneration out;
  out.kid = forge::kKid;
  out.key.fill(7);
  out.first = kEpoch - 100;
  out.last = kEpoch + 100;
  return out;
}

// `prefix`-0000-4000-8000-<index>
std::string uuid(const char* prefix, std::size_t index) {
  std::array<char, 37> out{};
  std::snprintf(out.data(), out.size(), "%s-0000-4000-8000-%012zx", prefix, index);
  return out.data();
}

// With the labels that the leader gives a node.
std::string node_json(std::size_t index, const std::string& vm_id) {
  const std::string ours(wire::kNodeLabelPrefix);
  std::string labels = R"("kubernetes.io/arch":"amd64")";
  for (const auto& [key, value] : {std::pair(ours + "attestation", "verified"),
                                   {ours + "measured-boot", "verified"},
                                   {ours + "secure-boot", "enabled"},
                                   {ours + "tee", "sev-snp"},
                                   {ours + "trusted-launch", "verified"},
                                   {ours + "vtpm", "verified"},
                                   {std::string(wire::kPolicyLabelPrefix) + "confidential", "met"}})
    labels += ",\"" + key + "\":\"" + value + '"';
  return R"({"metadata":{"name":")" + node_name(index) + R"(","uid":")" + uuid("aaaaaaaa", index) +
         R"(","resourceVersion":"1","labels":{)" + labels + R"(}},"status":{"nodeInfo":{"bootID":")" +
         uuid("bbbbbbbb", index) + R"(","systemUUID":")" + vm_id + R"("}}})";
}

// As the leader wrote it, but for what nobody reads back.
std::string attestation_json(std::size_t index, const forge::PrivateKey& ak) {
  wire::NodeAttestationStatus status;
  status.phase = wire::Phase::kVerified;
  const forge::QuoteOptions first;
  status.counters = wire::CounterMark{.ak = attest::ak_name_digest(ak.rsa_modulus()),
                                      .boot_id = uuid("bbbbbbbb", index),
                                      .reset_count = first.reset_count,
                                      .restart_count = first.restart_count};
  const std::vector<wire::StatusCondition> conditions{
      {std::string(wire::kVerifiedCondition), "True", "Verified",
       "the node's evidence and a fresh quote over it verified", forge::kNow},
      {std::string(wire::kUnprovenPodsCondition), "False", "NoneFound",
       "every sensitive pod that runs here is proven", forge::kNow}};
  return R"({"metadata":{"name":")" + node_name(index) + R"(","resourceVersion":"1"},"spec":{"nodeUID":")" +
         uuid("aaaaaaaa", index) + R"("},)" + wire::status_patch(status, conditions).substr(1);
}

// The objects of all nodes, as the API server would send them.
struct NodeObjects {
  std::vector<std::string> nodes, evidences, quotes, attestations;
};

// Of machines with an AK each, as one AK that several nodes hold would refuse them all.
std::vector<forge::PrivateKey> make_aks(std::size_t count) {
  std::size_t side = 1;
  while (side * side < count) ++side;
  return forge::PrivateKey::rsa_grid(side, side);
}

void forge_one(const forge::World& world, std::size_t index, NodeObjects& out) {
  const attest::BootIdentity boot{uuid("aaaaaaaa", index), uuid("bbbbbbbb", index)};
  const auto key = generation().key;
  forge::BootOptions options;
  for (std::size_t i = 0; i < 8; ++i) {
    options.vcek.chip_id[i] = static_cast<std::uint8_t>(index >> (8 * i));
  }
  options.edit_report = [&](attest::SnpReport& report) { report.chip_id = options.vcek.chip_id; };
  options.claims.user_data =
      attest::report_challenge(forge::kKid, attest::epoch_nonce(key, kEpoch - 3), boot);
  wire::NodeEvidence evidence = forge::make_node_evidence(options, world);
  evidence.name = node_name(index);
  evidence.boot = boot;
  evidence.collected.number = kEpoch - 3;
  evidence.resource_version = "1";
  wire::NodeQuote quote = forge::make_node_quote(
      evidence, {.epoch = {forge::kKid, kEpoch}, .nonce = attest::epoch_nonce(key, kEpoch)}, world);
  quote.resource_version = "1";
  out.nodes[index] = node_json(index, options.claims.vm_id);
  out.attestations[index] = attestation_json(index, world.ak);
  out.evidences[index] = wire::to_json(evidence);
  out.quotes[index] = wire::to_json(quote);
}

NodeObjects forge_all(const forge::World& world, std::size_t count) {
  NodeObjects out;
  for (auto* list : {&out.nodes, &out.evidences, &out.quotes, &out.attestations}) list->resize(count);
  std::atomic<std::size_t> next{0};
  const std::vector<forge::PrivateKey> aks = make_aks(count);
  std::vector<std::jthread> threads;
  for (unsigned i = 0; i < std::max(1U, std::thread::hardware_concurrency()); ++i) {
    threads.emplace_back([&] {
      for (std::size_t index = next++; index < count; index = next++) {
        forge_one(forge::with_ak(world, aks[index].share()), index, out);
        if (index % 1000 == 999) std::fprintf(stderr, "  %zu of %zu nodes forged\n", index + 1, count);
      }
    });
  }
  return threads.clear(), out;
}

std::string pod_json(std::size_t index) {
  std::string out = R"({"metadata":{"name":"settlement-7d4b9c6f5d-)" + std::to_string(100000 + index) +
                    R"(","generateName":"settlement-7d4b9c6f5d-","namespace":"team-)" +
                    std::to_string(index % 200) + R"(","uid":")" + pod_uid(index) +
                    R"(","resourceVersion":"1","creationTimestamp":"2026-08-25T00:00:00Z",)"
                    R"("labels":{"app":"settlement","pod-template-hash":"7d4b9c6f5d"},)"
                    R"("annotations":{"kubernetes.io/config.seen":"2026-08-25T00:00:00Z"}},)"
                    R"("spec":{"containers":[{"name":"main","image":"registry.example/settlement:1","env":[)";
  for (std::size_t i = 0; out.size() < kPodSize - 260; ++i) {
    out += (i == 0 ? "" : ",") + (R"({"name":"SETTING_)" + std::to_string(i)) +
           R"(","value":"some value of a usual length"})";
  }
  return out + R"(],"resources":{"requests":{"cpu":"1","memory":"1Gi"}}}],"restartPolicy":"Always",)"
               R"("schedulerName":"default-scheduler"},"status":{"phase":"Pending","conditions":[)"
               R"({"type":"PodScheduled","status":"False","reason":"Unschedulable"}]}})";
}

void stream_events(ScriptedConnection& to, std::size_t count) {
  const std::string padding(kEventSize - 120, 'x');
  to.begin_chunks();
  std::string batch;
  for (std::size_t i = 0; i < count; ++i) {
    batch += R"({"type":"MODIFIED","object":{"metadata":{"name":"e","resourceVersion":")" +
             std::to_string(i + 2) + R"("},"note":")" + padding + "\"}}\n";
    if (batch.size() < 64000 && i + 1 < count) continue;
    to.chunk(batch);
    batch.clear();
  }
  to.silence(std::chrono::hours(24));
}

// Pages are made beforehand: the server must not be what is waited for.
class Server {
 public:
  Server(const ClusterSize& size, const forge::World& world)
      : lists_(make_lists(size, world)), events_(size.events) {}

  void answer(const ScriptedRequest& request, ScriptedConnection& to) const {
    const std::string path = test::path_of(request);
    if (test::is_watch(request))
      return path == kEventsPath ? stream_events(to, events_) : test::watch_quietly(to);
    const auto list = lists_.find(path);
    to.reply(200, list == lists_.end() ? test::list_json({}) : list->second.at(test::page_asked_for(request)),
             {test::date_header(forge::kNow)});
  }

 private:
  using Pages = std::vector<std::string>;

  static std::map<std::string, Pages> make_lists(const ClusterSize& size, const forge::World& world) {
    const NodeObjects objects = forge_all(world, size.nodes);
    const auto pages_of = [](const std::vector<std::string>& each) {
      return test::pages_of(each.size(), kPageSize, [&each](std::size_t i) { return each[i]; });
    };
    return {{"/api/v1/nodes", pages_of(objects.nodes)},
            {"/api/v1/pods", pod_pages(size.pods)},
            {"/api/v1/namespaces/np/secrets", pages_of({wire::epoch_secret({generation()}, "np", "1")})},
            {wire::kNodeEvidencesPath, pages_of(objects.evidences)},
            {wire::kNodeQuotesPath, pages_of(objects.quotes)},
            {wire::kNodeAttestationsPath, pages_of(objects.attestations)}};
  }

  std::map<std::string, Pages> lists_;  // by path; all others are empty
  std::size_t events_;
};

// The child: serves until it is killed, or its parent is gone.
[[noreturn]] void serve(const ClusterSize& size, const forge::World& world, int to_parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const Server server(size, world);
  const ScriptedHttpServer listener(
      [&server](const ScriptedRequest& request, ScriptedConnection& to) { server.answer(request, to); });
  const std::string url = listener.url();
  if (::write(to_parent, url.data(), url.size()) < 0) std::_Exit(1);
  ::close(to_parent);
  for (;;) ::pause();
}

}  // namespace

forge::World make_cluster_world() {
  forge::AmdOptions amd;
  amd.rsa_bits = kAmdRsaBits;
  return {forge::make_amd_authority(amd), forge::make_vtpm_authority(), forge::PrivateKey::rsa(2048),
          forge::PrivateKey::rsa(2048)};
}

webhook::TrustParameters trust_parameters(const forge::World& world) {
  webhook::TrustParameters out;
  out.anchors = forge::trust_anchors_of(world);
  out.reference_values = forge::reference_values_of(world);
  out.epoch_length = kEpochLength;
  return out;
}

std::string node_name(std::size_t index) {
  std::array<char, 64> out{};
  std::snprintf(out.data(), out.size(), "aks-cvmpool-12345678-vmss%06zx", index);
  return out.data();
}

std::string pod_uid(std::size_t index) {
  std::array<char, 37> out{};
  // The first half is random in real ones; here a number that spreads as well.
  const auto spread = static_cast<std::uint32_t>(index * 2654435761U);
  std::snprintf(out.data(), out.size(), "%08x-0000-4000-8000-%012zx", spread, index);
  return out.data();
}

std::vector<std::string> pod_pages(std::size_t pods) {
  return test::pages_of(pods, kPageSize, pod_json);
}

Cluster::Cluster(const ClusterSize& size, const forge::World& world) {
  std::array<int, 2> pipe{};
  if (::pipe(pipe.data()) != 0) throw std::runtime_error("cannot make a pipe");
  child_ = ::fork();
  if (child_ < 0) throw std::runtime_error("cannot fork");
  if (child_ == 0) {
    ::close(pipe[0]);
    serve(size, world, pipe[1]);
  }
  ::close(pipe[1]);
  std::array<char, 64> url{};
  const ssize_t got = ::read(pipe[0], url.data(), url.size());
  ::close(pipe[0]);
  if (got <= 0) throw std::runtime_error("the API server of the benchmark did not start");
  url_.assign(url.data(), static_cast<std::size_t>(got));
}

Cluster::~Cluster() {
  ::kill(child_, SIGKILL);
  ::waitpid(child_, nullptr, 0);
}

}  // namespace nodeproof::bench
