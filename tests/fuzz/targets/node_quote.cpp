#include "wire/node_quote.hpp"

#include <tuple>

#include "tests/fuzz/json_object.hpp"

namespace nodeproof::fuzz {
namespace {

auto fields(const wire::NodeQuote& quote) {
  return std::tie(quote.name, quote.resource_version, quote.boot, quote.epoch, quote.nonce,
                  quote.evidence_digest, quote.attest, quote.signature, quote.pcrs);
}

}  // namespace

bool one_input(ByteView input) {
  const auto quote = parse_json(input, wire::parse_node_quote);
  if (!accepted(quote)) return false;
  const auto back = accepted_again(parse_json(as_bytes(wire::to_json(*quote)), wire::parse_node_quote));
  require(fields(back) == fields(*quote), "NodeQuote goes through JSON unchanged");
  return true;
}

}  // namespace nodeproof::fuzz
