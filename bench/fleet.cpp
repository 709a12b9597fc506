// The kubelets and agents of many confidential nodes, for bench/run fleet: registers Nodes at a real API
// server, publishes real evidence of each, and goes on renewing quotes and reporting node status as a fleet
// does.
//
//   fleet NODES REFRESH-SECONDS PROXY-URL AUTHORITY-FOLDER
//
// PROXY-URL is a kubectl proxy of a cluster-admin, who acts as each kubelet and each agent in turn. Prints
// "published" once every node has evidence and a quote, and runs until it is ended.
#include <cpprest/http_client.h>

#include <atomic>
#include <cmath>
#include <csignal>
#include <iostream>
#include <set>
#include <stdexcept>
#include <thread>

#include "attest/strict_json.hpp"
#include "base/clock.hpp"
#include "base/or_throw.hpp"
#include "tests/emulator/authority.hpp"
#include "tests/support/forge_node.hpp"
#include "wire/epoch.hpp"
#include "wire/own_api.hpp"

namespace nodeproof::bench {
namespace {

using std::chrono::steady_clock;
using web::http::method;
using web::http::methods;

constexpr const char* kNamespace = "nodeproof-system";
constexpr Seconds kStatusPeriod{300};  // nodeStatusReportFrequency of a kubelet with nothing to tell

// Whom the cluster-admin acts as.
using Headers = std::vector<std::pair<std::string, std::string>>;

class Api {
 public:
  explicit Api(const std::string& proxy) : client_(proxy) {}

  std::string send(const method& verb, const std::string& path, const std::string& body = {},
                   const Headers& as = {}, const char* type = "application/json") {
    web::http::http_request request(verb);
    request.set_request_uri(web::uri(path));
    for (const auto& [key, value] : as) request.headers().add(key, value);
    if (!body.empty()) request.set_body(body, type);
    const web::http::http_response response = client_.request(request).get();
    const std::string text = response.extract_utf8string(true).get();
    if (response.status_code() >= 300)
      throw std::runtime_error(verb + " " + path + ": " + std::to_string(response.status_code()) + " " +
                               text);
    return text;
  }

 private:
  web::http::client::http_client client_;
};

wire::ObjectMeta metadata_of(const std::string& json) {
  const auto document = or_throw(attest::JsonDocument::parse(as_bytes(json), 4U << 20U, "answer"));
  return or_throw(wire::parse_metadata(document.root()));
}

std::string uuid(const char* prefix, std::size_t index) {
  std::array<char, 64> out{};
  std::snprintf(out.data(), out.size(), "%s-0000-4000-8000-%012zx", prefix, index);
  return out.data();
}

struct Node {
  std::string name;
  std::string vm_id;
  forge::PrivateKey ak;
  wire::NodeEvidence evidence{};
  attest::PcrValues pcrs{};
  std::string quote_version{};
  std::uint64_t clock = 60'000;  // of its TPM
  steady_clock::time_point quote_due{};
  steady_clock::time_point status_due{};
};

class Fleet {
 public:
  Fleet(std::size_t nodes, Seconds refresh, std::string proxy, const std::filesystem::path& authority)
      : refresh_(refresh), proxy_(std::move(proxy)), authority_(load(authority)) {
    const auto primes = static_cast<std::size_t>(std::ceil(std::sqrt(static_cast<double>(nodes))));
    std::vector<forge::PrivateKey> aks = forge::PrivateKey::rsa_grid(primes, primes);
    for (std::size_t i = 0; i < nodes; ++i) {
      std::array<char, 64> name{};
      std::snprintf(name.data(), name.size(), "aks-cvmpool-12345678-vmss%06zx", i);
      nodes_.push_back({name.data(), uuid("cccccccc", i), std::move(aks[i])});
    }
  }

  // Spread over the period by the place in the fleet, as agents do by their names.
  void publish() {
    const auto began = steady_clock::now();
    in_parallel([&](Api& api, std::size_t index) {
      join(api, index);
      const double place = static_cast<double>(index) / static_cast<double>(nodes_.size());
      nodes_[index].quote_due = began + spread(refresh_, place) + refresh_;
      nodes_[index].status_due = began + spread(kStatusPeriod, place) + kStatusPeriod;
    });
  }

  [[noreturn]] void live() {
    Api api(proxy_);
    for (;;) {
      const auto now = steady_clock::now();
      for (Node& node : nodes_) {
        if (node.quote_due <= now) renew(api, node);
        if (node.status_due <= now) report(api, node);
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }

 private:
  static forge::World load(const std::filesystem::path& folder) {
    emulator::Authority made = emulator::load_authority(folder, attest::Product::kMilan);
    return {std::move(made.amd), std::move(made.vtpm), forge::PrivateKey::rsa(2048),
            forge::PrivateKey::rsa(2048)};
  }
  static steady_clock::duration spread(Seconds period, double place) {
    return std::chrono::duration_cast<steady_clock::duration>(std::chrono::duration<double>(period) * place);
  }

  template <typename Work>
  void in_parallel(Work work) {
    std::atomic<std::size_t> next{0};
    std::vector<std::jthread> threads;
    for (int i = 0; i < 2; ++i) {
      threads.emplace_back([&] {
        Api api(proxy_);
        for (std::size_t index = next++; index < nodes_.size(); index = next++) {
          work(api, index);
          if (index % 1000 == 999)
            std::cerr << "  " << index + 1 << " of " << nodes_.size() << " nodes joined\n";
        }
      });
    }
  }

  Headers kubelet(const Node& node) const {
    return {{"Impersonate-User", "system:node:" + node.name}, {"Impersonate-Group", "system:nodes"}};
  }
  // As a token that the kubelet projected into the agent's pod makes it known.
  Headers agent(const Node& node) const {
    const std::string claim = "Impersonate-Extra-authentication.kubernetes.io%2Fnode-";
    return {{"Impersonate-User", std::string("system:serviceaccount:") + kNamespace + ":nodeproof-agent"},
            {claim + "name", node.name},
            {claim + "uid", node.evidence.boot.node_uid}};
  }

  wire::PublishedEpoch epoch(Api& api) const {
    const std::string json = api.send(methods::GET, std::string("/api/v1/namespaces/") + kNamespace +
                                                        "/configmaps/" + std::string(wire::kEpochConfigMap));
    const auto document = or_throw(attest::JsonDocument::parse(as_bytes(json), 1U << 20U, "ConfigMap"));
    return or_throw(wire::parse_epoch_config_map(document.root()));
  }

  void join(Api& api, std::size_t index) {
    Node& node = nodes_[index];
    const std::string boot_id = uuid("bbbbbbbb", index);
    const std::string created = api.send(
        methods::POST, "/api/v1/nodes",
        R"({"apiVersion":"v1","kind":"Node","metadata":{"name":")" + node.name +
            R"("},"status":{"nodeInfo":{"bootID":")" + boot_id + R"(","systemUUID":")" + node.vm_id +
            R"(","machineID":"","kernelVersion":"","osImage":"","containerRuntimeVersion":"","kubeletVersion":"v1.33.0",)"
            R"("kubeProxyVersion":"","operatingSystem":"linux","architecture":"amd64"}}})",
        kubelet(node));
    const wire::PublishedEpoch now = epoch(api);
    forge::BootOptions options;
    for (std::size_t i = 0; i < 8; ++i) options.vcek.chip_id[i] = static_cast<std::uint8_t>(index >> (8 * i));
    options.edit_report = [&](attest::SnpReport& report) { report.chip_id = options.vcek.chip_id; };
    options.claims.vm_id = node.vm_id;
    const attest::BootIdentity boot{metadata_of(created).uid, boot_id};
    options.claims.user_data = attest::report_challenge(now.epoch.kid, now.nonce, boot);
    node.evidence = forge::make_node_evidence(options, world_of(node));
    node.evidence.name = node.name;
    node.evidence.boot = boot;
    node.evidence.collected = now.epoch;
    node.pcrs = forge::make_pcrs(node.vm_id);
    api.send(methods::POST, wire::kNodeEvidencesPath, wire::to_json(node.evidence), agent(node));
    renew(api, node);
  }

  forge::World world_of(const Node& node) const { return forge::with_ak(authority_, node.ak.share()); }

  void renew(Api& api, Node& node) {
    const wire::PublishedEpoch now = epoch(api);
    node.clock += 1000;
    forge::Answer answer{.epoch = now.epoch, .nonce = now.nonce};
    answer.quote.pcrs = node.pcrs;
    answer.quote.clock = node.clock;
    wire::NodeQuote quote = forge::make_node_quote(node.evidence, answer, world_of(node));
    quote.resource_version = node.quote_version;
    const bool first = node.quote_version.empty();
    const std::string stored =
        api.send(first ? methods::POST : methods::PUT,
                 first ? wire::kNodeQuotesPath : wire::object_path(wire::kNodeQuotesPath, node.name),
                 wire::to_json(quote), agent(node));
    node.quote_version = metadata_of(stored).resource_version;
    node.quote_due += refresh_;
  }

  void report(Api& api, Node& node) {
    const std::string time = to_rfc3339(SystemClock().now());
    api.send(methods::PATCH, "/api/v1/nodes/" + node.name + "/status",
             R"({"status":{"conditions":[{"type":"Ready","status":"True","lastHeartbeatTime":")" + time +
                 R"(","lastTransitionTime":")" + time +
                 R"(","reason":"KubeletReady","message":"simulated"}]}})",
             kubelet(node), "application/strategic-merge-patch+json");
    node.status_due += kStatusPeriod;
  }

  const Seconds refresh_;
  const std::string proxy_;
  const forge::World authority_;
  std::vector<Node> nodes_;
};

}  // namespace
}  // namespace nodeproof::bench

int main(int argc, char** argv) {
  if (argc != 5) {
    std::cerr << "usage: fleet NODES REFRESH-SECONDS PROXY-URL AUTHORITY-FOLDER\n";
    return 2;
  }
  try {
    nodeproof::bench::Fleet fleet(std::stoul(argv[1]), nodeproof::Seconds(std::stol(argv[2])), argv[3],
                                  argv[4]);
    fleet.publish();
    std::cout << "published" << std::endl;
    fleet.live();
  } catch (const std::exception& error) {
    std::cerr << "fleet: " << error.what() << '\n';
    return 1;
  }
}
