// Seeds of the fuzz targets, made when they are needed.
#pragma once

#include <filesystem>
#include <string_view>

#include "base/bytes.hpp"

namespace nodeproof::fuzz {

// Writes seeds below `root`, one folder for each target. Throws when a file cannot be written.
class SeedWriter {
 public:
  explicit SeedWriter(std::filesystem::path root) : root_(std::move(root)) {}
  void add(std::string_view target, std::string_view name, ByteView content) const;
  void add(std::string_view target, std::string_view name, std::string_view content) const {
    add(target, name, as_bytes(content));
  }

 private:
  std::filesystem::path root_;
};

// Made on the spot with keys of our own: at least one for every target.
void write_forged_seeds(const SeedWriter& out);
// Parts of the recorded evidence in this folder, for the targets called RECORDED in CMakeLists.txt.
void write_recorded_seeds(const SeedWriter& out, const std::filesystem::path& vectors);

}  // namespace nodeproof::fuzz
