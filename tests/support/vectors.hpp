// Recorded evidence for tests: files under $NODEPROOF_VECTORS. Tests that need it begin with
// NODEPROOF_NEED_VECTORS(), which says SKIPPED when it is not there.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "attest/crypto.hpp"
#include "base/file.hpp"
#include "base/or_throw.hpp"

#define NODEPROOF_NEED_VECTORS()              \
  if (::nodeproof::vectors::folder().empty()) \
  GTEST_SKIP() << "NODEPROOF_VECTORS names no folder of recorded evidence: this test checked nothing"

namespace nodeproof::vectors {

// 2026-08-25T00:00:00Z: every recorded certificate is current then, but for those called expired.
inline constexpr UnixTime kNow{Seconds{1787616000}};

// Empty when there is none.
inline std::filesystem::path folder() {
  const char* named = std::getenv("NODEPROOF_VECTORS");
  if (named == nullptr || !std::filesystem::is_directory(named)) return {};
  return named;
}

inline Bytes file(const std::filesystem::path& relative) {
  return read_file(folder() / relative, 4U << 20U);
}

// PEM or DER, one or several; throws when the file is no certificate.
inline std::vector<attest::Certificate> certificates(const std::filesystem::path& relative) {
  return or_throw(attest::parse_certificates(file(relative), relative.string()));
}
inline attest::Certificate certificate(const std::filesystem::path& relative) {
  return certificates(relative).at(0);
}

// Folders below `relative` that hold an expect.json, sorted by name.
inline std::vector<std::filesystem::path> cases(const std::filesystem::path& relative) {
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::directory_iterator(folder() / relative)) {
    if (std::filesystem::exists(entry.path() / "expect.json"))
      found.push_back(relative / entry.path().filename());
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace nodeproof::vectors
