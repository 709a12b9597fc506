#include "base/result.hpp"

namespace nodeproof {

const char* to_string(Errc code) noexcept {
  switch (code) {
    case Errc::kTruncated:
      return "truncated";
    case Errc::kTrailing:
      return "trailing-data";
    case Errc::kTooLarge:
      return "too-large";
    case Errc::kBadValue:
      return "bad-value";
    case Errc::kWrongType:
      return "wrong-type";
    case Errc::kMissing:
      return "missing";
    case Errc::kUnknownField:
      return "unknown-field";
    case Errc::kDuplicate:
      return "duplicate";
    case Errc::kUnsupported:
      return "unsupported";
    case Errc::kOtherKind:
      return "other-kind";
  }
  return "unknown";
}

std::string to_string(const Error& error) {
  return error.where + ": " + error.detail + " (" + to_string(error.code) + ")";
}

}  // namespace nodeproof
