#include "tests/support/forge_node.hpp"

namespace nodeproof::forge {

namespace {

// What both classes have in common; `boot` is a BootEvidence or a TrustedLaunchEvidence.
template <typename Boot>
wire::NodeEvidence node_of(const std::string& name, std::string_view platform, const Boot& boot) {
  wire::NodeEvidence out;
  out.name = name;
  out.boot = {kNodeUid, kBootId};
  out.platform = platform;
  out.collected = {kKid, 100};
  for (const attest::Certificate& certificate : boot.certificates)
    out.certificates.push_back(certificate.der());
  if (boot.ak_certificate) out.ak_certificate = boot.ak_certificate->der();
  out.event_log = boot.event_log;
  return out;
}

}  // namespace

wire::NodeEvidence make_node_evidence(BootOptions options, const World& world) {
  options.hcl_padding = 0;
  const attest::BootEvidence boot = make_boot_evidence(world, options);
  wire::NodeEvidence out = node_of("cvm-1", wire::kPlatformSnp, boot);
  out.hcl_report = boot.hcl_report;
  return out;
}

wire::NodeEvidence make_trusted_launch_node(const TrustedLaunchOptions& options, const World& world) {
  return node_of("trusted-1", wire::kPlatformTrustedLaunch, make_trusted_launch_evidence(world, options));
}

wire::NodeQuote make_node_quote(const wire::NodeEvidence& evidence, const Answer& answer,
                                const World& world) {
  wire::NodeQuote out;
  out.name = evidence.name;
  out.boot = evidence.boot;
  out.epoch = answer.epoch;
  out.nonce = answer.nonce;
  out.evidence_digest = evidence.digest();
  QuoteOptions options = answer.quote;
  options.qualifying_data = answer.qualifying_data.value_or(
      to_bytes(attest::qualifying_data(out.epoch.kid, out.nonce, out.boot, out.evidence_digest)));
  const attest::QuoteEvidence quote = make_quote(answer.other_ak ? world.other_ak : world.ak, options);
  out.attest = quote.attest;
  out.signature = quote.signature;
  out.pcrs = quote.pcrs;
  return out;
}

}  // namespace nodeproof::forge
