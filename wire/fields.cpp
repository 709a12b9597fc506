#include "wire/fields.hpp"

#include <algorithm>
#include <limits>

#include "attest/strict_json.hpp"
#include "base/uuid.hpp"
#include "wire/own_api.hpp"

namespace nodeproof::wire {
namespace {

using attest::JsonValue;

constexpr std::size_t kMaxKid = 64;

Status must_be(const JsonValue& member, std::string_view expected) {
  NODEPROOF_TRY(text, member.string());
  if (text == expected) return Ok{};
  return Error{Errc::kUnsupported, member.path(),
               "is '" + std::string(text.substr(0, 64)) + "', must be " + std::string(expected)};
}

Status expect_text(const JsonValue& object, std::string_view key, std::string_view expected) {
  NODEPROOF_TRY(member, object.optional(key));
  return member ? must_be(*member, expected) : Status(Ok{});
}

Error bad_size(const JsonValue& value, std::size_t size, std::size_t limit) {
  if (size == 0) return {Errc::kBadValue, value.path(), "is empty; leave the member out instead"};
  return {Errc::kTooLarge, value.path(),
          "is " + std::to_string(size) + " bytes long, the limit is " + std::to_string(limit)};
}

}  // namespace

Status require_text(const JsonValue& object, std::string_view key, std::string_view expected) {
  NODEPROOF_TRY(member, object.required(key));
  return must_be(member, expected);
}

Status check_own_kind(const JsonValue& object, std::string_view kind) {
  NODEPROOF_CHECK(expect_text(object, "apiVersion", kOwnApiVersion));
  return expect_text(object, "kind", kind);
}

Result<std::string> bounded_text(const JsonValue& value, std::size_t limit) {
  NODEPROOF_TRY(text, value.string());
  if (text.empty() || text.size() > limit) return bad_size(value, text.size(), limit);
  return std::string(text);
}

Result<std::string> optional_text(const JsonValue& object, std::string_view key, std::size_t limit) {
  NODEPROOF_TRY(member, object.optional(key));
  if (!member) return std::string();
  NODEPROOF_TRY(text, member->string());
  if (text.size() > limit) return bad_size(*member, text.size(), limit);
  return std::string(text);
}

Result<Bytes> bounded_base64(const JsonValue& value, std::size_t limit) {
  NODEPROOF_TRY(text, value.string());
  // Judged before decoding, so that a hostile length costs no memory.
  if (text.empty() || text.size() > (limit + 2) / 3 * 4) return bad_size(value, text.size() / 4 * 3, limit);
  NODEPROOF_TRY(bytes, from_base64(text, value.path()));
  if (bytes.size() > limit) return bad_size(value, bytes.size(), limit);
  return std::move(bytes);
}

Result<Bytes> optional_base64(const JsonValue& object, std::string_view key, std::size_t limit) {
  NODEPROOF_TRY(member, object.optional(key));
  if (!member) return Bytes();
  return bounded_base64(*member, limit);
}

Result<Sha256Digest> hex_digest(const JsonValue& value) {
  NODEPROOF_TRY(text, value.string());
  NODEPROOF_TRY(bytes, from_hex(text, value.path()));
  return to_array<32>(bytes, value.path());
}

Result<std::string> parse_kid(std::string_view text, std::string_view where) {
  const bool known = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
  if (known && !text.empty() && text.size() <= kMaxKid) return std::string(text);
  return Error{Errc::kBadValue, std::string(where), "is not 1 to 64 lower-case letters, digits and dashes"};
}

Result<attest::BootIdentity> boot_identity(const JsonValue& spec) {
  NODEPROOF_TRY(node, spec.required("nodeUID"));
  NODEPROOF_TRY(node_text, node.string());
  NODEPROOF_TRY(node_uid, canonical_uuid(node_text, node.path()));
  NODEPROOF_TRY(boot, spec.required("bootID"));
  NODEPROOF_TRY(boot_text, boot.string());
  NODEPROOF_TRY(boot_id, canonical_uuid(boot_text, boot.path()));
  return attest::BootIdentity{std::move(node_uid), std::move(boot_id)};
}

Result<attest::Epoch> epoch_of(const JsonValue& spec) {
  NODEPROOF_TRY(kid, spec.required("kid"));
  NODEPROOF_TRY(kid_text, kid.string());
  NODEPROOF_TRY(known_kid, parse_kid(kid_text, kid.path()));
  NODEPROOF_TRY(epoch, spec.required("epoch"));
  NODEPROOF_TRY(number, epoch.unsigned_integer());
  // int64 in the CRD.
  if (number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    return Error{Errc::kBadValue, epoch.path(), "does not fit in 63 bits"};
  }
  return attest::Epoch{std::move(known_kid), number};
}

}  // namespace nodeproof::wire
