#include "cli/object_files.hpp"

#include "base/file.hpp"
#include "wire/yaml_documents.hpp"

namespace nodeproof::cli {
namespace {

using attest::JsonDocument;
using attest::JsonValue;

Status read_document(const JsonValue& root, const ObjectReader& read) {
  NODEPROOF_TRY(kind_member, root.required("kind"));
  NODEPROOF_TRY(kind, kind_member.text());
  if (!kind.ends_with("List")) return read(root, kind);
  NODEPROOF_TRY(member, root.required("items"));
  NODEPROOF_TRY(items, member.array());
  const std::string of_list = kind.substr(0, kind.size() - std::string_view("List").size());
  for (const JsonValue& item : items) {
    // Items of a typed list need not repeat their kind.
    NODEPROOF_TRY(own, item.optional("kind"));
    const auto item_kind = own ? own->text() : Result<std::string>(of_list);
    if (!item_kind) return item_kind.error();
    NODEPROOF_CHECK(read(item, *item_kind));
  }
  return Ok{};
}

Result<JsonDocument> parse(std::string_view json, std::size_t limit, const std::string& what) {
  return JsonDocument::parse(as_bytes(json), limit, what);
}

}  // namespace

Status read_object_file(const std::string& file, std::size_t limit, const ObjectReader& read) {
  // As JSON, a text of YAML may be longer: quotes and braces.
  const std::size_t json_limit = 4 * limit;
  const Bytes content = read_file(file, limit);
  const std::string_view text = as_text(content);
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  const bool like_json = first != std::string_view::npos && text[first] == '{';
  std::optional<Error> no_json;
  if (like_json) {
    const auto document = parse(text, json_limit, file);
    if (document) return read_document(document->root(), read);
    no_json = document.error();
  }
  const auto documents = wire::yaml_documents(text, file);
  // YAML may begin with a brace, too; what is neither is most likely broken JSON.
  if (!documents) return no_json.value_or(documents.error());
  for (const std::string& json : *documents) {
    NODEPROOF_TRY(document, parse(json, json_limit, file));
    NODEPROOF_CHECK(read_document(document.root(), read));
  }
  return Ok{};
}

Error second_of_its_name(const JsonValue& object, const std::string& kind, const std::string& name) {
  return {Errc::kDuplicate, object.path(), "is a second " + kind + " " + name};
}

}  // namespace nodeproof::cli
