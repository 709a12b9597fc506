#include "attest/challenge.hpp"

#include <initializer_list>

#include "attest/crypto.hpp"

namespace nodeproof::attest {
namespace {

Bytes labelled(std::string_view label) {
  Bytes out = to_bytes(as_bytes(label));
  out.push_back(0);
  return out;
}

// label || 0x00 || fields, each u32be length || bytes: no two lists of fields give the same bytes.
Bytes encode(std::string_view label, std::initializer_list<ByteView> fields) {
  Bytes out = labelled(label);
  for (const ByteView field : fields) {
    append_be32(out, static_cast<std::uint32_t>(field.size()));
    append(out, field);
  }
  return out;
}

}  // namespace

std::uint64_t epoch_at(UnixTime time, Seconds length) {
  const auto seconds = to_unix(time);
  return seconds < 0 ? 0 : static_cast<std::uint64_t>(seconds / length.count());
}

UnixTime epoch_start(std::uint64_t epoch, Seconds length) {
  return from_unix(static_cast<std::int64_t>(epoch) * length.count());
}

Nonce epoch_nonce(const EpochKey& key, std::uint64_t epoch) {
  Bytes message = labelled("nodeproof/epoch/v1");
  append_be64(message, epoch);
  return hmac_sha256(key, message);
}

Sha256Digest evidence_digest(std::string_view platform, const BootIdentity& boot, const Epoch& collected,
                             ByteView hcl_framed, ByteView event_log) {
  Bytes epoch;
  append_be64(epoch, collected.number);
  return sha256(
      encode("nodeproof/evidence/v1", {as_bytes(platform), as_bytes(boot.node_uid), as_bytes(boot.boot_id),
                                       as_bytes(collected.kid), epoch, hcl_framed, event_log}));
}

Sha256Digest qualifying_data(std::string_view kid, const Nonce& nonce, const BootIdentity& boot,
                             const Sha256Digest& evidence) {
  return sha256(encode("nodeproof/quote/v1",
                       {as_bytes(kid), nonce, as_bytes(boot.node_uid), as_bytes(boot.boot_id), evidence}));
}

ByteArray<32> activation_secret(const EpochKey& key, ByteView ak_name, const Sha256Digest& ek,
                                std::string_view node_uid) {
  return hmac_sha256(key, encode("nodeproof/activate/v1", {ak_name, ek, as_bytes(node_uid)}));
}

Sha512Digest report_challenge(std::string_view kid, const Nonce& nonce, const BootIdentity& boot) {
  return sha512(
      encode("nodeproof/report/v1", {as_bytes(kid), nonce, as_bytes(boot.node_uid), as_bytes(boot.boot_id)}));
}

}  // namespace nodeproof::attest
