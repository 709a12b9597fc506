// nodeproof-agent: builds the parts and runs the loop until a signal.
#include <iostream>
#include <random>

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "agent/agent_loop.hpp"
#include "agent/command_line.hpp"
#include "agent/esys_tpm.hpp"
#include "agent/health_server.hpp"
#include "agent/measured_tpm.hpp"
#include "agent/published_endorsements.hpp"
#include "agent/stop_signal.hpp"
#include "agent/thim_client.hpp"
#include "kube/command_line.hpp"

namespace nodeproof::agent {
namespace {

constexpr int kEnvironmentError = 3;
// One request at a time keeps no more busy.
constexpr std::size_t kHttpThreads = 2;
// With refreshes of 120 s, after a revocation every node is proven anew within an epoch.
constexpr int kLooksPerRefresh = 4;

int run(const Options& options) {
  const Config& config = options.config;
  StopSignal signal;
  kube::limit_http_threads(kHttpThreads);
  const SystemClock clock;
  Metrics metrics(NODEPROOF_VERSION, clock);
  EsysTpm esys(config.tcti);
  MeasuredTpm tpm(esys, metrics);
  KernelFirmware firmware({config.event_log_file, config.efivars_directory, config.lockdown_file});
  kube::ApiClient client(kube::connection_of(options.kubeconfig, options.config.connection),
                         "nodeproof-agent/" NODEPROOF_VERSION);
  KubeObjectApi api(client);
  CachedEndorsements cached(
      [&config](const std::stop_token& stop) { return fetch_thim_certification(config.thim, stop); },
      config.cache_directory);
  PublishedEndorsements endorsements(cached, api, options.node_name);
  SteadyTimer timer;
  Collector collector(tpm, firmware, endorsements, timer, clock);
  AgentLoop loop({options.node_name, config.ns, config.boot_id_file, config.refresh, config.max_report_age,
                  Milliseconds(config.refresh) / kLooksPerRefresh},
                 {api, tpm, collector, timer, metrics}, std::random_device{}());

  spdlog::info("nodeproof-agent " NODEPROOF_VERSION " speaks for Node {} with the TPM at {}",
               options.node_name, config.tcti);
  if (options.once) return loop.once(signal.token()) ? 0 : kEnvironmentError;
  HealthServer health(config.metrics_listen, config.refresh, metrics, clock);
  health.start();
  spdlog::info("health and metrics at {}:{}", config.metrics_listen.address, health.port());
  loop.run(signal.token());
  spdlog::info("stopped by a signal");
  return 0;
}

}  // namespace
}  // namespace nodeproof::agent

int main(int argc, char** argv) {
  using namespace nodeproof::agent;
  spdlog::set_default_logger(spdlog::stderr_color_mt("nodeproof-agent"));
  try {
    const auto command_line = read_command_line(argc, argv, std::cout, std::cerr);
    if (const int* code = std::get_if<int>(&command_line)) return *code;
    const auto& options = std::get<Options>(command_line);
    nodeproof::kube::set_log_format(options.config.log_format);
    return run(options);
  } catch (const std::exception& e) {
    std::cerr << "nodeproof-agent: " << e.what() << "\n";
    return kEnvironmentError;
  }
}
