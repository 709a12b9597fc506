#include "cli/nodes.hpp"

#include <cpprest/json.h>

#include <algorithm>
#include <array>
#include <iomanip>
#include <ostream>

#include "cli/cluster_objects.hpp"
#include "cli/printable.hpp"
#include "cli/unverified.hpp"
#include "cli/verdict_json.hpp"
#include "webhook/node_status.hpp"

namespace nodeproof::cli {
namespace {

using web::json::value;
using wire::NodeAttestationStatus;

struct Row {
  std::string node;
  NodeAttestationStatus status;               // judged here
  std::optional<Seconds> age;                 // of the proof
  std::optional<wire::ToldAttestation> told;  // by a NodeAttestation of this very Node

  bool agrees() const { return told && told->phase == wire::to_string(status.phase); }
};

bool covers(const NodeAttestationStatus& status, attest::Check check) {
  return attest::find(status.findings, check) == nullptr;
}

// "SEV-SNP Milan, vTPM; not: Secure Boot (disabled)". Without a proof nothing is covered.
std::string summary_of(const NodeAttestationStatus& status) {
  if (status.verified_at.empty()) return "-";
  struct Part {
    bool covered;
    std::string words;
    std::string otherwise;
  };
  const std::array parts{
      Part{status.tee != "none", "SEV-SNP " + status.product, "memory encryption (no TEE proven)"},
      Part{status.vtpm == "verified", "vTPM", "vTPM (" + status.vtpm + ")"},
      Part{status.secure_boot == "enabled", "Secure Boot", "Secure Boot (" + status.secure_boot + ")"},
      Part{status.measured_boot == "verified", "measured boot",
           "measured boot (" + status.measured_boot + ")"},
      Part{covers(status, attest::Check::kNodeInventory), "identity by inventory", "identity by inventory"}};
  std::string in;
  std::string out;
  for (const Part& part : parts) {
    std::string& to = part.covered ? in : out;
    to += (to.empty() ? "" : ", ") + (part.covered ? part.words : part.otherwise);
  }
  return in + (out.empty() ? "" : (in.empty() ? "not: " : "; not: ") + out);
}

std::vector<Row> rows_of(const ClusterObjects& objects, const webhook::Snapshot& snapshot,
                         const std::vector<std::string>& wanted, UnixTime now) {
  std::vector<Row> out;
  for (const webhook::NodeMap::Entry& node : *snapshot.nodes) {
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), node->name) == wanted.end()) continue;
    Row row{node->name, webhook::status_of(*node, snapshot, now), {}, {}};
    if (node->trust->claims) row.age = attest::age_of(*node->trust->claims, now);
    const auto told = objects.told.find(node->name);
    if (told != objects.told.end() && told->second.node_uid == node->uid()) row.told = told->second;
    out.push_back(std::move(row));
  }
  return out;
}

std::string or_dash(const std::string& text) {
  return text.empty() ? "-" : printable(text);
}

std::string told_of(const Row& row) {
  if (!row.told || row.told->phase.empty()) return "-";
  const std::string code = row.told->code.empty() ? "" : " " + row.told->code;
  return printable(row.told->phase + code) + (row.agrees() ? "" : " (!)");
}

void print(std::ostream& out, const std::vector<Row>& rows) {
  using Cells = std::array<std::string, 6>;
  std::vector<Cells> lines{{"NODE", "PHASE", "REASON", "AGE", "TOLD", "COVERAGE"}};
  for (const Row& row : rows) {
    lines.push_back({printable(row.node), std::string(wire::to_string(row.status.phase)),
                     or_dash(row.status.code), row.age ? to_duration(*row.age) : "-", told_of(row),
                     printable(summary_of(row.status))});
  }
  std::array<std::size_t, std::tuple_size_v<Cells>> widths{};
  for (const Cells& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size() + 2);
  }
  for (const Cells& line : lines) {
    for (std::size_t i = 0; i + 1 < line.size(); ++i)
      out << std::left << std::setw(static_cast<int>(widths[i])) << line[i];
    out << line.back() << '\n';
  }
  const auto proven = std::count_if(
      rows.begin(), rows.end(), [](const Row& row) { return row.status.phase == wire::Phase::kVerified; });
  out << '\n'
      << proven << " of " << rows.size() << (rows.size() == 1 ? " node" : " nodes") << " Verified.\n"
      << "TOLD is what NodeAttestation says, written by the webhook's leader: no decision rests on it, here "
         "or there; (!) marks where it says otherwise. All else is judged from here, from the evidence.\n";
  print_unverified(out);
}

value list_of(const std::vector<std::string>& texts) {
  std::vector<value> out;
  for (const std::string& text : texts) out.push_back(json_text(text));
  return value::array(std::move(out));
}

value to_value(const Row& row) {
  value out = value::object();
  out["node"] = json_text(row.node);
  out["phase"] = json_text(wire::to_string(row.status.phase));
  out["reason"] = json_text(row.status.code);
  out["detail"] = json_text(row.status.detail);
  out["remedy"] = json_text(row.status.remedy);
  out["evidenceAgeSeconds"] =
      row.age ? value::number(static_cast<std::int64_t>(row.age->count())) : value::null();
  out["tee"] = json_text(row.status.tee);
  out["trustedLaunch"] = json_text(row.status.trusted_launch);
  out["vtpm"] = json_text(row.status.vtpm);
  out["secureBoot"] = json_text(row.status.secure_boot);
  out["measuredBoot"] = json_text(row.status.measured_boot);
  out["coverage"] = list_of(row.status.coverage);
  out["told"] = value::null();
  if (!row.told) return out;
  out["told"] = value::object();
  out["told"]["phase"] = json_text(row.told->phase);
  out["told"]["reason"] = json_text(row.told->code);
  out["told"]["verifiedAt"] = json_text(row.told->verified_at);
  out["told"]["agrees"] = value::boolean(row.agrees());
  return out;
}

void print_json(std::ostream& out, const std::vector<Row>& rows) {
  value root = value::object();
  std::vector<value> nodes;
  for (const Row& row : rows) nodes.push_back(to_value(row));
  root["nodes"] = value::array(std::move(nodes));
  root["notVerified"] = unverified();
  out << root.serialize() << '\n';
}

Status gather(const NodesOptions& options, ClusterObjects& objects) {
  if (!options.files.empty()) return read_cluster_objects(options.files, objects);
  const auto api = connect(options);
  fetch_policies(*api, objects);
  fetch_inventories(*api, objects);
  fetch_attestations(*api, objects);
  fetch_nodes(*api, objects);
  return Ok{};
}

// Whom nobody knows is not Verified, and not silently left out.
Status check_known(const NodesOptions& options, const webhook::Snapshot& snapshot) {
  for (const std::string& name : options.nodes) {
    if (snapshot.nodes->contains(name)) continue;
    if (options.files.empty())
      throw std::runtime_error("the cluster has no node " + printable(name) + ". See kubectl get nodes");
    return Error{Errc::kMissing, options.files.front(), "holds no Node " + printable(name)};
  }
  return Ok{};
}

Result<ExitCode> run(const NodesOptions& options, UnixTime now, std::ostream& out, std::ostream& err) {
  NODEPROOF_TRY(trust, read_trust(options, now));
  NODEPROOF_TRY(parameters, trust_parameters_of(options, trust));
  ClusterObjects objects;
  NODEPROOF_CHECK(gather(options, objects));
  const webhook::Snapshot snapshot = snapshot_of(objects, parameters, trust.at);
  NODEPROOF_CHECK(check_known(options, snapshot));
  name_extra_anchors(err, trust.anchors);
  const std::vector<Row> rows = rows_of(objects, snapshot, options.nodes, trust.at);
  (options.json ? print_json : print)(out, rows);
  const bool all = !rows.empty() && std::all_of(rows.begin(), rows.end(), [](const Row& row) {
    return row.status.phase == wire::Phase::kVerified;
  });
  return all ? kVerified : kRefused;
}

}  // namespace

ExitCode list_nodes(const NodesOptions& options, UnixTime now, std::ostream& out, std::ostream& err) {
  return run_verb("nodes", err, [&] { return run(options, now, out, err); });
}

}  // namespace nodeproof::cli
