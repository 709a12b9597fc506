#include "cli/node_log.hpp"

#include <ostream>

#include "cli/printable.hpp"
#include "cli/verify_event_log.hpp"

namespace nodeproof::cli {
namespace {

std::optional<PcrBanks> quoted_pcrs(const NodeObjects& objects) {
  if (!objects.quote || !*objects.quote) return std::nullopt;
  PcrBanks out;
  for (const auto& [pcr, value] : (*objects.quote)->pcrs)
    out[attest::kTpmAlgSha256].emplace(pcr, to_bytes(value));
  return out;
}

std::string why_none(const wire::NodeEvidence& evidence) {
  if (!evidence.no_event_log) return "its agent does not collect event logs yet; update it";
  const wire::CollectionState& state = *evidence.no_event_log;
  return state.code + (state.detail.empty() ? "" : ": " + state.detail);
}

Result<ExitCode> print_log(const NodeOptions& options, std::ostream& out, std::ostream& err) {
  NODEPROOF_TRY(objects, read_objects(options));
  if (!objects.evidence) {
    return Error{Errc::kMissing, objects.name,
                 "has published no NodeEvidence; check that the nodeproof agent runs on the node"};
  }
  NODEPROOF_TRY(evidence, *objects.evidence);
  if (evidence.event_log.empty()) {
    err << "nodeproof node log: node " << printable(objects.name)
        << " has no event log: " << printable(why_none(evidence)) << '\n';
    return kRefused;
  }
  if (!options.json)
    out << "Node " << printable(objects.name) << ", boot " << evidence.boot.boot_id << "\n\n";
  return print_event_log(evidence.event_log, quoted_pcrs(objects), options.json, out);
}

}  // namespace

ExitCode node_log(const NodeOptions& options, std::ostream& out, std::ostream& err) {
  return run_verb("node log", err, [&] { return print_log(options, out, err); });
}

}  // namespace nodeproof::cli
