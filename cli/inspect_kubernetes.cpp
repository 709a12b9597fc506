// JSON objects that have a name in this field: Kubernetes' own, ours, a THIM reply, PCR values.
#include "attest/crypto.hpp"
#include "attest/pcr.hpp"
#include "attest/strict_json.hpp"
#include "cli/json_items.hpp"
#include "cli/recognisers.hpp"
#include "wire/node_evidence.hpp"
#include "wire/node_quote.hpp"

namespace nodeproof::cli {
namespace {

using attest::JsonValue;

constexpr std::size_t kMaxDocument = 4U << 20U;

// A member's text; empty when it is absent or something else.
std::string text_at(const JsonValue& object, std::initializer_list<std::string_view> path) {
  JsonValue at = object;
  for (const std::string_view key : path) {
    if (!at.is_object()) return {};
    const auto member = at.optional(key);
    if (!member || !*member) return {};
    at = **member;
  }
  const auto text = at.text();
  return text ? *text : std::string();
}

void add_if(Description& out, const char* name, std::string text) {
  if (!text.empty()) out.add(name, std::move(text));
}

std::string certificate_text(ByteView der) {
  const auto certificate = attest::Certificate::parse_der(der, "certificate");
  return certificate ? certificate->subject() + ", until " + to_rfc3339(certificate->not_after())
                     : to_string(certificate.error());
}

void add_boot(Description& out, const attest::BootIdentity& boot, const attest::Epoch& epoch) {
  out.add("nodeUID", boot.node_uid);
  out.add("bootID", boot.boot_id);
  out.add("kid", epoch.kid);
  out.add("epoch", epoch.number);
}

void describe_evidence(Description& out, const JsonValue& root) {
  const auto evidence = wire::parse_node_evidence(root);
  if (!evidence) {
    out.add_problem(evidence.error());
    out.items = json_items(root);
    return;
  }
  out.add("node", evidence->name);
  add_boot(out, evidence->boot, evidence->collected);
  out.add("platform", evidence->platform);
  out.add("collection", evidence->collection.code);
  add_if(out, "collectionDetail", evidence->collection.detail);
  out.add("collectedAt", evidence->collected_at + " (the node's own clock)");
  out.add("evidenceDigest", to_hex(evidence->digest()));
  out.add("hclReport", std::to_string(evidence->hcl_report.size()) + " bytes");
  out.add("akCertificate",
          evidence->ak_certificate.empty() ? "none" : certificate_text(evidence->ak_certificate));
  std::vector<Item> certificates;
  for (const Bytes& der : evidence->certificates)
    certificates.emplace_back(std::string(), certificate_text(der));
  if (!certificates.empty()) out.add("certificates", std::move(certificates));
}

void describe_quote(Description& out, const JsonValue& root) {
  const auto quote = wire::parse_node_quote(root);
  if (!quote) {
    out.add_problem(quote.error());
    out.items = json_items(root);
    return;
  }
  out.add("node", quote->name);
  add_boot(out, quote->boot, quote->epoch);
  out.add_hex("nonce", quote->nonce);
  out.add_hex("evidenceDigest", quote->evidence_digest);
  const Recognised attest = recognise_tpms_attest({quote->attest, {}});
  if (attest) {
    out.problems.insert(out.problems.end(), attest->problems.begin(), attest->problems.end());
    out.add("attest", attest->items);
  } else {
    out.add_hex("attest", quote->attest);
  }
  out.add("signature", std::to_string(quote->signature.size()) + " bytes");
  std::vector<Item> pcrs;
  for (const auto& [pcr, digest] : quote->pcrs) pcrs.emplace_back(std::to_string(pcr), to_hex(digest));
  if (!pcrs.empty()) out.add("pcrs", std::move(pcrs));
}

void describe_review(Description& out, const JsonValue& root) {
  add_if(out, "uid", text_at(root, {"request", "uid"}));
  add_if(out, "operation", text_at(root, {"request", "operation"}));
  add_if(out, "resource", text_at(root, {"request", "resource", "resource"}));
  add_if(out, "subResource", text_at(root, {"request", "subResource"}));
  add_if(out, "namespace", text_at(root, {"request", "namespace"}));
  add_if(out, "name", text_at(root, {"request", "name"}));
  add_if(out, "user", text_at(root, {"request", "userInfo", "username"}));
  add_if(out, "objectKind", text_at(root, {"request", "object", "kind"}));
  add_if(out, "objectName", text_at(root, {"request", "object", "metadata", "name"}));
  add_if(out, "objectUid", text_at(root, {"request", "object", "metadata", "uid"}));
  add_if(out, "nodeName", text_at(root, {"request", "object", "spec", "nodeName"}));
  add_if(out, "target", text_at(root, {"request", "object", "target", "name"}));
  add_if(out, "responseUid", text_at(root, {"response", "uid"}));
  add_if(out, "responseMessage", text_at(root, {"response", "status", "message"}));
  if (out.items.empty()) out.problems.emplace_back("AdmissionReview: has neither a request nor a response");
}

void describe_list(Description& out, const JsonValue& root) {
  const auto member = root.required("items");
  if (!member) return out.add_problem(member.error());
  const auto items = member->array();
  if (!items) return out.add_problem(items.error());
  std::vector<Item> rows;
  for (const JsonValue& item : *items) {
    Item row({}, {Item("kind", text_at(item, {"kind"})), Item("name", text_at(item, {"metadata", "name"}))});
    row.row = true;
    rows.push_back(std::move(row));
  }
  if (!rows.empty()) out.add("objects", std::move(rows));
}

Description describe_kubernetes(const JsonValue& root, const std::string& api_version,
                                const std::string& kind) {
  Description out;
  out.kind = "kubernetes-object";
  out.title = "Kubernetes object of kind " + kind + " (" + api_version + ")";
  if (kind == "AdmissionReview") {
    out.kind = "admission-review";
    describe_review(out, root);
  } else if (api_version.starts_with("nodeproof.dev/") && kind == "NodeEvidence") {
    out.kind = "node-evidence";
    describe_evidence(out, root);
  } else if (api_version.starts_with("nodeproof.dev/") && kind == "NodeQuote") {
    out.kind = "node-quote";
    describe_quote(out, root);
  } else if (kind.ends_with("List")) {
    out.kind = "kubernetes-list";
    describe_list(out, root);
  } else {
    out.items = json_items(root);
  }
  return out;
}

// What Azure's host serves as endorsements of its chip (azure-evidence 5).
Description describe_thim(const JsonValue& root) {
  Description out;
  out.kind = "thim-reply";
  out.title = "Reply of Azure's endorsement cache (THIM): VCEK and its chain";
  add_if(out, "tcbm", text_at(root, {"tcbm"}));
  add_if(out, "cacheControl", text_at(root, {"cacheControl"}));
  for (const char* member : {"vcekCert", "certificateChain"}) {
    const std::string pem = text_at(root, {member});
    const auto certificates = attest::parse_certificates(as_bytes(pem), member);
    if (!certificates) {
      out.add_problem(certificates.error());
      continue;
    }
    std::vector<Item> list;
    for (const attest::Certificate& certificate : *certificates)
      list.emplace_back(std::string(), certificate_text(certificate.der()));
    out.add(member, std::move(list));
  }
  return out;
}

Recognised describe_pcr_values(ByteView json) {
  const auto values = attest::parse_pcrs(json);
  if (!values) return std::nullopt;
  Description out;
  out.kind = "pcrs-json";
  out.title = "PCR values of the SHA-256 bank as JSON";
  for (const auto& [pcr, digest] : *values) out.add_hex(std::to_string(pcr), digest);
  return out;
}

}  // namespace

Recognised describe_json_object(ByteView json) {
  const auto document = attest::JsonDocument::parse(json, kMaxDocument, "json");
  if (!document || !document->root().is_object()) return std::nullopt;
  const JsonValue root = document->root();
  const std::string api_version = text_at(root, {"apiVersion"});
  const std::string kind = text_at(root, {"kind"});
  if (!api_version.empty() && !kind.empty()) return describe_kubernetes(root, api_version, kind);
  if (!text_at(root, {"vcekCert"}).empty()) return describe_thim(root);
  return describe_pcr_values(json);
}

}  // namespace nodeproof::cli
