// Strict reading of untrusted JSON over simdjson's DOM: duplicate keys, wrong types, unknown
// members, trailing bytes and oversized documents are Errors that name the JSON path.
//
// simdjson validates UTF-8 and numbers but keeps duplicate keys; Go reads the last and simdjson the
// first, so a document with duplicates means two things and is refused whole.
#pragma once

#include <simdjson.h>

#include <array>
#include <initializer_list>
#include <memory>
#include <memory_resource>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"

namespace nodeproof::attest {

// How one value was reached from another: by a key, or by an index of an array when `key` is null.
// Steps lie in the JsonParser of their document; a path becomes text only for an error.
struct JsonStep {
  const JsonStep* from;  // null: this is the root, and `key` its name
  std::string_view key;
  std::size_t index = 0;
};

class JsonParser;

// One member or element and the path that led to it ("spec.pcrs.7"). Borrows its document; the values
// of one document are for one thread at a time.
class JsonValue {
 public:
  JsonValue(simdjson::dom::element element, const JsonStep& step, JsonParser& parser)
      : element_(element), step_(&step), parser_(&parser) {}

  std::string path() const;
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
  // A string member; empty when it is absent or null. An object is required.
  Result<std::string> optional_text(std::string_view key) const;
  // kUnknownField for the first member that is not among `known`.
  Status only(std::initializer_list<std::string_view> known) const;

  simdjson::dom::element element() const { return element_; }

 private:
  Error wrong_type(std::string_view expected) const;
  struct Found;
  Found find(std::string_view key) const;
  JsonValue child(simdjson::dom::element element, std::string_view key, std::size_t index) const;

  simdjson::dom::element element_;
  const JsonStep* step_;
  JsonParser* parser_;
};

struct JsonValue::Member {
  std::string_view key;
  JsonValue value;
};

// The memory that one document needs, to be used again for the next: then reading a document of
// ordinary size allocates next to nothing.
class JsonParser {
 public:
  // Longer texts are parsed with memory of their own, given back with the document: a parser holds some 15
  // times the longest text that it has parsed.
  static constexpr std::size_t kMaxReused = std::size_t{32} << 10U;
  // `longest`: instead of kMaxReused, for a program that keeps many parsers.
  explicit JsonParser(std::size_t longest = kMaxReused) : longest_(longest) {}
  JsonParser(const JsonParser&) = delete;
  JsonParser& operator=(const JsonParser&) = delete;

 private:
  friend class JsonDocument;
  friend class JsonValue;

  std::size_t longest_;
  simdjson::dom::parser parser_;
  std::string name_;  // of the root
  JsonStep root_{};
  std::array<std::byte, 4096> first_steps_{};  // as many as an ordinary document takes
  std::pmr::monotonic_buffer_resource steps_{first_steps_.data(), first_steps_.size()};
};

// The parsed document. Movable; values borrow from it.
class JsonDocument {
 public:
  // Refuses more than `limit` bytes, more than 64 levels and duplicate keys at any level. `what`
  // is the first part of every path, for example "NodeQuote".
  static Result<JsonDocument> parse(ByteView text, std::size_t limit, std::string_view what);
  // The same with the memory of `parser`, which outlives the document; whatever was parsed with it
  // before ends.
  static Result<JsonDocument> parse(ByteView text, std::size_t limit, std::string_view what,
                                    JsonParser& parser);
  // For long texts: with the memory of `parser` whatever their length, and without a copy of the text, which
  // gets room behind it that simdjson may read. It must stay as it is until the document ends.
  static Result<JsonDocument> parse_in_place(std::string& text, std::size_t limit, std::string_view what,
                                             JsonParser& parser);
  JsonValue root() const { return {root_, parser_->root_, *parser_}; }

 private:
  // `padded`: SIMDJSON_PADDING bytes behind the text may be read, so that it is not copied.
  static Result<JsonDocument> parse_with(JsonParser& parser, ByteView text, bool padded,
                                         std::string_view what);
  JsonDocument() = default;

  std::unique_ptr<JsonParser> own_;  // null: the parser is borrowed
  JsonParser* parser_ = nullptr;
  simdjson::dom::element root_;
};

}  // namespace nodeproof::attest
