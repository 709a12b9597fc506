// Files of text: tokens, JSON, YAML, hex, and what is only text.
#include <algorithm>

#include "attest/strict_json.hpp"
#include "cli/json_items.hpp"
#include "cli/recognisers.hpp"
#include "wire/utf8.hpp"
#include "wire/yaml_documents.hpp"

namespace nodeproof::cli {
namespace {

constexpr std::size_t kMaxDocument = 4U << 20U;
constexpr std::size_t kShownLines = 5;
constexpr std::size_t kMaxHex = 4096;
constexpr std::string_view kSpace = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

bool is_text(std::string_view text) {
  const auto allowed = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 || kSpace.find(c) != std::string_view::npos || byte == 0x1B || byte == '\f';
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), allowed) &&
         wire::valid_utf8(text, text.size()) == text;
}

// One part of a compact JWS as JSON; a problem when it is none.
void add_token_part(Description& out, const char* name, std::string_view encoded) {
  const auto json = from_base64url(encoded, name);
  if (!json) return out.add_problem(json.error());
  const auto document = attest::JsonDocument::parse(*json, kMaxDocument, name);
  if (!document) return out.add_problem(document.error());
  std::vector<Item> items = json_items(document->root());
  if (!items.empty()) out.add(name, std::move(items));
}

bool is_base64url(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

}  // namespace

// RFC 7515 section 7.1. Every header is a JSON object, so every token begins with "eyJ".
Recognised recognise_jwt(const InspectedFile& file) {
  const std::string_view token = trimmed(as_text(file.content));
  const std::size_t first = token.find('.');
  const std::size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (!token.starts_with("eyJ") || second == std::string_view::npos) return std::nullopt;
  const std::string_view signature = token.substr(second + 1);
  if (!is_base64url(token.substr(0, first)) || !is_base64url(token.substr(first + 1, second - first - 1)) ||
      (!signature.empty() && !is_base64url(signature))) {
    return std::nullopt;
  }
  Description out;
  out.kind = "jwt";
  out.title = "JSON Web Token, as Microsoft Azure Attestation issues them; signature not checked";
  add_token_part(out, "header", token.substr(0, first));
  add_token_part(out, "claims", token.substr(first + 1, second - first - 1));
  out.add("signature",
          signature.empty() ? "none" : std::to_string(signature.size() * 3 / 4) + " bytes, not checked");
  return out;
}

Recognised recognise_json(const InspectedFile& file) {
  const std::string_view text = trimmed(as_text(file.content));
  if (!text.starts_with('{') && !text.starts_with('[')) return std::nullopt;
  if (auto described = describe_json_object(file.content)) return described;
  const auto document = attest::JsonDocument::parse(file.content, kMaxDocument, "json");
  // Prose and logs begin with brackets too; a broken object is told by its first member.
  const bool object = text.starts_with('{') && text.find('"') == text.find_first_not_of(kSpace, 1);
  if (!document && !(object && is_text(text))) return std::nullopt;
  Description out;
  out.kind = "json";
  out.title = "JSON";
  if (document) {
    out.items = json_items(document->root());
  } else {
    out.add_problem(document.error());
  }
  return out;
}

// A map or a list at its root: any line of prose is a YAML scalar.
Recognised recognise_yaml(const InspectedFile& file) {
  const std::string_view text = as_text(file.content);
  if (!is_text(text)) return std::nullopt;
  const auto documents = wire::yaml_documents(text, "yaml");
  if (!documents || documents->empty()) return std::nullopt;
  if (documents->size() == 1) {
    if (auto described = describe_json_object(as_bytes(documents->front()))) return described;
  }
  Description out;
  out.kind = "yaml";
  out.title =
      "YAML, " + std::to_string(documents->size()) + (documents->size() == 1 ? " document" : " documents");
  std::vector<Item> list;
  for (const std::string& json : *documents) {
    const auto document = attest::JsonDocument::parse(as_bytes(json), kMaxDocument, "yaml");
    if (!document) continue;
    if (!document->root().is_object() && !document->root().is_array()) return std::nullopt;
    std::vector<Item> items = json_items(document->root());
    if (!items.empty()) list.emplace_back(std::string(), std::move(items));
  }
  if (list.size() == 1) {
    out.items = std::move(list.front().items);
  } else if (!list.empty()) {
    out.add("documents", std::move(list));
  }
  return out;
}

Recognised recognise_hex(const InspectedFile& file) {
  const std::string_view text = trimmed(as_text(file.content));
  if (text.size() < 8 || text.size() > kMaxHex) return std::nullopt;
  const auto bytes = from_hex(text, "hex");
  if (!bytes) return std::nullopt;
  Description out;
  out.kind = "hex";
  out.title = "Hex digits: a nonce, digest or qualifying data";
  out.add("size", std::to_string(bytes->size()) + " bytes");
  out.add_hex("value", *bytes);
  return out;
}

Recognised recognise_text(const InspectedFile& file) {
  const std::string_view text = as_text(file.content);
  if (!is_text(text)) return std::nullopt;
  Description out;
  out.kind = "text";
  out.title = "Text";
  out.add("size", std::to_string(text.size()) + " bytes");
  std::string_view rest = text;
  std::vector<Item> lines;
  while (!rest.empty() && lines.size() < kShownLines) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    lines.emplace_back(std::string(), std::string(rest.substr(0, end)));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  out.add("first lines", std::move(lines));
  return out;
}

}  // namespace nodeproof::cli
