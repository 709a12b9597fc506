// What a forged confidential node published, as objects and as files, for the verbs that judge it.
#pragma once

#include <filesystem>

#include "base/file.hpp"
#include "tests/support/forge.hpp"
#include "wire/node_evidence.hpp"
#include "wire/node_quote.hpp"

namespace nodeproof::cli::testing {

inline constexpr const char* kNodeUid = "11111111-2222-4333-8444-555555555555";
inline constexpr const char* kBootId = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
inline constexpr const char* kOtherUuid = "99999999-8888-4777-8666-555555555555";

inline wire::NodeEvidence make_evidence(forge::BootOptions options = {}) {
  options.hcl_padding = 0;
  const attest::BootEvidence boot = forge::make_boot_evidence(forge::shared_world(), options);
  wire::NodeEvidence out;
  out.name = "cvm-1";
  out.boot = {kNodeUid, kBootId};
  out.platform = wire::kPlatformSnp;
  out.collected = {"0123456789abcdef", 100};
  out.hcl_report = boot.hcl_report;
  for (const attest::Certificate& certificate : boot.certificates)
    out.certificates.push_back(certificate.der());
  if (boot.ak_certificate) out.ak_certificate = boot.ak_certificate->der();
  return out;
}

struct QuoteChoice {
  bool other_ak = false;
  forge::QuoteOptions options = {};
  std::optional<Bytes> qualifying_data = {};  // absent: the right one
};

inline wire::NodeQuote make_quote(const wire::NodeEvidence& evidence, const QuoteChoice& choice = {}) {
  const forge::World& world = forge::shared_world();
  wire::NodeQuote out;
  out.name = evidence.name;
  out.boot = evidence.boot;
  out.epoch = {"0123456789abcdef", 103};
  out.nonce.fill(0x33);
  out.evidence_digest = evidence.digest();
  forge::QuoteOptions options = choice.options;
  options.qualifying_data = choice.qualifying_data.value_or(
      to_bytes(attest::qualifying_data(out.epoch.kid, out.nonce, out.boot, out.evidence_digest)));
  const attest::QuoteEvidence quote = forge::make_quote(choice.other_ak ? world.other_ak : world.ak, options);
  out.attest = quote.attest;
  out.signature = quote.signature;
  out.pcrs = quote.pcrs;
  return out;
}

inline std::string node_json(const std::string& uid = kNodeUid, const std::string& boot_id = kBootId) {
  return R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"cvm-1","uid":")" + uid +
         R"("},"status":{"nodeInfo":{"bootID":")" + boot_id + R"("}}})";
}

inline std::string list_of(const std::vector<std::string>& objects) {
  std::string out = R"({"apiVersion":"v1","kind":"List","items":[)";
  for (const std::string& object : objects) out += (out.back() == '[' ? "" : ",") + object;
  return out + "]}";
}

// A folder that goes with the test.
class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "nodeproof-cli-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = pattern;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string write(const std::string& name, std::string_view text) const {
    write_file(path_ / name, as_bytes(text), 0600);
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace nodeproof::cli::testing
