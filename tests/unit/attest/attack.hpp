// What one node shows, right by default and to be forged member by member, and what becomes of it
// under a policy for confidential nodes: the whole way from bytes to the decision.
#pragma once

#include <string>

#include "attest/appraise.hpp"
#include "attest/hcl_report.hpp"
#include "tests/support/forge.hpp"
#include "tests/unit/attest/listed.hpp"

namespace nodeproof::attest::attacks {

using forge::kNow;
using forge::shared_world;

inline const Bytes kChallenge(32, 0x5a);

struct Presented {
  BootEvidence boot = forge::make_boot_evidence(shared_world());
  QuoteEvidence quote = forge::make_quote(shared_world().ak, {.qualifying_data = kChallenge});
  Bytes expected_data = kChallenge;
  TrustAnchors anchors = forge::trust_anchors_of(shared_world());
  ReferenceValues reference_values = forge::reference_values_of(shared_world());
};

// Who refuses: "check/code" of every failed check of verification, or, when there is none, what
// appraisal by the default policy says; empty when the node is accepted.
inline std::string refusal(const Presented& shown) {
  const BootVerification boot = verify_boot(
      shown.boot, {.anchors = shown.anchors, .reference_values = shown.reference_values, .now = kNow});
  const QuoteVerification quote =
      verify_quote(shown.quote, boot, {shown.expected_data, false}, {kNodeQuotePcrs, true});
  Findings all = boot.findings;
  all.insert(all.end(), quote.findings.begin(), quote.findings.end());
  if (const std::string failed = listed(all, {Outcome::kFailed}); !failed.empty()) return failed;
  if (!boot.claims || !quote.claims) return "no claims: " + listed(all, {Outcome::kNotChecked});
  const AppraisalPolicy policy;
  return listed(appraise({*boot.claims, *quote.claims, kNow}, policy, policy.max_evidence_age, kNow).findings,
                {Outcome::kFailed});
}

inline Presented with_boot(const forge::BootOptions& options) {
  return {.boot = forge::make_boot_evidence(shared_world(), options)};
}

inline Presented with_report(std::function<void(SnpReport&)> edit) {
  return with_boot({.edit_report = std::move(edit)});
}

inline Presented with_quote(forge::QuoteOptions options) {
  return {.quote = forge::make_quote(shared_world().ak, options)};
}

// A report that binds these claims, as the paravisor makes it of whatever it finds.
inline BootEvidence boot_with_claims(ByteView claims, forge::BootOptions options = {}) {
  const auto also = options.edit_report;
  options.edit_report = [&](SnpReport& report) {
    const Sha256Digest digest = sha256(claims);
    std::copy(digest.begin(), digest.end(), report.report_data.begin());
    if (also) also(report);
  };
  BootEvidence out = forge::make_boot_evidence(shared_world(), options);
  const Bytes report = to_bytes(parse_hcl_report(out.hcl_report)->hardware_report);
  out.hcl_report = serialize_hcl_report(report, claims);
  return out;
}

// The AK signs `attest`, as only the holder of its private key can.
inline QuoteEvidence quote_over(const Bytes& attest) {
  QuoteEvidence out = forge::make_quote(shared_world().ak);
  out.attest = attest;
  out.signature = shared_world().ak.sign(attest, "SHA256");
  return out;
}

inline forge::PrivateKey copy_of(const forge::PrivateKey& key) {
  return forge::PrivateKey::from_pem(key.to_pem());
}

}  // namespace nodeproof::attest::attacks
