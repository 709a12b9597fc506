// PCR values of any bank, from the files that `verify event-log --pcrs` takes.
#pragma once

#include <cstdint>
#include <map>

#include "base/bytes.hpp"

namespace nodeproof::cli {

// By TPM algorithm id, then by PCR.
using PcrBanks = std::map<std::uint16_t, std::map<unsigned, Bytes>>;

// What attest::parse_pcrs reads, which is of the SHA-256 bank; besides 24 raw values of another bank, told by
// the size of the file, and JSON of several: {"sha1": {"0": "hex", ...}, "sha256": {...}}.
Result<PcrBanks> parse_pcr_banks(ByteView file);

}  // namespace nodeproof::cli
