// JSON written straight into a string, for answers that are made thousands of times a second: building
// a tree of cpprest's first costs more than the decision that is told. Everything else is written with
// json_writer.hpp. For wire/, and for lines of log.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace nodeproof::wire {

// Commas are put where they belong; that objects and arrays are closed, and that a member of an object
// has a key, is up to the caller.
class JsonWriter {
 public:
  JsonWriter() { out_.reserve(kUsual); }

  JsonWriter& begin_object() { return open('{'); }
  void end_object() { close('}'); }
  JsonWriter& begin_array() { return open('['); }
  void end_array() { close(']'); }

  JsonWriter& key(std::string_view name);
  void number(std::uint64_t value);
  void boolean(bool value);
  // Malformed UTF-8 is replaced and the text cut to `max_bytes`, as json_text does it.
  void text(std::string_view value, std::size_t max_bytes = 1024);

  std::string str() && { return std::move(out_); }

 private:
  static constexpr std::size_t kUsual = 512;  // longer than most answers

  JsonWriter& open(char bracket);
  void close(char bracket);
  void separate();
  void quote(std::string_view valid);

  std::string out_;
  bool first_ = true;  // nothing stands before the next value in its object or array, or it has a key
};

}  // namespace nodeproof::wire
