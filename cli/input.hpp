// Reading what the verify verbs take: files, and the times and trust they are judged by.
//
// A file that cannot be read is an exception; one whose content cannot be parsed is an Error.
#pragma once

#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

#include "attest/verify.hpp"
#include "cli/verdict.hpp"

namespace nodeproof::cli {

inline constexpr std::size_t kMaxFile = 1U << 20U;  // no evidence is larger

// As given on the command line, of every verify verb; texts are not parsed yet. Empty: not given.
struct TrustOptions {
  std::vector<std::string> trust_anchors;
  std::vector<std::string> revocation_lists;
  std::string at;
};

struct Trust {
  attest::TrustAnchors anchors;  // the built-in ones and those of the files
  std::vector<attest::RevocationList> revocation_lists;
  UnixTime at;
};

Result<Trust> read_trust(const TrustOptions& options, UnixTime now);
Result<std::vector<attest::Certificate>> read_certificates(const std::vector<std::string>& files);
// The built-in list when `file` is empty.
Result<attest::ReferenceValues> read_reference_values(const std::string& file);

// Says on `err` which roots beside the built-in ones are trusted, if any.
void name_extra_anchors(std::ostream& err, const attest::TrustAnchors& anchors);

// Runs a verb and turns its failures into exit codes and messages with their remedy. `verb`: as typed.
ExitCode run_verb(std::string_view verb, std::ostream& err, const std::function<Result<ExitCode>()>& body);

}  // namespace nodeproof::cli
