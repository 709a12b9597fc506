// The cluster that bench/run edge puts the webhook into: an API server that answers every list of the
// webhook's once and then stays silent, with one verified node, one policy, one enrolled namespace and
// one pod that waits. So the real program decides real reviews, and nothing else keeps it busy.
//
//   edge_cluster FOLDER CERTIFICATE KEY
//
// FOLDER/authority gets what the webhook must trust. Prints its port once it serves, and runs until it
// is ended.
#include <openssl/ssl.h>

#include <csignal>
#include <iostream>
#include <map>
#include <stdexcept>

#include "base/clock.hpp"
#include "tests/emulator/authority.hpp"
#include "tests/support/api_answers.hpp"
#include "tests/support/forge_node.hpp"
#include "wire/epoch.hpp"
#include "wire/own_api.hpp"

namespace nodeproof::bench {
namespace {

using test::ScriptedConnection;
using test::ScriptedRequest;

// The pod and the node that the recorded reviews are about.
constexpr const char* kNode = "node-b";
constexpr const char* kPod =
    R"({"metadata":{"name":"gpu-1","namespace":"demo","uid":"de437f31-c51d-4217-aa4c-bc7b1b8593a8",)"
    R"("annotations":{"nodeproof.dev/policy":"confidential"}},"spec":{}})";
constexpr const char* kPolicy = R"({"metadata":{"name":"confidential"},"spec":{"maxEvidenceAge":"24h"}})";
constexpr const char* kNamespace =
    R"({"metadata":{"name":"demo","labels":{"nodeproof.dev/enforce":"annotated-pods"}}})";

constexpr unsigned kRsaBits = 2048;
constexpr std::uint64_t kEpochsAround = 1000;  // of the key: eight hours to either side

forge::World make_world(const std::filesystem::path& authority, UnixTime now) {
  emulator::make_authority(authority, kRsaBits, now);
  emulator::Authority made = emulator::load_authority(authority, attest::Product::kMilan);
  return {std::move(made.amd), std::move(made.vtpm), forge::PrivateKey::rsa(kRsaBits),
          forge::PrivateKey::rsa(kRsaBits)};
}

wire::EpochKeyGeneration make_generation(std::uint64_t epoch) {
  wire::EpochKeyGeneration out;
  out.kid = forge::kKid;
  out.key.fill(7);
  out.first = epoch - kEpochsAround;
  out.last = epoch + kEpochsAround;
  return out;
}

wire::NodeEvidence make_evidence(const forge::World& world, UnixTime now, std::uint64_t epoch) {
  forge::BootOptions options;
  const forge::Validity validity{now - std::chrono::hours(1), now + std::chrono::hours(24)};
  options.vcek.validity = validity;
  options.ak_certificate.validity = validity;
  options.hcl_padding = 0;
  const attest::BootEvidence boot = forge::make_boot_evidence(world, options);
  wire::NodeEvidence out;
  out.name = kNode;
  out.boot = {forge::kNodeUid, forge::kBootId};
  out.platform = wire::kPlatformSnp;
  out.collected = {forge::kKid, epoch};
  out.hcl_report = boot.hcl_report;
  for (const attest::Certificate& certificate : boot.certificates)
    out.certificates.push_back(certificate.der());
  out.ak_certificate = boot.ak_certificate.value().der();
  return out;
}

wire::NodeQuote make_quote(const forge::World& world, const wire::NodeEvidence& evidence,
                           const wire::EpochKeyGeneration& generation, std::uint64_t epoch) {
  wire::NodeQuote out;
  out.name = kNode;
  out.boot = evidence.boot;
  out.epoch = {generation.kid, epoch};
  out.nonce = attest::epoch_nonce(generation.key, epoch);
  out.evidence_digest = evidence.digest();
  forge::QuoteOptions options;
  options.qualifying_data =
      to_bytes(attest::qualifying_data(generation.kid, out.nonce, out.boot, out.evidence_digest));
  const attest::QuoteEvidence quote = forge::make_quote(world.ak, options);
  out.attest = quote.attest;
  out.signature = quote.signature;
  out.pcrs = quote.pcrs;
  return out;
}

std::string node_object() {
  return R"({"metadata":{"name":")" + std::string(kNode) + R"(","uid":")" + forge::kNodeUid +
         R"("},"status":{"nodeInfo":{"bootID":")" + forge::kBootId + R"(","systemUUID":")" +
         std::string(forge::kVmId) + R"("}}})";
}

// The items of each collection, by path. Nothing changes afterwards.
using Collections = std::map<std::string, std::string>;

Collections make_collections(const std::filesystem::path& authority) {
  const UnixTime now = SystemClock().now();
  const std::uint64_t epoch = attest::epoch_at(now, attest::kDefaultEpochLength);
  const wire::EpochKeyGeneration generation = make_generation(epoch);
  const forge::World world = make_world(authority, now);
  const wire::NodeEvidence evidence = make_evidence(world, now, epoch - 1);
  return {{"/api/v1/nodes", node_object()},
          {"/api/v1/namespaces", kNamespace},
          {"/api/v1/pods", kPod},
          {"/api/v1/namespaces/nodeproof-system/secrets",
           wire::epoch_secret({generation}, "nodeproof-system", "1")},
          {wire::kNodeEvidencesPath, to_json(evidence)},
          {wire::kNodeQuotesPath, to_json(make_quote(world, evidence, generation, epoch))},
          {wire::kAttestationPoliciesPath, kPolicy},
          {wire::kNodeInventoriesPath, ""},
          {wire::kNodeAttestationsPath, ""}};
}

void answer(const Collections& collections, const ScriptedRequest& request, ScriptedConnection& connection) {
  // The webhook compares its clock by the answer about the lease: a refusal is dated, too.
  const std::vector<std::string> date{test::date_header(SystemClock().now())};
  const auto found = collections.find(test::path_of(request));
  if (request.method != "GET" || found == collections.end()) {
    // The webhook stays a follower: it may not even read the lease.
    return connection.reply(403, R"({"kind":"Status","code":403,"reason":"Forbidden"})", date);
  }
  if (test::is_watch(request)) return test::watch_quietly(connection);
  connection.reply(200, test::list_json(found->second), date);
}

UniqueHandle<SSL_CTX, SSL_CTX_free> make_context(const char* certificate, const char* key) {
  UniqueHandle<SSL_CTX, SSL_CTX_free> context(SSL_CTX_new(TLS_server_method()));
  if (context == nullptr || SSL_CTX_use_certificate_chain_file(context.get(), certificate) != 1 ||
      SSL_CTX_use_PrivateKey_file(context.get(), key, SSL_FILETYPE_PEM) != 1) {
    throw std::runtime_error(std::string("cannot use ") + certificate + " and " + key);
  }
  return context;
}

int run(const std::filesystem::path& folder, const char* certificate, const char* key) {
  sigset_t signals{};  // before any thread is started, so that all inherit it
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  const Collections collections = make_collections(folder / "authority");
  const auto context = make_context(certificate, key);
  const test::ScriptedHttpServer server(
      [&collections](const ScriptedRequest& request, ScriptedConnection& connection) {
        answer(collections, request, connection);
      },
      context.get());
  const std::string url = server.url();
  std::cout << url.substr(url.rfind(':') + 1) << std::endl;
  int signal = 0;
  sigwait(&signals, &signal);
  return 0;
}

}  // namespace
}  // namespace nodeproof::bench

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: edge_cluster FOLDER CERTIFICATE KEY\n";
    return 2;
  }
  try {
    return nodeproof::bench::run(argv[1], argv[2], argv[3]);
  } catch (const std::exception& error) {
    std::cerr << "edge_cluster: " << error.what() << '\n';
    return 1;
  }
}
