#include "cli/quote_input.hpp"

#include "base/file.hpp"

namespace nodeproof::cli {

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

Result<std::optional<attest::QuoteEvidence>> read_quote(const QuoteOptions& options) {
  const int given = !options.quote.empty() + !options.signature.empty() + !options.pcrs.empty();
  if (given == 0) return std::optional<attest::QuoteEvidence>();
  if (given < 3) return Error{Errc::kMissing, "--quote", "goes with --signature and --pcrs; give all three"};
  auto pcrs = attest::parse_pcrs(read_file(options.pcrs, kMaxFile));
  if (!pcrs) return Error{pcrs.error().code, options.pcrs + ": " + pcrs.error().where, pcrs.error().detail};
  return std::optional<attest::QuoteEvidence>(attest::QuoteEvidence{
      read_file(options.quote, kMaxFile), read_file(options.signature, kMaxFile), *std::move(pcrs)});
}

Result<attest::ExpectedQualifyingData> read_expected(const QuoteOptions& options) {
  attest::ExpectedQualifyingData out;
  if (!options.qualifying_data.empty()) {
    NODEPROOF_TRY(bytes, from_hex(options.qualifying_data, "--qualifying-data"));
    out.value = std::move(bytes);
  }
  out.accept_unfresh = options.accept_unfresh;
  return out;
}

Bytes read_event_log(const QuoteOptions& options) {
  if (options.event_log.empty()) return {};
  return read_file(options.event_log, attest::kMaxEventLog);
}

Verdict quoted_verdict(const attest::BootVerification& boot,
                       const std::optional<attest::QuoteEvidence>& quote,
                       const attest::ExpectedQualifyingData& expected) {
  if (!quote) return offline_verdict(boot, nullptr);
  const attest::QuoteVerification verified = attest::verify_quote(*quote, boot, expected, {});
  return offline_verdict(boot, &verified);
}

}  // namespace nodeproof::cli
