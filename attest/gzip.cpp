#include "attest/gzip.hpp"

#include <zlib.h>

#include <algorithm>
#include <new>
#include <stdexcept>

namespace nodeproof::attest {
namespace {

constexpr int kGzipWindow = 15 + 16;  // the largest window; 16 asks zlib for gzip and nothing else
constexpr int kMemoryLevel = 8;       // zlib's default
constexpr std::size_t kChunk = std::size_t{64} << 10U;

// zlib does not write to its input, but its older interface is not const.
void set_input(z_stream& stream, ByteView bytes) {
  stream.next_in = const_cast<Bytef*>(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
}

class Inflater {
 public:
  explicit Inflater(ByteView packed) {
    set_input(stream_, packed);
    if (inflateInit2(&stream_, kGzipWindow) != Z_OK) throw std::bad_alloc();
  }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // Unpacks up to `room` bytes more behind `out`.
  int next(Bytes& out, std::size_t room) {
    const std::size_t before = out.size();
    const std::size_t step = std::min(room, kChunk);
    out.resize(before + step);
    stream_.next_out = out.data() + before;
    stream_.avail_out = static_cast<uInt>(step);
    const int code = inflate(&stream_, Z_NO_FLUSH);
    out.resize(out.size() - stream_.avail_out);
    return code;
  }
  std::size_t left() const { return stream_.avail_in; }
  std::size_t read() const { return stream_.total_in; }
  std::string message() const { return stream_.msg != nullptr ? stream_.msg : "not gzip"; }

 private:
  z_stream stream_{};
};

Error bad(Errc code, std::string_view where, std::string detail) {
  return {code, std::string(where), std::move(detail)};
}

}  // namespace

Result<Bytes> gunzip(ByteView packed, std::size_t limit, std::string_view where) {
  Inflater inflater(packed);
  Bytes out;
  while (true) {
    // One byte more than allowed tells a stream that is too long from one that just fits.
    const int code = inflater.next(out, limit + 1 - out.size());
    if (out.size() > limit) {
      return bad(Errc::kTooLarge, where, "unpacks to more than " + std::to_string(limit) + " bytes");
    }
    if (code == Z_STREAM_END) break;
    if (code == Z_BUF_ERROR) {  // it wants more input
      return bad(Errc::kTruncated, where, "ends within the gzip stream");
    }
    if (code == Z_MEM_ERROR) throw std::bad_alloc();
    if (code != Z_OK) {
      return bad(Errc::kBadValue, where,
                 "is no gzip stream at byte " + std::to_string(inflater.read()) + ": " + inflater.message());
    }
  }
  if (inflater.left() > 0) {
    return bad(Errc::kTrailing, where,
               "has " + std::to_string(inflater.left()) + " bytes after the gzip stream");
  }
  out.shrink_to_fit();
  return out;
}

Bytes gzip(ByteView bytes) {
  z_stream stream{};
  if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, kGzipWindow, kMemoryLevel, Z_DEFAULT_STRATEGY) !=
      Z_OK) {
    throw std::bad_alloc();
  }
  set_input(stream, bytes);
  Bytes out(deflateBound(&stream, static_cast<uLong>(bytes.size())));
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  const int code = deflate(&stream, Z_FINISH);  // in one step: deflateBound says that the room suffices
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (code != Z_STREAM_END) throw std::logic_error("zlib did not finish in deflateBound's room");
  return out;
}

}  // namespace nodeproof::attest
