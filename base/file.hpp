// Whole-file reads and writes with limits. Environment errors throw std::system_error.
#pragma once

#include <filesystem>
#include <optional>

#include "base/bytes.hpp"

namespace nodeproof {

// Reads all of a file until its end (pseudo-files report size 0, so the size is not asked for).
// More than `limit` bytes: throws std::length_error naming the path. "-" reads standard input.
Bytes read_file(const std::filesystem::path& path, std::size_t limit);

// As read_file, but nothing when the file does not exist.
std::optional<Bytes> read_file_if_exists(const std::filesystem::path& path, std::size_t limit);

// Replaces the file in one step: a reader sees the old content or all of the new one.
void write_file(const std::filesystem::path& path, ByteView content, unsigned mode = 0644);

}  // namespace nodeproof
