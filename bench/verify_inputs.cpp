#include "bench/verify_inputs.hpp"

#include "attest/hcl_report.hpp"
#include "attest/runtime_claims.hpp"
#include "base/or_throw.hpp"
#include "tests/support/forge.hpp"
#include "tests/support/vectors.hpp"

namespace nodeproof::bench {
namespace {

constexpr unsigned kAmdRsaBits = 4096;
constexpr const char* kRecorded = "azure-snp/milan-v3-report-userdata";

// What the pure program needs beside: the parts that the verifier finds by itself.
void take_apart(VerifyInputs& inputs) {
  const attest::HclReport hcl = or_throw(attest::parse_hcl_report(inputs.hcl_report));
  inputs.report = to_bytes(hcl.hardware_report);
  inputs.ak_modulus = or_throw(attest::parse_claimed_ak(hcl.runtime_claims)).rsa_modulus();
  inputs.quote_signature = or_throw(attest::parse_quote_signature(inputs.quote.signature));
  inputs.expected.value = or_throw(attest::parse_tpms_attest(inputs.quote.attest)).qualifying_data;
}

VerifyInputs forged() {
  forge::AmdOptions amd;
  amd.rsa_bits = kAmdRsaBits;
  const forge::World world{forge::make_amd_authority(amd), forge::make_vtpm_authority(),
                           forge::PrivateKey::rsa(2048), forge::PrivateKey::rsa(2048)};
  forge::BootOptions options;
  options.with_ak_certificate = false;
  const attest::BootEvidence evidence = forge::make_boot_evidence(world, options);

  VerifyInputs out;
  out.name = "forged";
  out.anchors = forge::trust_anchors_of(world);
  out.reference_values = forge::reference_values_of(world);
  out.now = forge::kNow;
  out.hcl_report = evidence.hcl_report;
  for (const attest::Certificate& certificate : evidence.certificates)
    out.certificates.push_back(certificate.der());
  out.quote = forge::make_quote(world.ak);
  out.required_pcrs = {attest::kNodeQuotePcrs, true};
  take_apart(out);
  return out;
}

VerifyInputs recorded() {
  const std::filesystem::path folder = kRecorded;
  VerifyInputs out;
  out.name = "recorded";
  out.anchors = attest::built_in_trust_anchors();
  out.reference_values = attest::built_in_reference_values();
  out.now = vectors::kNow;
  out.hcl_report = vectors::file(folder / "hcl.bin");
  for (const char* file : {"vcek.der", "ask.pem", "ark.pem"}) {
    const std::filesystem::path path = std::string_view(file).starts_with("vcek")
                                           ? folder / file
                                           : std::filesystem::path("amd-certs/milan") / file;
    out.certificates.push_back(vectors::certificate(path).der());
  }
  out.quote = {vectors::file(folder / "quote.msg"), vectors::file(folder / "quote.sig"),
               or_throw(attest::parse_pcrs(vectors::file(folder / "pcrs-sha256.bin")))};
  take_apart(out);
  return out;
}

}  // namespace

std::vector<VerifyInputs> all_verify_inputs() {
  std::vector<VerifyInputs> out{forged()};
  if (!vectors::folder().empty()) out.push_back(recorded());
  return out;
}

}  // namespace nodeproof::bench
