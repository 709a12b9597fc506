// What a forged node publishes: NodeEvidence and NodeQuote of one boot, in the names of one
// node, for the tests of those who judge them.
#pragma once

#include "tests/support/forge.hpp"
#include "wire/node_evidence.hpp"
#include "wire/node_quote.hpp"

namespace nodeproof::forge {

inline constexpr const char* kNodeUid = "11111111-2222-4333-8444-555555555555";
inline constexpr const char* kBootId = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
inline constexpr const char* kOtherUuid = "99999999-8888-4777-8666-555555555555";
inline constexpr const char* kKid = "0123456789abcdef";

// Collected in epoch 100, without padding of the HCL report.
wire::NodeEvidence make_node_evidence(BootOptions options = {}, const World& world = shared_world());

// Likewise of a Trusted Launch VM.
wire::NodeEvidence make_trusted_launch_node(const TrustedLaunchOptions& options = {},
                                            const World& world = shared_world());

// What a NodeQuote says beside the quote itself.
struct Answer {
  attest::Epoch epoch = {kKid, 103};
  attest::Nonce nonce = {};
  bool other_ak = false;
  QuoteOptions quote = {};
  std::optional<Bytes> qualifying_data = {};  // absent: the right one
};
wire::NodeQuote make_node_quote(const wire::NodeEvidence& evidence, const Answer& answer = {},
                                const World& world = shared_world());

}  // namespace nodeproof::forge
