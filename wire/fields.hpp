// Members that several objects share, read with their limits. For wire/ and kube/.
#pragma once

#include <optional>

#include "attest/challenge.hpp"
#include "wire/objects.hpp"

namespace nodeproof::wire {

// Refuses another apiVersion or kind than `kind` of nodeproof.dev/v1alpha1. Both may be absent: list
// items need not repeat them.
Status check_own_kind(const attest::JsonValue& object, std::string_view kind);

// Refuses an object whose member `key` is missing or another text than `expected`.
Status require_text(const attest::JsonValue& object, std::string_view key, std::string_view expected);

// A string of 1 to `limit` bytes.
Result<std::string> bounded_text(const attest::JsonValue& value, std::size_t limit);
// As above; empty when absent or null.
Result<std::string> optional_text(const attest::JsonValue& object, std::string_view key, std::size_t limit);
// Base64 of 1 to `limit` bytes.
Result<Bytes> bounded_base64(const attest::JsonValue& value, std::size_t limit);
// As above; empty when absent or null.
Result<Bytes> optional_base64(const attest::JsonValue& object, std::string_view key, std::size_t limit);
// Exactly 32 bytes as 64 hex digits.
Result<Sha256Digest> hex_digest(const attest::JsonValue& value);

// 1 to 64 lower-case letters, digits and dashes.
Result<std::string> parse_kid(std::string_view text, std::string_view where);
// spec.nodeUID and spec.bootID.
Result<attest::BootIdentity> boot_identity(const attest::JsonValue& spec);
// spec.kid and spec.epoch; both must be there.
Result<attest::Epoch> epoch_of(const attest::JsonValue& spec);

}  // namespace nodeproof::wire
