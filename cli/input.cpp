#include "cli/input.hpp"

#include <ostream>
#include <stdexcept>
#include <system_error>

#include "base/file.hpp"
#include "cli/printable.hpp"
#include "wire/reference_values.hpp"

namespace nodeproof::cli {
namespace {

Result<attest::TrustAnchors> read_trust_anchors(const std::vector<std::string>& files) {
  attest::TrustAnchors anchors = attest::built_in_trust_anchors();
  NODEPROOF_TRY(added, read_certificates(files));
  NODEPROOF_CHECK(attest::add_trust_anchors(anchors, added));
  return anchors;
}

Result<std::vector<attest::RevocationList>> read_revocation_lists(const std::vector<std::string>& files) {
  std::vector<attest::RevocationList> out;
  for (const std::string& file : files) {
    NODEPROOF_TRY(parsed, attest::parse_revocation_lists(read_file(file, kMaxFile), file));
    out.insert(out.end(), parsed.begin(), parsed.end());
  }
  return out;
}

}  // namespace

Result<Trust> read_trust(const TrustOptions& options, UnixTime now) {
  Trust out;
  out.at = now;
  if (!options.at.empty()) {
    NODEPROOF_TRY(at, parse_rfc3339(options.at, "--at"));
    out.at = at;
  }
  NODEPROOF_TRY(anchors, read_trust_anchors(options.trust_anchors));
  NODEPROOF_TRY(lists, read_revocation_lists(options.revocation_lists));
  out.anchors = std::move(anchors);
  out.revocation_lists = std::move(lists);
  return out;
}

Result<std::vector<attest::Certificate>> read_certificates(const std::vector<std::string>& files) {
  std::vector<attest::Certificate> out;
  for (const std::string& file : files) {
    NODEPROOF_TRY(parsed, attest::parse_certificates(read_file(file, kMaxFile), file));
    out.insert(out.end(), parsed.begin(), parsed.end());
  }
  return out;
}

Result<attest::ReferenceValues> read_reference_values(const std::string& file) {
  if (file.empty()) return attest::built_in_reference_values();
  const Bytes yaml = read_file(file, kMaxFile);
  return wire::parse_reference_values(as_text(yaml), file);
}

void name_extra_anchors(std::ostream& err, const attest::TrustAnchors& anchors) {
  for (const std::string& name : anchors.extra) {
    err << "nodeproof: --trust-anchor adds the root " << printable(name)
        << " to those of AMD and Microsoft.\n";
  }
}

ExitCode run_verb(std::string_view verb, std::ostream& err, const std::function<Result<ExitCode>()>& body) {
  try {
    const auto exit_code = body();
    if (exit_code) return *exit_code;
    err << "nodeproof: " << printable(to_string(exit_code.error())) << "\nSee nodeproof " << verb
        << " --help.\n";
    return kUsage;
  } catch (const std::invalid_argument& error) {
    err << "nodeproof: " << printable(error.what()) << ".\n";
    return kUsage;
  } catch (const std::length_error& error) {
    err << "nodeproof: " << printable(error.what())
        << ": no evidence is that large; check which file this is.\n";
    return kUsage;
  } catch (const std::system_error& error) {
    err << "nodeproof: " << printable(error.what()) << ". Check the path and whether you may read it.\n";
    return kEnvironment;
  } catch (const std::exception& error) {
    err << "nodeproof: " << printable(error.what()) << ".\n";
    return kEnvironment;
  }
}

}  // namespace nodeproof::cli
