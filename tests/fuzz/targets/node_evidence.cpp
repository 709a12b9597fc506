#include "wire/node_evidence.hpp"

#include <tuple>

#include "tests/fuzz/json_object.hpp"
#include "wire/json_writer.hpp"
#include "wire/utf8.hpp"

namespace nodeproof::fuzz {
namespace {

auto exact_fields(const wire::NodeEvidence& evidence) {
  return std::tie(evidence.name, evidence.resource_version, evidence.boot, evidence.platform,
                  evidence.collected, evidence.hcl_report, evidence.ak_certificate, evidence.certificates,
                  evidence.collection.code, evidence.collected_at);
}

}  // namespace

bool one_input(ByteView input) {
  const auto evidence = parse_json(input, wire::parse_node_evidence);
  if (!accepted(evidence)) return false;
  const auto back = accepted_again(parse_json(as_bytes(wire::to_json(*evidence)), wire::parse_node_evidence));
  require(exact_fields(back) == exact_fields(*evidence), "NodeEvidence goes through JSON unchanged");
  // Read as the CRD allows, in characters, but written within its bytes.
  require(back.collection.detail == wire::valid_utf8(evidence->collection.detail, wire::kMaxStatusText),
          "the detail is cut to its limit, and nothing else");
  require(back.digest() == evidence->digest(), "the evidence digest does not depend on the JSON");
  return true;
}

}  // namespace nodeproof::fuzz
