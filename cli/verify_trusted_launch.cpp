#include "cli/verify_trusted_launch.hpp"

#include <ostream>

namespace nodeproof::cli {
namespace {

struct Inputs {
  Trust trust;
  attest::TrustedLaunchEvidence evidence;
  std::optional<attest::QuoteEvidence> quote;
  attest::ExpectedQualifyingData expected;
};

Result<Inputs> read_inputs(const TrustedLaunchOptions& options, UnixTime now) {
  NODEPROOF_TRY(trust, read_trust(options, now));
  NODEPROOF_TRY(certificates, read_certificates(options.certificates));
  NODEPROOF_TRY(ak_certificate, read_ak_certificate(options.ak_certificate));
  NODEPROOF_TRY(quote, read_quote(options));
  NODEPROOF_TRY(expected, read_expected(options));
  return Inputs{std::move(trust),
                {std::move(certificates), std::move(ak_certificate), read_event_log(options)},
                std::move(quote),
                std::move(expected)};
}

Verdict judge(const Inputs& inputs, bool strict) {
  const attest::ReferenceValues no_paravisors;
  const attest::BootVerification boot =
      attest::verify_trusted_launch(inputs.evidence, {.anchors = inputs.trust.anchors,
                                                      .reference_values = no_paravisors,
                                                      .now = inputs.trust.at,
                                                      .revocation_lists = inputs.trust.revocation_lists,
                                                      .trusted_launch_strict = strict});
  return quoted_verdict(boot, inputs.quote, inputs.expected);
}

}  // namespace

ExitCode verify_trusted_launch(const TrustedLaunchOptions& options, UnixTime now, std::ostream& out,
                               std::ostream& err) {
  return run_verb("verify trusted-launch", err, [&]() -> Result<ExitCode> {
    NODEPROOF_TRY(inputs, read_inputs(options, now));
    name_extra_anchors(err, inputs.trust.anchors);
    const Verdict verdict = judge(inputs, options.strict);
    (options.json ? print_json : print_checklist)(out, verdict);
    return verdict.verified() ? kVerified : kRefused;
  });
}

}  // namespace nodeproof::cli
