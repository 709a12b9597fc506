// From the objects of a node to what attest/ verifies. Pure. For everybody who judges a node: the webhook
// with the epoch key, the command line without.
#pragma once

#include "attest/verify.hpp"
#include "wire/node_evidence.hpp"
#include "wire/node_quote.hpp"

namespace nodeproof::wire {

inline constexpr const char* kAgentRemedy =
    "wait for the node's agent; if it stays so, look at the log of the nodeproof agent on that node";
inline constexpr const char* kMalformedRemedy =
    "restart the nodeproof agent on the node, and check that its version fits the verifier's";

// Of evidence that proves anything.
attest::NodeClass node_class_of(std::string_view platform);

// Numbers 1 to 9 and 15 of what the node published, as its platform has them. Certificates that cannot be
// read are one failed finding, code "malformed", and nothing else is looked at.
attest::BootVerification verify_boot(const NodeEvidence& evidence,
                                     const attest::VerifyParameters& parameters);

// Numbers 10, 12 and 13, qualifying-data and vm-id: the quote must select exactly kNodeQuotePcrs and answer
// `nonce` for this node, boot and evidence. Who made the nonce is the caller's to know.
attest::QuoteVerification verify_quote(const NodeQuote& quote, const EvidenceSummary& evidence,
                                       const attest::Nonce& nonce, const attest::BootVerification& boot);

// The VM that the evidence proves to be of against the one that the kubelet says its Node is, which firmware
// may have told it in either byte order: a finding of vm-id, or nothing when they are the same or no VM is
// proven. `boot` must have claims. `system_uuid`: in any case; empty when the Node reports none.
std::optional<attest::Finding> compare_system_uuid(const attest::BootVerification& boot,
                                                   const attest::QuoteClaims& quote,
                                                   std::string_view system_uuid);

// Whether the agent found nothing on this machine that could ever prove anything.
bool proves_nothing(const EvidenceSummary& evidence);
// What a collection that is not complete says, and what to do about it.
std::string detail_of(const CollectionState& collection);
std::string remedy_of(const CollectionState& collection);

}  // namespace nodeproof::wire
