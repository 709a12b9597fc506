// Reading what the verify verbs take of a vTPM: quote, AK certificate and event log.
#pragma once

#include <optional>
#include <string>

#include "cli/input.hpp"

namespace nodeproof::cli {

// As given on the command line; texts are not parsed yet. Empty: not given.
struct QuoteOptions {
  std::string quote;
  std::string signature;
  std::string pcrs;
  std::string qualifying_data;
  bool accept_unfresh = false;
  std::string event_log;
};

// Nothing without --quote, --signature and --pcrs; two of them without the third are refused.
Result<std::optional<attest::QuoteEvidence>> read_quote(const QuoteOptions& options);
Result<attest::ExpectedQualifyingData> read_expected(const QuoteOptions& options);
// Empty without --event-log.
Bytes read_event_log(const QuoteOptions& options);
// PEM or DER, padded as NV holds it; nothing when `file` is empty.
Result<std::optional<attest::Certificate>> read_ak_certificate(const std::string& file);

// offline_verdict of `boot` and the quote, where one was given.
Verdict quoted_verdict(const attest::BootVerification& boot,
                       const std::optional<attest::QuoteEvidence>& quote,
                       const attest::ExpectedQualifyingData& expected);

}  // namespace nodeproof::cli
