#include "cli/node_verdict.hpp"

#include "wire/node_verification.hpp"

namespace nodeproof::cli {
namespace {

using attest::Check;
using attest::Finding;
using attest::Findings;
using wire::NodeEvidence;
using wire::NodeQuote;

const NodeEvidence* readable(const std::optional<Result<NodeEvidence>>& evidence) {
  return evidence && *evidence ? &**evidence : nullptr;
}
const NodeQuote* readable(const std::optional<Result<NodeQuote>>& quote) {
  return quote && *quote ? &**quote : nullptr;
}

// Why nothing of the evidence can even be looked at; nothing when it can.
std::optional<Finding> collection_problem(const NodeEvidence& evidence) {
  const std::string& code = evidence.collection.code;
  if (code == wire::kComplete && !wire::proves_nothing(wire::summary_of(evidence))) return std::nullopt;
  const bool confidential = wire::node_class_of(evidence.platform) == attest::NodeClass::kConfidential;
  return attest::failed(confidential ? Check::kHclFrame : Check::kAkCertificate,
                        code == wire::kComplete ? std::string(wire::kNoTpm) : code,
                        wire::detail_of(evidence.collection), wire::remedy_of(evidence.collection));
}

attest::BootVerification judge_evidence(const NodeEvidence& evidence,
                                        const attest::VerifyParameters& parameters) {
  if (auto problem = collection_problem(evidence)) {
    attest::BootVerification out;
    out.node_class = wire::node_class_of(evidence.platform);
    out.findings.push_back(*std::move(problem));
    return out;
  }
  return wire::verify_boot(evidence, parameters);
}

Finding binding_of(const NodeEvidence& evidence, const NodeQuote& quote) {
  constexpr Check kThis = Check::kEvidenceBinding;
  if (quote.boot.node_uid != evidence.boot.node_uid) {
    return attest::failed(
        kThis, "other-node",
        "the quote is of node UID " + quote.boot.node_uid + ", the evidence of " + evidence.boot.node_uid,
        wire::kAgentRemedy);
  }
  if (quote.boot.boot_id != evidence.boot.boot_id) {
    return attest::failed(
        kThis, "other-boot",
        "the quote is of boot " + quote.boot.boot_id + ", the evidence of " + evidence.boot.boot_id,
        wire::kAgentRemedy);
  }
  const std::string digest = to_hex(evidence.digest());
  if (quote.evidence_digest != evidence.digest()) {
    return attest::failed(
        kThis, "other-evidence",
        "the quote is over evidence " + to_hex(quote.evidence_digest) + ", this one has digest " + digest,
        wire::kAgentRemedy);
  }
  return attest::passed(kThis, "SHA-256 " + digest);
}

Finding finding_without(const std::optional<Result<NodeEvidence>>& evidence) {
  constexpr Check kThis = Check::kEvidenceBinding;
  if (!evidence) {
    return attest::failed(kThis, "no-evidence", "there is no NodeEvidence of this node",
                          "check that the nodeproof agent runs on the node, or give both objects");
  }
  return attest::failed(kThis, "malformed", to_string(evidence->error()), wire::kMalformedRemedy);
}

// What evidence and quote say of themselves against what the Node object says.
void compare_with_node(const wire::Node& node, const NodeObjects& objects, Findings& out) {
  attest::BootIdentity told;
  if (const NodeEvidence* evidence = readable(objects.evidence)) told = evidence->boot;
  if (const NodeQuote* quote = readable(objects.quote); quote != nullptr && told.node_uid.empty())
    told = quote->boot;
  if (told.node_uid.empty()) return;
  out.push_back(
      told.node_uid == node.meta.uid
          ? attest::passed(Check::kNodeIdentity, node.meta.uid)
          : attest::failed(Check::kNodeIdentity, "other-node",
                           "the evidence is of node UID " + told.node_uid + ", the Node has " + node.meta.uid,
                           wire::kAgentRemedy));
  if (node.boot_id.empty()) {
    out.push_back(attest::failed(Check::kBootChanged, "no-boot-id",
                                 "the Node does not report its boot ID yet",
                                 "check that the kubelet of the node reports its status"));
    return;
  }
  out.push_back(told.boot_id == node.boot_id ? attest::passed(Check::kBootChanged, node.boot_id)
                                             : attest::failed(Check::kBootChanged, "other-boot",
                                                              "the evidence is of boot " + told.boot_id +
                                                                  ", the Node reports " + node.boot_id,
                                                              wire::kAgentRemedy));
}

void add_epoch(const NodeQuote* quote, Findings& out) {
  const std::string nonce = quote == nullptr
                                ? "there is no nonce to ask after"
                                : "the quote answers a nonce said to be of epoch " +
                                      std::to_string(quote->epoch.number) + " of key " + quote->epoch.kid +
                                      "; only holders of the epoch key can tell";
  out.push_back(attest::not_checked(Check::kEpochOrigin, "no-epoch-key", nonce));
  for (const Check check : {Check::kEvidenceAge, Check::kEpochFuture}) {
    out.push_back(
        attest::not_checked(check, "no-epoch-key", "rests on epoch-origin, which is not checked here"));
  }
}

// Of numbers 1 to 9 and 15 that nothing was said about because the evidence could not be looked at; of 1 to
// 7 and 9 a Trusted Launch VM has none.
void add_unreached(attest::NodeClass node_class, Findings& findings) {
  const Finding* reason = attest::first_failed(findings);
  const Check premise = reason != nullptr ? reason->check : Check::kEvidenceBinding;
  const auto add = [&](Check check) {
    if (attest::find(findings, check) == nullptr) findings.push_back(attest::premise_failed(check, premise));
  };
  for (const attest::CheckInfo& info : attest::all_checks()) {
    const bool applies = node_class == attest::NodeClass::kConfidential ? info.number <= 9
                                                                        : info.check == Check::kAkCertificate;
    if (applies) add(info.check);
  }
  add(Check::kAkResidency);
}

}  // namespace

Verdict node_verdict(const NodeObjects& objects, const attest::VerifyParameters& parameters) {
  Verdict out;
  const NodeEvidence* evidence = readable(objects.evidence);
  const NodeQuote* quote = readable(objects.quote);
  attest::BootVerification boot;
  if (evidence != nullptr) {
    boot = judge_evidence(*evidence, parameters);
    out.findings = boot.findings;
    out.boot = boot.claims;
  } else {
    out.findings.push_back(finding_without(objects.evidence));
  }
  if (evidence != nullptr && quote != nullptr) {
    const attest::QuoteVerification verified =
        wire::verify_quote(*quote, wire::summary_of(*evidence), quote->nonce, boot);
    attest::supersede(out.findings, verified.findings);
    out.quote = verified.claims;
    out.findings.push_back(binding_of(*evidence, *quote));
  }
  if (objects.quote && !*objects.quote) {
    out.findings.push_back(attest::failed(Check::kQuoteFormat, "malformed", to_string(objects.quote->error()),
                                          wire::kMalformedRemedy));
  }
  add_epoch(quote, out.findings);
  if (objects.node) {
    compare_with_node(*objects.node, objects, out.findings);
    if (out.boot && out.quote) {
      auto other_vm = wire::compare_system_uuid(boot, *out.quote, objects.node->system_uuid);
      if (other_vm) attest::supersede(out.findings, {*std::move(other_vm)});
    }
  }
  add_unreached(boot.node_class, out.findings);
  complete(out,
           objects.quote ? "the NodeQuote could not be compared with evidence"
                         : "there is no NodeQuote of this node",
           wire::kAgentRemedy);
  return out;
}

}  // namespace nodeproof::cli
