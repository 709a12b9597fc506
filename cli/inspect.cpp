#include "cli/inspect.hpp"

#include <algorithm>
#include <filesystem>
#include <ostream>
#include <stdexcept>

#include "base/file.hpp"
#include "cli/printable.hpp"
#include "cli/recognisers.hpp"

namespace nodeproof::cli {
namespace {

constexpr std::size_t kMaxFile = 4U << 20U;
constexpr std::size_t kShownBytes = 64;

// The first that knows the file wins: those with a magic number first, then those that parse, then
// those that have nothing but a size, then text of ever less form.
constexpr Recognised (*kRecognisers[])(const InspectedFile&) = {
    recognise_hcl_report, recognise_tpms_attest, recognise_td_quote,      recognise_pem,
    recognise_der,        recognise_event_log,   recognise_ima_log,       recognise_tpmt_signature,
    recognise_tpm_public, recognise_tools_pcrs,  recognise_efi_variable,  recognise_snp_report,
    recognise_tpm_name,   recognise_jwt,         recognise_json,          recognise_hex,
    recognise_yaml,       recognise_text,        recognise_raw_signature, recognise_raw_pcrs,
};

// What the first bytes of some other files say.
const char* hint_of(ByteView content) {
  const std::string_view text = as_text(content);
  if (content.empty()) return "the file is empty";
  if (all_zero(content)) return "all bytes are zero: an NV index or buffer that nothing was written to?";
  if (text.starts_with("\x1f\x8b")) return "gzip: decompress it first";
  if (text.starts_with("PK")) return "a zip archive: unpack it first";
  if (text.starts_with("\x7f"
                       "ELF"))
    return "a program, not evidence";
  if (content.size() == 32 || content.size() == 48 || content.size() == 64 || content.size() == 20)
    return "as long as a digest or a nonce";
  return "no known beginning and no known size";
}

Description unknown(ByteView content) {
  Description out;
  out.kind = std::string(kUnknownKind);
  out.title = "Unknown file";
  out.add("size", std::to_string(content.size()) + " bytes");
  out.add("hint", hint_of(content));
  out.add_hex("first bytes", content.first(std::min(content.size(), kShownBytes)));
  return out;
}

}  // namespace

Description describe(ByteView content, const std::string& name) {
  for (const auto recognise : kRecognisers) {
    if (Recognised description = recognise({content, name})) return *std::move(description);
  }
  return unknown(content);
}

ExitCode inspect(const InspectOptions& options, std::ostream& out, std::ostream& err) {
  try {
    const Bytes content = read_file(options.file, kMaxFile);
    const Description description = describe(content, std::filesystem::path(options.file).filename());
    (options.json ? print_description_json : print_description)(out, description);
    if (description.kind != kUnknownKind) return kVerified;
    err << "nodeproof: " << printable(options.file)
        << " is nothing that nodeproof knows. See nodeproof inspect --help for what it does know.\n";
    return kUsage;
  } catch (const std::length_error& error) {
    err << "nodeproof: " << printable(error.what())
        << ": no evidence is that large; check which file this is.\n";
    return kUsage;
  } catch (const std::exception& error) {
    err << "nodeproof: " << printable(error.what()) << ". Check the path and whether you may read it.\n";
    return kEnvironment;
  }
}

}  // namespace nodeproof::cli
