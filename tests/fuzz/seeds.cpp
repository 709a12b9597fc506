#include "tests/fuzz/seeds.hpp"

#include <cstdlib>
#include <iostream>

#include "base/file.hpp"

namespace nodeproof::fuzz {

void SeedWriter::add(std::string_view target, std::string_view name, ByteView content) const {
  const std::filesystem::path folder = root_ / target;
  std::filesystem::create_directories(folder);
  write_file(folder / name, content);
}

namespace {

void write_seeds(const std::filesystem::path& folder) {
  std::filesystem::remove_all(folder / "forged");
  std::filesystem::remove_all(folder / "recorded");
  write_forged_seeds(SeedWriter(folder / "forged"));
  const char* vectors = std::getenv("NODEPROOF_VECTORS");
  if (vectors != nullptr && std::filesystem::is_directory(vectors))
    write_recorded_seeds(SeedWriter(folder / "recorded"), vectors);
  else
    std::cerr << "NODEPROOF_VECTORS names no folder of recorded evidence: forged seeds only\n";
}

}  // namespace
}  // namespace nodeproof::fuzz

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: fuzz_seeds FOLDER\nWrites FOLDER/forged/TARGET/* and, from $NODEPROOF_VECTORS, "
                 "FOLDER/recorded/TARGET/*; what these held before is removed.\n";
    return 2;
  }
  try {
    nodeproof::fuzz::write_seeds(argv[1]);
  } catch (const std::exception& error) {
    std::cerr << "fuzz_seeds: " << error.what() << '\n';
    return 1;
  }
  return 0;
}
