#include "wire/strict_yaml.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <sstream>

#include "wire/utf8.hpp"

namespace nodeproof::wire {
namespace {

constexpr std::size_t kMaxText = 1U << 20U;
constexpr std::size_t kMaxDepth = 64;
// Counts an aliased node at every use, so nested aliases cannot multiply into endless work.
constexpr std::size_t kMaxNodes = 100'000;

std::string position(const std::string& what, const YAML::Mark& mark, const std::string& path) {
  std::string out = what;
  if (!mark.is_null()) out += ":" + std::to_string(mark.line + 1) + ":" + std::to_string(mark.column + 1);
  if (!path.empty()) out += ": " + path;
  return out;
}

std::string join(const std::string& path, std::string_view key) {
  return path.empty() ? std::string(key) : path + "." + std::string(key);
}

std::string join(const std::string& path, std::size_t index) {
  return path + "[" + std::to_string(index) + "]";
}

std::string_view kind_of(const YAML::Node& node) {
  switch (node.Type()) {
    case YAML::NodeType::Scalar:
      return "a scalar";
    case YAML::NodeType::Sequence:
      return "a list";
    case YAML::NodeType::Map:
      return "a map";
    case YAML::NodeType::Null:
      return "null";
    case YAML::NodeType::Undefined:
      break;
  }
  return "nothing";
}

// Characters that YAML allows (YAML 1.2.2 section 5.1), as far as ASCII goes. yaml-cpp takes U+0004 for
// the end of its input and then never ends.
bool is_printable(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte == '\t' || byte == '\n' || byte == '\r' || (byte >= 0x20 && byte != 0x7F);
}

Status check_characters(std::string_view text, const std::string& what) {
  const auto odd = std::find_if_not(text.begin(), text.end(), is_printable);
  // yaml-cpp would guess another encoding from bytes that are no UTF-8.
  if (odd == text.end() && valid_utf8(text, text.size()) == text) return Ok{};
  const auto line = 1 + std::count(text.begin(), odd, '\n');
  return Error{Errc::kBadValue, odd == text.end() ? what : what + ":" + std::to_string(line),
               odd == text.end() ? "is not UTF-8" : "holds a control character"};
}

// Takes no notice of anything: for parsing only to see whether there is something to parse.
class Ignore final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
  }
  void OnMapEnd() override {}
};

// 0, 1 or 2 for more. YAML::LoadAll would count on for ever when a document begins with a comma.
int count_documents(const std::string& text) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  Ignore ignore;
  int count = 0;
  while (count < 2 && parser.HandleNextDocument(ignore)) ++count;
  return count;
}

// Walks the whole document once for what yaml-cpp accepts and we do not.
class Inspector {
 public:
  explicit Inspector(const std::string& what) : what_(what) {}

  Status inspect(const YAML::Node& node, const std::string& path, std::size_t depth) {
    if (++nodes_ > kMaxNodes || depth > kMaxDepth) {
      return Error{Errc::kTooLarge, position(what_, node.Mark(), path),
                   "is nested too deeply or has too many nodes"};
    }
    if (node.IsMap()) return inspect_map(node, path, depth);
    if (!node.IsSequence()) return Ok{};
    std::size_t index = 0;
    for (const YAML::Node& item : node) {
      NODEPROOF_CHECK(inspect(item, join(path, index), depth + 1));
      ++index;
    }
    return Ok{};
  }

 private:
  Status inspect_map(const YAML::Node& map, const std::string& path, std::size_t depth) {
    std::set<std::string> seen;
    for (const auto& entry : map) {
      if (!entry.first.IsScalar()) {
        return Error{Errc::kWrongType, position(what_, entry.first.Mark(), path),
                     "a key is " + std::string(kind_of(entry.first)) + ", must be a scalar"};
      }
      const std::string& key = entry.first.Scalar();
      if (!seen.insert(key).second) {
        return Error{Errc::kDuplicate, position(what_, entry.first.Mark(), join(path, key)), "appears twice"};
      }
      NODEPROOF_CHECK(inspect(entry.second, join(path, key), depth + 1));
    }
    return Ok{};
  }

  const std::string& what_;
  std::size_t nodes_ = 0;
};

// A quoted scalar has the tag "!": text, whatever it looks like.
bool is_plain(const YAML::Node& node) {
  return node.IsScalar() && node.Tag() != "!";
}

}  // namespace

YamlValue::YamlValue(std::shared_ptr<const YAML::Node> node, std::string what, std::string path)
    : node_(std::move(node)), what_(std::move(what)), path_(std::move(path)) {}

Result<YamlValue> YamlValue::parse(std::string_view text, std::string what) {
  if (text.size() > kMaxText) {
    return Error{Errc::kTooLarge, std::move(what), "is larger than " + std::to_string(kMaxText) + " bytes"};
  }
  NODEPROOF_CHECK(check_characters(text, what));
  try {
    const std::string copy(text);
    if (count_documents(copy) > 1) {
      return Error{Errc::kBadValue, std::move(what),
                   "holds more than one YAML document, or something after it"};
    }
    const YAML::Node root = YAML::Load(copy);
    if (root.IsNull()) return Error{Errc::kBadValue, std::move(what), "holds no YAML document"};
    if (!root.IsMap()) {
      return Error{Errc::kWrongType, position(what, root.Mark(), {}),
                   "is " + std::string(kind_of(root)) + ", must be a map"};
    }
    NODEPROOF_CHECK(Inspector(what).inspect(root, {}, 0));
    return YamlValue(std::make_shared<const YAML::Node>(root), std::move(what), {});
  } catch (const YAML::Exception& error) {
    return Error{Errc::kBadValue, position(what, error.mark, {}), error.msg};
  }
}

std::string YamlValue::where() const {
  return position(what_, node_->Mark(), path_);
}

Error YamlValue::wrong_type(std::string_view expected) const {
  return {Errc::kWrongType, where(),
          "is " + std::string(kind_of(*node_)) + ", must be " + std::string(expected)};
}

Result<std::optional<YamlValue>> YamlValue::optional(std::string_view key) const {
  if (!node_->IsMap()) return wrong_type("a map");
  for (const auto& entry : *node_) {
    if (entry.first.Scalar() != key || entry.second.IsNull()) continue;
    return std::optional(
        YamlValue(std::make_shared<const YAML::Node>(entry.second), what_, join(path_, key)));
  }
  return std::optional<YamlValue>();
}

Result<YamlValue> YamlValue::required(std::string_view key) const {
  NODEPROOF_TRY(member, optional(key));
  if (member) return *std::move(member);
  return Error{Errc::kMissing, position(what_, node_->Mark(), join(path_, key)), "is required"};
}

Status YamlValue::only(std::initializer_list<std::string_view> known) const {
  if (!node_->IsMap()) return wrong_type("a map");
  for (const auto& entry : *node_) {
    const std::string& key = entry.first.Scalar();
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    std::string names;
    for (const std::string_view name : known) names += (names.empty() ? "" : ", ") + std::string(name);
    return Error{Errc::kUnknownField, position(what_, entry.first.Mark(), join(path_, key)),
                 "is not known here; known are " + names};
  }
  return Ok{};
}

Result<std::string> YamlValue::text() const {
  if (!node_->IsScalar()) return wrong_type("text");
  return node_->Scalar();
}

Result<bool> YamlValue::boolean() const {
  if (is_plain(*node_) && node_->Scalar() == "true") return true;
  if (is_plain(*node_) && node_->Scalar() == "false") return false;
  if (!node_->IsScalar()) return wrong_type("true or false");
  return Error{Errc::kWrongType, where(), "is not true or false"};
}

Result<std::uint64_t> YamlValue::unsigned_integer() const {
  if (!node_->IsScalar()) return wrong_type("a whole number");
  const std::string& text = node_->Scalar();
  std::uint64_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  // Comparing texts refuses leading zeros, which YAML 1.1 readers take for octal.
  if (is_plain(*node_) && code == std::errc() && std::to_string(number) == text) return number;
  return Error{Errc::kWrongType, where(), "is not a whole number of 64 bits"};
}

Result<Seconds> YamlValue::duration() const {
  NODEPROOF_TRY(value, text());
  return parse_duration(value, where());
}

Result<std::vector<YamlValue>> YamlValue::list() const {
  if (!node_->IsSequence()) return wrong_type("a list");
  std::vector<YamlValue> out;
  for (const YAML::Node& item : *node_) {
    const std::size_t index = out.size();
    out.push_back(YamlValue(std::make_shared<const YAML::Node>(item), what_, join(path_, index)));
  }
  return out;
}

}  // namespace nodeproof::wire
