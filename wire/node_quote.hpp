// NodeQuote (nq): a TPM quote over epoch, node, boot and evidence, written at every refresh. At
// most 4 KiB as stored.
#pragma once

#include "attest/challenge.hpp"
#include "attest/pcr.hpp"
#include "wire/objects.hpp"

namespace nodeproof::wire {

struct NodeQuote {
  std::string name;  // of the Node
  std::string resource_version;
  attest::BootIdentity boot;
  attest::Epoch epoch;    // kid and n
  attest::Nonce nonce{};  // of epoch n: public once published, recomputed by holders of K
  Sha256Digest evidence_digest{};
  Bytes attest;            // TPMS_ATTEST
  Bytes signature;         // raw RSASSA, 256 bytes
  attest::PcrValues pcrs;  // of kNodeQuotePcrs
};

// Members that we do not know are passed over, as in a NodeEvidence.
Result<NodeQuote> parse_node_quote(const attest::JsonValue& object);
std::string to_json(const NodeQuote& quote);

}  // namespace nodeproof::wire
