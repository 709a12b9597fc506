// Strict reading of untrusted JSON over simdjson's DOM: duplicate keys, wrong types, unknown
// members, trailing bytes and oversized documents are Errors that name the JSON path.
//
// simdjson validates UTF-8 and numbers but keeps duplicate keys; Go reads the last and simdjson the
// first, so a document with duplicates means two things and is refused whole.
#pragma once

#include <simdjson.h>

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"

namespace nodeproof::attest {

// One member or element and the path that led to it ("spec.pcrs.7"). Borrows its document.
class JsonValue {
 public:
  JsonValue(simdjson::dom::element element, std::string path) : element_(element), path_(std::move(path)) {}

  const std::string& path() const { return path_; }
  bool is_null() const { return element_.is_null(); }
  bool is_object() const { return element_.is_object(); }
  bool is_array() const { return element_.is_array(); }
  bool is_string() const { return element_.is_string(); }

  Result<std::string_view> string() const;
  Result<std::string> text() const;  // as string(), copied
  Result<bool> boolean() const;
  Result<std::uint64_t> unsigned_integer() const;  // no sign, no fraction, no exponent
  Result<std::vector<JsonValue>> array() const;
  struct Member;
  Result<std::vector<Member>> members() const;  // in document order

  // A member that must be there; an object is required.
  Result<JsonValue> required(std::string_view key) const;
  // A member that may be absent or null: then nothing. An object is required.
  Result<std::optional<JsonValue>> optional(std::string_view key) const;
  // kUnknownField for the first member that is not among `known`.
  Status only(std::initializer_list<std::string_view> known) const;

  simdjson::dom::element element() const { return element_; }

 private:
  Error wrong_type(std::string_view expected) const;
  simdjson::dom::element element_;
  std::string path_;
};

struct JsonValue::Member {
  std::string_view key;
  JsonValue value;
};

// Owns the parsed document. Movable; values borrow from it.
class JsonDocument {
 public:
  // Refuses more than `limit` bytes, more than 64 levels and duplicate keys at any level. `what`
  // is the first part of every path, for example "NodeQuote".
  static Result<JsonDocument> parse(ByteView text, std::size_t limit, std::string_view what);
  JsonValue root() const { return {root_, what_}; }

 private:
  JsonDocument() = default;
  std::unique_ptr<simdjson::dom::parser> parser_;
  simdjson::dom::element root_;
  std::string what_;
};

}  // namespace nodeproof::attest
