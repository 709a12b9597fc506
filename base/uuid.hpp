// Kubernetes UIDs, boot IDs and VM ids in their one canonical form, so that hashes over them agree.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace nodeproof {

// True for 36 characters, lower case, 8-4-4-4-12 hex digits.
bool is_canonical_uuid(std::string_view text) noexcept;

// Checks that form; the input comes back as a string, or kBadValue naming `where`.
Result<std::string> canonical_uuid(std::string_view text, std::string_view where);

// Lower-cases a UUID in either case (Azure writes vmUniqueId both ways), then checks the form.
Result<std::string> uuid_any_case(std::string_view text, std::string_view where);

// The UUID of all zeros (RFC 9562 5.9), which stands for none. Takes the canonical form.
bool is_nil_uuid(std::string_view canonical) noexcept;

// The same UUID with its first three fields byte-swapped: SMBIOS stores them little endian, so
// firmware and kernels disagree about the order. Takes and gives the canonical form.
std::string swapped_uuid(std::string_view canonical);

}  // namespace nodeproof
