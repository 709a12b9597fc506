// Result<T>: a value, or the reason why hostile or broken *input* gave none.
//
// Three kinds of failure, three mechanisms (docs/adr/0005-errors.md): a node that does not pass a
// check is a value (attest::Finding); malformed input is a Result; a broken environment (device
// gone, API server unreachable) is an exception, caught once per loop or request.
//
// The shape is that of std::expected, which GCC 12 does not offer in C++20.
#pragma once

#include <cassert>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace nodeproof {

// What is wrong with an input. For code to branch on; `detail` is for people and never matched.
enum class Errc {
  kTruncated,     // ends before the field it must hold
  kTrailing,      // goes on after its end
  kTooLarge,      // exceeds a stated limit
  kBadValue,      // right type, value that the format forbids
  kWrongType,     // another type than the format demands
  kMissing,       // a required field is absent
  kUnknownField,  // a field that the format does not know
  kDuplicate,     // a key or item that may appear once appears again
  kUnsupported,   // a version, algorithm or kind that we do not handle
  kOtherKind,     // a kind that the format knows, and that is not taken here
};

// Names `code` as it appears in findings, messages and metrics, for example "truncated".
const char* to_string(Errc code) noexcept;

// `where` names the field or position in the input's own words ("report.version at 0x000",
// "spec.maxEvidenceAge"); `detail` is one clause that says what was found and what was expected.
struct [[nodiscard]] Error {
  Errc code;
  std::string where;
  std::string detail;
};

// "where: detail (code)", one line for logs and messages.
std::string to_string(const Error& error);

template <typename T>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  // Implicit, as std::expected is from its value and from std::unexpected.
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT(google-explicit-*)
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-*)

  bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  // Calling these without a value is a bug of ours, not an input error.
  T& value() & { return checked(); }
  const T& value() const& { return checked(); }
  T&& value() && { return std::move(checked()); }
  T& operator*() & { return checked(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(checked()); }
  T* operator->() { return &checked(); }
  const T* operator->() const { return &value(); }

  const Error& error() const& {
    assert(!has_value());
    return std::get<1>(state_);
  }
  Error&& error() && {
    assert(!has_value());
    return std::move(std::get<1>(state_));
  }

 private:
  T& checked() {
    assert(has_value());
    return std::get<0>(state_);
  }
  const T& checked() const {
    assert(has_value());
    return std::get<0>(state_);
  }

  std::variant<T, Error> state_;
};

// For functions that give nothing but success.
struct Ok {};
using Status = Result<Ok>;

}  // namespace nodeproof

// NODEPROOF_TRY(name, expression): `name` becomes the value of the Result, or the enclosing
// function returns its Error.
#define NODEPROOF_TRY(name, expression)                        \
  auto name##_result = (expression);                           \
  if (!name##_result) return std::move(name##_result).error(); \
  auto& name = *name##_result

// NODEPROOF_CHECK(expression): returns the Error of a Status, goes on otherwise.
#define NODEPROOF_CHECK(expression)                                                \
  do {                                                                             \
    auto nodeproof_check_result = (expression);                                    \
    if (!nodeproof_check_result) return std::move(nodeproof_check_result).error(); \
  } while (false)
