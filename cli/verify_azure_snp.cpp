#include "cli/verify_azure_snp.hpp"

#include <ostream>
#include <stdexcept>

#include "attest/hcl_report.hpp"
#include "base/file.hpp"
#include "wire/reference_values.hpp"

namespace nodeproof::cli {
namespace {

constexpr std::size_t kMaxFile = 1U << 20U;

struct Inputs {
  attest::BootEvidence evidence;
  attest::ReferenceValues reference_values = attest::built_in_reference_values();
  std::optional<Sha512Digest> report_challenge;
  std::optional<attest::QuoteEvidence> quote;
  attest::ExpectedQualifyingData expected;
  UnixTime at;
};

Result<std::vector<attest::Certificate>> read_certificates(const std::vector<std::string>& files) {
  std::vector<attest::Certificate> out;
  for (const std::string& file : files) {
    NODEPROOF_TRY(parsed, attest::parse_certificates(read_file(file, kMaxFile), file));
    out.insert(out.end(), parsed.begin(), parsed.end());
  }
  return out;
}

Result<std::optional<attest::Certificate>> read_ak_certificate(const std::string& file) {
  if (file.empty()) return std::optional<attest::Certificate>();
  const Bytes content = read_file(file, kMaxFile);
  if (as_text(content).substr(0, 5) == "-----") {
    NODEPROOF_TRY(certificates, attest::parse_certificates(content, file));
    return std::optional<attest::Certificate>(certificates.front());
  }
  NODEPROOF_TRY(der, attest::cut_der(content, file));
  NODEPROOF_TRY(certificate, attest::Certificate::parse_der(der, file));
  return std::optional<attest::Certificate>(certificate);
}

Result<std::optional<attest::QuoteEvidence>> read_quote(const AzureSnpOptions& options) {
  const int given = !options.quote.empty() + !options.signature.empty() + !options.pcrs.empty();
  if (given == 0) return std::optional<attest::QuoteEvidence>();
  if (given < 3) return Error{Errc::kMissing, "--quote", "goes with --signature and --pcrs; give all three"};
  NODEPROOF_TRY(pcrs, attest::parse_pcrs(read_file(options.pcrs, kMaxFile)));
  return std::optional<attest::QuoteEvidence>(attest::QuoteEvidence{
      read_file(options.quote, kMaxFile), read_file(options.signature, kMaxFile), pcrs});
}

Result<Inputs> read_inputs(const AzureSnpOptions& options, UnixTime now) {
  Inputs out;
  out.at = now;
  if (!options.at.empty()) {
    NODEPROOF_TRY(at, parse_rfc3339(options.at, "--at"));
    out.at = at;
  }
  if (!options.user_data.empty()) {
    NODEPROOF_TRY(bytes, from_hex(options.user_data, "--user-data"));
    NODEPROOF_TRY(challenge, to_array<64>(bytes, "--user-data"));
    out.report_challenge = challenge;
  }
  if (!options.qualifying_data.empty()) {
    NODEPROOF_TRY(bytes, from_hex(options.qualifying_data, "--qualifying-data"));
    out.expected.value = std::move(bytes);
  }
  out.expected.accept_unfresh = options.accept_unfresh;
  if (!options.reference_values.empty()) {
    const Bytes yaml = read_file(options.reference_values, kMaxFile);
    NODEPROOF_TRY(values, wire::parse_reference_values(as_text(yaml), options.reference_values));
    out.reference_values = std::move(values);
  }
  NODEPROOF_TRY(certificates, read_certificates(options.certificates));
  NODEPROOF_TRY(ak_certificate, read_ak_certificate(options.ak_certificate));
  NODEPROOF_TRY(quote, read_quote(options));
  out.evidence = {read_file(options.hcl, kMaxFile), std::move(certificates), std::move(ak_certificate)};
  out.quote = std::move(quote);
  return out;
}

Verdict judge(const Inputs& inputs) {
  const attest::TrustAnchors anchors = attest::built_in_trust_anchors();
  const attest::VerifyParameters parameters{.anchors = anchors,
                                            .reference_values = inputs.reference_values,
                                            .now = inputs.at,
                                            .report_challenge = inputs.report_challenge};
  const attest::BootVerification boot = attest::verify_boot(inputs.evidence, parameters);
  if (!inputs.quote) return offline_verdict(boot, nullptr);
  const attest::QuoteVerification quote = attest::verify_quote(*inputs.quote, boot, inputs.expected, {});
  return offline_verdict(boot, &quote);
}

}  // namespace

ExitCode verify_azure_snp(const AzureSnpOptions& options, UnixTime now, std::ostream& out,
                          std::ostream& err) {
  try {
    const auto inputs = read_inputs(options, now);
    if (!inputs) {
      err << "nodeproof: " << to_string(inputs.error()) << "\nSee nodeproof verify azure-snp --help.\n";
      return kUsage;
    }
    const Verdict verdict = judge(*inputs);
    (options.json ? print_json : print_checklist)(out, verdict);
    return verdict.verified() ? kVerified : kRefused;
  } catch (const std::length_error& error) {
    err << "nodeproof: " << error.what() << ": no evidence is that large; check which file this is.\n";
    return kUsage;
  } catch (const std::exception& error) {
    err << "nodeproof: " << error.what() << ". Check the path and whether you may read it.\n";
    return kEnvironment;
  }
}

}  // namespace nodeproof::cli
