// nodeproof-measured-boot-agent: one refresh of the agent's loop on this machine's TPM, as nodeproof-agent
// --once makes it, but for API objects in a folder: the measured machine has no network.
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <filesystem>
#include <iostream>

#include "agent/agent_loop.hpp"
#include "agent/config.hpp"
#include "agent/esys_tpm.hpp"
#include "base/file.hpp"

namespace nodeproof::agent {
namespace {

namespace fs = std::filesystem;

constexpr int kUsageError = 2;
constexpr int kEnvironmentError = 3;
constexpr std::size_t kFileLimit = 3U << 20U;

// Each object is a file named like its path in the API. Objects are given back as they were stored.
class FolderApi final : public ObjectApi {
 public:
  explicit FolderApi(fs::path folder) : folder_(std::move(folder)) {}

  std::optional<std::string> get_if_exists(const std::string& path) override {
    const auto body = read_file_if_exists(file_of(path.substr(0, path.find('?'))), kFileLimit);
    if (!body) return std::nullopt;
    return std::string(as_text(*body));
  }
  std::string create(const std::string& path, const std::string& json) override {
    const auto meta = parse_object(json, path, wire::parse_metadata);
    if (!meta) throw kube::ApiError(422, "Invalid", to_string(meta.error()));
    return replace(path + "/" + meta->name, json);
  }
  std::string replace(const std::string& path, const std::string& json) override {
    fs::create_directories(file_of(path).parent_path());
    write_file(file_of(path), as_bytes(json));
    return json;
  }

 private:
  fs::path file_of(const std::string& path) const { return folder_ / path.substr(1); }

  fs::path folder_;
};

// The machine has no host that endorses it, as on Trusted Launch.
class NoEndorsements final : public EndorsementSource {
 public:
  std::vector<Bytes> endorsements(const EndorsementKey&, const std::stop_token&) override {
    throw EndorsementError("this machine has no THIM");
  }
};

int run(const std::string& node_name, const fs::path& folder) {
  const Config config;
  FolderApi api(folder);
  EsysTpm tpm(config.tcti);
  KernelFirmware firmware({config.event_log_file, config.efivars_directory, config.lockdown_file});
  NoEndorsements endorsements;
  SteadyTimer timer;
  const SystemClock clock;
  Metrics metrics("measured-boot", clock);
  Collector collector(tpm, firmware, endorsements, timer, clock);
  AgentLoop loop({node_name, config.ns, config.boot_id_file, config.refresh, config.max_report_age},
                 {api, tpm, collector, timer, metrics}, 0);
  return loop.once({}) ? 0 : kEnvironmentError;
}

}  // namespace
}  // namespace nodeproof::agent

int main(int argc, char** argv) {
  using namespace nodeproof::agent;
  spdlog::set_default_logger(spdlog::stderr_color_mt("nodeproof-measured-boot-agent"));
  if (argc != 3) {
    std::cerr << "usage: nodeproof-measured-boot-agent NODE FOLDER\n";
    return kUsageError;
  }
  try {
    return run(argv[1], argv[2]);
  } catch (const std::exception& e) {
    std::cerr << "nodeproof-measured-boot-agent: " << e.what() << "\n";
    return kEnvironmentError;
  }
}
