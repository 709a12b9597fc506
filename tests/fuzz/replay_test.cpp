// Replays seeds of one fuzz target as ordinary tests, each whole and in mutations that are the same in
// every run.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <random>
#include <sstream>

#include "base/file.hpp"
#include "tests/fuzz/target.hpp"

namespace nodeproof::fuzz {
namespace {

constexpr std::size_t kMaxSeed = 4U << 20U;
constexpr int kFlips = 64;

// Whether the input was accepted.
bool replay(ByteView input) {
  try {
    return one_input(input);
  } catch (const Violation& violation) {
    ADD_FAILURE() << violation.what() << "; input, base64: " << to_base64(input);
    return false;
  }
}

// Ends at powers of two, and one byte before and after them, find most of a binary format's field ends.
void replay_prefixes(ByteView seed) {
  replay({});
  for (std::size_t power = 1; power <= seed.size(); power *= 2) {
    for (const std::size_t size : {power - 1, power, power + 1})
      replay(seed.first(std::min(size, seed.size())));
  }
  if (!seed.empty()) replay(seed.first(seed.size() - 1));
}

void replay_flips(ByteView seed) {
  if (seed.empty()) return;
  std::mt19937 random(1);  // NOLINT: the same in every run on purpose
  for (int flip = 0; flip < kFlips; ++flip) {
    Bytes input = to_bytes(seed);
    const std::size_t bit = random() % (input.size() * 8);
    input[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    replay(input);
  }
}

// What each folder holds is told by the one above it: forged, recorded, or corpus, which is what fuzzing
// found and somebody kept (corpus/README.md).
std::string kind(const std::filesystem::path& folder) {
  return folder.parent_path().filename().string();
}

// $NODEPROOF_FUZZ_FOLDERS: the target's folders, one after another, with colons between.
std::vector<std::filesystem::path> folders() {
  const char* value = std::getenv("NODEPROOF_FUZZ_FOLDERS");
  std::istringstream list(value == nullptr ? "" : value);
  std::vector<std::filesystem::path> out;
  for (std::string folder; std::getline(list, folder, ':');) out.emplace_back(folder);
  return out;
}

class FuzzReplay : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(FuzzReplay, Seeds) {
  const char* vectors = std::getenv("NODEPROOF_VECTORS");
  if (kind(GetParam()) == "recorded" && (vectors == nullptr || !std::filesystem::is_directory(vectors)))
    GTEST_SKIP() << "NODEPROOF_VECTORS names no folder of recorded evidence: this test checked nothing";
  std::size_t seeds = 0;
  std::size_t accepted_seeds = 0;
  for (const auto& entry : std::filesystem::directory_iterator(GetParam())) {
    SCOPED_TRACE(entry.path().string());
    const Bytes seed = read_file(entry.path(), kMaxSeed);
    accepted_seeds += replay(seed) ? 1U : 0U;
    replay_prefixes(seed);
    replay_flips(seed);
    ++seeds;
  }
  EXPECT_GT(seeds, 0U) << GetParam() << " holds no seed";
  // Seeds that are all refused would exercise nothing behind the first check.
  if (kind(GetParam()) != "corpus") {
    EXPECT_GT(accepted_seeds, 0U);
  }
}

// A program that was told of no folder would pass with nothing run.
TEST(FuzzReplayFolders, AreNamed) {
  EXPECT_FALSE(folders().empty()) << "set NODEPROOF_FUZZ_FOLDERS, as ctest does";
}

INSTANTIATE_TEST_SUITE_P(Folders, FuzzReplay, testing::ValuesIn(folders()),
                         [](const auto& test) { return kind(test.param); });

}  // namespace
}  // namespace nodeproof::fuzz
