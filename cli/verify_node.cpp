#include "cli/verify_node.hpp"

#include <ostream>

#include "cli/node_verdict.hpp"
#include "cli/printable.hpp"

namespace nodeproof::cli {
namespace {

Result<ExitCode> judge(const NodeOptions& options, UnixTime now, std::ostream& out, std::ostream& err) {
  NODEPROOF_TRY(trust, read_trust(options, now));
  NODEPROOF_TRY(reference_values, read_reference_values(options.reference_values));
  NODEPROOF_TRY(objects, read_objects(options));
  name_extra_anchors(err, trust.anchors);
  const Verdict verdict = node_verdict(objects, {.anchors = trust.anchors,
                                                 .reference_values = reference_values,
                                                 .now = trust.at,
                                                 .revocation_lists = trust.revocation_lists});
  if (!options.json) out << "Node " << printable(objects.name) << "\n\n";
  (options.json ? print_json : print_checklist)(out, verdict);
  return verdict.verified() ? kVerified : kRefused;
}

}  // namespace

Result<NodeObjects> read_objects(const NodeOptions& options) {
  if (!options.file.empty()) return read_node_objects(options.file, options.node);
  if (!options.node.empty()) return fetch_node_objects(*connect(options), options.node);
  return Error{Errc::kMissing, "NODE", "name a node, or a file with -f"};
}

ExitCode verify_node(const NodeOptions& options, UnixTime now, std::ostream& out, std::ostream& err) {
  return run_verb("verify node", err, [&] { return judge(options, now, out, err); });
}

}  // namespace nodeproof::cli
