#include "cli/verify_azure_snp.hpp"

#include <ostream>

#include "attest/hcl_report.hpp"
#include "base/file.hpp"

namespace nodeproof::cli {
namespace {

struct Inputs {
  Trust trust;
  attest::BootEvidence evidence;
  attest::ReferenceValues reference_values;
  std::optional<Sha512Digest> report_challenge;
  std::optional<attest::QuoteEvidence> quote;
  attest::ExpectedQualifyingData expected;
};

Result<Inputs> read_inputs(const AzureSnpOptions& options, UnixTime now) {
  Inputs out;
  if (!options.user_data.empty()) {
    NODEPROOF_TRY(bytes, from_hex(options.user_data, "--user-data"));
    NODEPROOF_TRY(challenge, to_array<64>(bytes, "--user-data"));
    out.report_challenge = challenge;
  }
  NODEPROOF_TRY(expected, read_expected(options));
  NODEPROOF_TRY(trust, read_trust(options, now));
  NODEPROOF_TRY(reference_values, read_reference_values(options.reference_values));
  NODEPROOF_TRY(certificates, read_certificates(options.certificates));
  NODEPROOF_TRY(ak_certificate, read_ak_certificate(options.ak_certificate));
  NODEPROOF_TRY(quote, read_quote(options));
  out.trust = std::move(trust);
  out.reference_values = std::move(reference_values);
  out.evidence = {read_file(options.hcl, kMaxFile), std::move(certificates), std::move(ak_certificate),
                  read_event_log(options)};
  out.expected = std::move(expected);
  out.quote = std::move(quote);
  return out;
}

Verdict judge(const Inputs& inputs) {
  const attest::VerifyParameters parameters{.anchors = inputs.trust.anchors,
                                            .reference_values = inputs.reference_values,
                                            .now = inputs.trust.at,
                                            .report_challenge = inputs.report_challenge,
                                            .revocation_lists = inputs.trust.revocation_lists};
  const attest::BootVerification boot = attest::verify_boot(inputs.evidence, parameters);
  return quoted_verdict(boot, inputs.quote, inputs.expected);
}

}  // namespace

ExitCode verify_azure_snp(const AzureSnpOptions& options, UnixTime now, std::ostream& out,
                          std::ostream& err) {
  return run_verb("verify azure-snp", err, [&]() -> Result<ExitCode> {
    NODEPROOF_TRY(inputs, read_inputs(options, now));
    name_extra_anchors(err, inputs.trust.anchors);
    const Verdict verdict = judge(inputs);
    (options.json ? print_json : print_checklist)(out, verdict);
    return verdict.verified() ? kVerified : kRefused;
  });
}

}  // namespace nodeproof::cli
