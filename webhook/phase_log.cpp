#include "webhook/phase_log.hpp"

#include "kube/log.hpp"

namespace nodeproof::webhook {

void log_phase(const std::string& node, wire::Phase phase, const std::string& code,
               const std::string& detail) {
  const std::string word(wire::to_string(phase));
  std::string message = "node " + node + ": " + word;
  if (!code.empty()) message += " " + code;
  if (!detail.empty()) message += ": " + detail;
  const bool bad = phase == wire::Phase::kFailed || phase == wire::Phase::kStale;
  kube::log_event(
      bad ? spdlog::level::warn : spdlog::level::info, message,
      {{"event", "node-phase"}, {"node", node}, {"phase", word}, {"reason", code}, {"detail", detail}});
}

}  // namespace nodeproof::webhook
