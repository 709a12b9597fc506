#include "agent/endorsements.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "attest/amd_chain.hpp"
#include "attest/crypto.hpp"
#include "attest/strict_json.hpp"
#include "base/file.hpp"

namespace nodeproof::agent {
namespace {

constexpr std::size_t kHashDigits = 64;
// What NodeEvidence can carry (crds/nodeevidences.yaml).
constexpr std::size_t kMaxCertificates = 8;
constexpr std::size_t kMaxCertificateSize = 16384;
constexpr std::size_t kCacheFileLimit = kThimReplyLimit + kHashDigits + 1;

Result<std::vector<attest::Certificate>> certificates_of(const attest::JsonValue& reply,
                                                         std::string_view member) {
  NODEPROOF_TRY(value, reply.required(member));
  NODEPROOF_TRY(pem, value.string());
  return attest::parse_certificates(as_bytes(pem), value.path());
}

Result<std::vector<Bytes>> parse_for(ByteView reply, const EndorsementKey& key) {
  NODEPROOF_TRY(certificates, parse_thim_reply(reply));
  NODEPROOF_CHECK(check_belongs(certificates, key));
  return std::move(certificates);
}

// A cache file is the SHA-256 of the reply in hex, a newline, the reply.
Result<ByteView> reply_in(ByteView file) {
  if (file.size() <= kHashDigits)
    return Error{Errc::kTruncated, "cache file", "is shorter than its checksum"};
  const ByteView reply = file.subspan(kHashDigits + 1);
  if (as_text(file.first(kHashDigits)) != to_hex(attest::sha256(reply)) || file[kHashDigits] != '\n') {
    return Error{Errc::kBadValue, "cache file", "does not match its checksum"};
  }
  return reply;
}

}  // namespace

Status check_belongs(const std::vector<Bytes>& certificates, const EndorsementKey& key) {
  if (certificates.empty()) return Error{Errc::kTruncated, "vcekCert", "is missing"};
  NODEPROOF_TRY(vcek, attest::Certificate::parse_der(certificates.front(), "vcekCert"));
  NODEPROOF_TRY(extensions, attest::parse_vcek_extensions(vcek));
  if (extensions.hwid != key.chip_id) {
    return Error{Errc::kBadValue, "vcekCert",
                 "is for another chip, " + to_hex(extensions.hwid).substr(0, 16) + "..."};
  }
  if (extensions.tcb != key.tcb) {
    return Error{Errc::kBadValue, "vcekCert",
                 "is for TCB " + describe(extensions.tcb) + ", the report says " + describe(key.tcb)};
  }
  return Ok{};
}

Result<std::vector<Bytes>> parse_thim_reply(ByteView json) {
  NODEPROOF_TRY(document, attest::JsonDocument::parse(json, kThimReplyLimit, "THIM reply"));
  NODEPROOF_TRY(vcek, certificates_of(document.root(), "vcekCert"));
  if (vcek.size() != 1) {
    return Error{Errc::kBadValue, "THIM reply.vcekCert",
                 "holds " + std::to_string(vcek.size()) + " certificates, not 1"};
  }
  NODEPROOF_TRY(chain, certificates_of(document.root(), "certificateChain"));
  std::vector<Bytes> out{vcek.front().der()};
  for (const attest::Certificate& certificate : chain) out.push_back(certificate.der());
  const bool oversized =
      std::any_of(out.begin(), out.end(), [](const Bytes& der) { return der.size() > kMaxCertificateSize; });
  if (out.size() > kMaxCertificates || oversized) {
    return Error{Errc::kTooLarge, "THIM reply",
                 "holds more or larger certificates than VCEK, ASK and ARK are"};
  }
  return out;
}

CachedEndorsements::CachedEndorsements(Fetch fetch, std::filesystem::path directory)
    : fetch_(std::move(fetch)), directory_(std::move(directory)) {}

std::vector<Bytes> CachedEndorsements::endorsements(const EndorsementKey& key, const std::stop_token& stop) {
  if (last_.empty() || last_key_ != key) {
    auto found = cached(key);
    last_ = found ? std::move(*found) : fetched(key, stop);
    last_key_ = key;
  }
  return last_;
}

std::vector<Bytes> CachedEndorsements::fetched(const EndorsementKey& key, const std::stop_token& stop) const {
  const Bytes reply = fetch_(stop);
  auto certificates = parse_for(reply, key);
  if (!certificates) {
    throw EndorsementError("THIM served no certificate for this report: " + to_string(certificates.error()) +
                           ". Remedy: none needed while the host updates, THIM follows within hours; if it "
                           "lasts, reallocate the VM");
  }
  keep(key, reply);
  return std::move(*certificates);
}

std::filesystem::path CachedEndorsements::file_for(const EndorsementKey& key) const {
  return directory_ /
         ("vcek-" + to_hex(key.chip_id) + "-" + to_hex(attest::serialize_tcb(key.tcb)) + ".json");
}

std::optional<std::vector<Bytes>> CachedEndorsements::cached(const EndorsementKey& key) const {
  const std::filesystem::path path = file_for(key);
  try {
    const auto file = read_file_if_exists(path, kCacheFileLimit);
    if (!file) return std::nullopt;
    auto certificates = [&]() -> Result<std::vector<Bytes>> {
      NODEPROOF_TRY(reply, reply_in(*file));
      return parse_for(reply, key);
    }();
    if (certificates) return std::move(*certificates);
    spdlog::warn("endorsement cache {} is ignored and fetched anew: {}", path.string(),
                 to_string(certificates.error()));
  } catch (const std::exception& e) {
    spdlog::warn("endorsement cache {} is ignored: {}", path.string(), e.what());
  }
  return std::nullopt;
}

void CachedEndorsements::keep(const EndorsementKey& key, ByteView reply) const {
  try {
    std::filesystem::create_directories(directory_);
    Bytes content = to_bytes(as_bytes(to_hex(attest::sha256(reply)) + "\n"));
    append(content, reply);
    write_file(file_for(key), content);
  } catch (const std::exception& e) {
    spdlog::warn(
        "cannot keep endorsements in {}: {}. Remedy: make cacheDirectory writable; until then every start "
        "of the agent depends on THIM",
        directory_.string(), e.what());
  }
}

}  // namespace nodeproof::agent
