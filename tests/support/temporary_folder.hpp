// A folder of a test's own.
#pragma once

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include "base/file.hpp"

namespace nodeproof::test {

// Made by the constructor, which throws std::system_error, and removed with all that is in it by the
// destructor. Below TMPDIR, so that tests may run side by side and by several users.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "nodeproof-test-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr)
      throw std::system_error(errno, std::generic_category(), "cannot make " + pattern);
    path_ = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::filesystem::path& below) const { return path_ / below; }
  // A file in it that only its owner may read; returns where it is.
  std::filesystem::path write(const std::string& name, std::string_view text) const {
    write_file(path_ / name, as_bytes(text), 0600);
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace nodeproof::test
