#include "wire/yaml_guard.hpp"

#include <yaml-cpp/eventhandler.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "wire/utf8.hpp"

namespace nodeproof::wire {
namespace {

constexpr std::size_t kMaxText = 1U << 20U;
constexpr std::size_t kMaxDepth = 64;
// Counts an aliased node at every use, so nested aliases cannot multiply into endless work.
constexpr std::size_t kMaxNodes = 100'000;

// Characters that YAML allows (YAML 1.2.2 section 5.1), as far as ASCII goes. yaml-cpp takes U+0004 for
// the end of its input and then never ends.
bool is_printable(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte == '\t' || byte == '\n' || byte == '\r' || (byte >= 0x20 && byte != 0x7F);
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

// Walks the whole document once for what yaml-cpp accepts and we do not.
class Inspector {
 public:
  explicit Inspector(const std::string& what) : what_(what) {}

  Status inspect(const YAML::Node& node, const std::string& path, std::size_t depth) {
    if (++nodes_ > kMaxNodes || depth > kMaxDepth) {
      return Error{Errc::kTooLarge, yaml_position(what_, node.Mark(), path),
                   "is nested too deeply or has too many nodes"};
    }
    if (node.IsMap()) return inspect_map(node, path, depth);
    if (!node.IsSequence()) return Ok{};
    std::size_t index = 0;
    for (const YAML::Node& item : node) {
      NODEPROOF_CHECK(inspect(item, yaml_join(path, index), depth + 1));
      ++index;
    }
    return Ok{};
  }

 private:
  Status inspect_map(const YAML::Node& map, const std::string& path, std::size_t depth) {
    std::set<std::string> seen;
    for (const auto& entry : map) {
      if (!entry.first.IsScalar()) {
        return Error{Errc::kWrongType, yaml_position(what_, entry.first.Mark(), path),
                     "a key is " + std::string(yaml_kind(entry.first)) + ", must be a scalar"};
      }
      const std::string& key = entry.first.Scalar();
      if (!seen.insert(key).second) {
        return Error{Errc::kDuplicate, yaml_position(what_, entry.first.Mark(), yaml_join(path, key)),
                     "appears twice"};
      }
      NODEPROOF_CHECK(inspect(entry.second, yaml_join(path, key), depth + 1));
    }
    return Ok{};
  }

  const std::string& what_;
  std::size_t nodes_ = 0;
};

}  // namespace

std::string yaml_position(const std::string& what, const YAML::Mark& mark, const std::string& path) {
  std::string out = what;
  if (!mark.is_null()) out += ":" + std::to_string(mark.line + 1) + ":" + std::to_string(mark.column + 1);
  if (!path.empty()) out += ": " + path;
  return out;
}

std::string yaml_join(const std::string& path, std::string_view key) {
  return path.empty() ? std::string(key) : path + "." + std::string(key);
}

std::string yaml_join(const std::string& path, std::size_t index) {
  return path + "[" + std::to_string(index) + "]";
}

std::string_view yaml_kind(const YAML::Node& node) {
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

Status check_yaml_text(std::string_view text, const std::string& what) {
  if (text.size() > kMaxText)
    return Error{Errc::kTooLarge, what, "is larger than " + std::to_string(kMaxText) + " bytes"};
  const auto odd = std::find_if_not(text.begin(), text.end(), is_printable);
  // yaml-cpp would guess another encoding from bytes that are no UTF-8.
  if (odd == text.end() && valid_utf8(text, text.size()) == text) return Ok{};
  const auto line = 1 + std::count(text.begin(), odd, '\n');
  return Error{Errc::kBadValue, odd == text.end() ? what : what + ":" + std::to_string(line),
               odd == text.end() ? "is not UTF-8" : "holds a control character"};
}

int count_yaml_documents(const std::string& text, int limit) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  Ignore ignore;
  int count = 0;
  while (count < limit && parser.HandleNextDocument(ignore)) ++count;
  return count;
}

Status check_yaml_node(const YAML::Node& root, const std::string& what) {
  return Inspector(what).inspect(root, {}, 0);
}

}  // namespace nodeproof::wire
