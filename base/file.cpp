#include "base/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

#include "base/unique_handle.hpp"

namespace nodeproof {
namespace {

std::system_error failure(const std::string& what, const std::filesystem::path& path) {
  return {errno, std::generic_category(), what + " " + path.string()};
}

Bytes read_all(int fd, const std::filesystem::path& path, std::size_t limit) {
  Bytes out;
  std::uint8_t buffer[65536];
  for (;;) {
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw failure("cannot read", path);
    if (n == 0) return out;
    const auto count = static_cast<std::size_t>(n);
    if (out.size() + count > limit) {
      throw std::length_error(path.string() + " is larger than " + std::to_string(limit) + " bytes");
    }
    out.insert(out.end(), buffer, buffer + count);
  }
}

}  // namespace

Bytes read_file(const std::filesystem::path& path, std::size_t limit) {
  if (path == "-") return read_all(STDIN_FILENO, "standard input", limit);
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) throw failure("cannot open", path);
  return read_all(fd.get(), path, limit);
}

std::optional<Bytes> read_file_if_exists(const std::filesystem::path& path, std::size_t limit) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd && errno == ENOENT) return std::nullopt;
  if (!fd) throw failure("cannot open", path);
  return read_all(fd.get(), path, limit);
}

void write_file(const std::filesystem::path& path, ByteView content, unsigned mode) {
  const std::filesystem::path temporary = path.string() + ".new";
  {
    const UniqueFd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
    if (!fd) throw failure("cannot create", temporary);
    for (std::size_t done = 0; done < content.size();) {
      const ssize_t n = ::write(fd.get(), content.data() + done, content.size() - done);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) throw failure("cannot write", temporary);
      done += static_cast<std::size_t>(n);
    }
    if (::fsync(fd.get()) != 0) throw failure("cannot flush", temporary);
  }
  std::filesystem::rename(temporary, path);
}

}  // namespace nodeproof
