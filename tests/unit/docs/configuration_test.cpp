// docs/configuration.md has one row for every setting, with its default, and no other row.
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <array>
#include <map>
#include <set>
#include <sstream>

#include "agent/command_line.hpp"
#include "base/file.hpp"
#include "webhook/command_line.hpp"

namespace nodeproof {
namespace {

const std::filesystem::path kSource = NODEPROOF_SOURCE_DIR;

std::string read_text(const std::filesystem::path& relative) {
  const Bytes content = read_file(kSource / relative, 1U << 20U);
  return std::string(as_text(content));
}

// "`a`" -> "a"; anything else, such as an empty cell, is no literal.
std::string literal(std::string cell) {
  std::erase(cell, ' ');
  return cell.size() > 2 && cell.front() == '`' && cell.back() == '`' ? cell.substr(1, cell.size() - 2) : "";
}

using Rows = std::map<std::string, std::string>;  // key -> default; empty: none is stated

Rows rows_of(std::string_view heading) {
  std::istringstream lines(read_text("docs/configuration.md"));
  Rows out;
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("## ")) inside = line.substr(3) == heading;
    if (!inside || !line.starts_with("| `")) continue;
    std::istringstream cells(line.substr(1));
    std::string key;
    std::string value;
    std::getline(cells, key, '|');
    std::getline(cells, value, '|');
    EXPECT_TRUE(out.emplace(literal(key), literal(value)).second) << "two rows: " << line;
  }
  return out;
}

std::set<std::string> keys_of(const Rows& rows) {
  std::set<std::string> out;
  for (const auto& [key, value] : rows) out.insert(key);
  return out;
}

// The keys that the parser knows, from its own words about one that it does not.
template <typename Parse>
std::set<std::string> known_keys(Parse parse, const std::string& parent = {}) {
  const std::string unknown = "{unheard-of: 1}";
  const auto result = parse(parent.empty() ? unknown : "{" + parent + ": " + unknown + "}");
  if (result || result.error().code != Errc::kUnknownField) return {};
  constexpr std::string_view kWords = "known are ";
  std::istringstream names(result.error().detail.substr(result.error().detail.find(kWords) + kWords.size()));
  std::set<std::string> out;
  for (std::string name; std::getline(names >> std::ws, name, ',');) out.insert(name);
  return out;
}

template <typename Parse>
std::set<std::string> known_leaves(Parse parse) {
  std::set<std::string> out;
  for (const std::string& key : known_keys(parse)) {
    const auto below = known_keys(parse, key);
    if (below.empty()) out.insert(key);
    for (const std::string& name : below) out.insert(key + "." + name);
  }
  return out;
}

// "a.b", "v" -> {a: {b: "v"}}; flags and numbers bare, for they are none in quotes.
std::string yaml_of(const std::string& key, const std::string& value) {
  const std::size_t dot = key.find('.');
  if (dot == std::string::npos) {
    const bool number = value.find_first_not_of("0123456789") == std::string::npos;
    const bool bare = number || value == "true" || value == "false";
    return "{" + key + ": " + (bare ? value : "\"" + value + "\"") + "}";
  }
  return "{" + key.substr(0, dot) + ": " + yaml_of(key.substr(dot + 1), value) + "}";
}

template <typename Config, typename Parse>
void expect_in_step(std::string_view heading, Parse parse) {
  const Rows rows = rows_of(heading);
  EXPECT_EQ(keys_of(rows), known_leaves(parse));
  for (const auto& [key, value] : rows) {
    if (value.empty()) continue;
    const auto config = parse(yaml_of(key, value));
    ASSERT_TRUE(config) << to_string(config.error());
    EXPECT_EQ(*config, Config{}) << "`" << value << "` is not the default of " << key;
  }
}

TEST(ConfigurationDocument, HasEverySettingOfTheAgent) {
  expect_in_step<agent::Config>(
      "agent.yaml", [](const std::string& yaml) { return agent::parse_config(yaml, "agent.yaml"); });
}

TEST(ConfigurationDocument, HasEverySettingOfTheWebhook) {
  expect_in_step<webhook::Config>(
      "webhook.yaml", [](const std::string& yaml) { return webhook::parse_config(yaml, "webhook.yaml"); });
}

// Whoever asks a program itself is told of every key.
template <typename Parse, typename ReadCommandLine>
void expect_in_help(Parse parse, ReadCommandLine read_command_line) {
  const std::array arguments{"program", "--help"};
  std::ostringstream help;
  static_cast<void>(read_command_line(static_cast<int>(arguments.size()), arguments.data(), help, help));
  for (const std::string& key : known_keys(parse))
    EXPECT_NE(help.str().find("\n  " + key + ": "), std::string::npos) << key;
}

TEST(Help, NamesEverySettingOfTheAgent) {
  expect_in_help([](const std::string& yaml) { return agent::parse_config(yaml, "agent.yaml"); },
                 agent::read_command_line);
}

TEST(Help, NamesEverySettingOfTheWebhook) {
  expect_in_help([](const std::string& yaml) { return webhook::parse_config(yaml, "webhook.yaml"); },
                 webhook::read_command_line);
}

// The path of every value that is no map of further ones; what a row documents as a whole is one.
void collect(const YAML::Node& node, const std::string& path, const Rows& rows, Rows& out) {
  if (!node.IsMap() || rows.contains(path)) {
    out.emplace(path, node.IsScalar() ? node.Scalar() : "");
    return;
  }
  for (const auto& entry : node) {
    collect(entry.second, (path.empty() ? "" : path + ".") + entry.first.Scalar(), rows, out);
  }
}

TEST(ConfigurationDocument, HasEveryHelmValue) {
  const Rows rows = rows_of("Helm values");
  Rows values;
  collect(YAML::Load(read_text("charts/nodeproof/values.yaml")), "", rows, values);
  EXPECT_EQ(rows, values);
}

// What the scripts of a folder say to helm: --set VALUE=.., --set VALUE[0].., --set VALUE.KEY=..
bool is_set_in(const std::string& scripts, const std::string& value) {
  for (std::size_t at = scripts.find(value); at != std::string::npos; at = scripts.find(value, at + 1)) {
    const char before = at == 0 ? '\n' : scripts[at - 1];
    const char after = at + value.size() < scripts.size() ? scripts[at + value.size()] : '\n';
    const bool begins = before == ' ' || before == '"' || before == '\'';
    if (begins && (after == '=' || after == '[' || after == '.')) return true;
  }
  return false;
}

TEST(ConfigurationDocument, EveryHelmValueIsChangedByTheTestOfTheChart) {
  const std::string scripts = read_text("tests/chart/rendering.sh");
  EXPECT_FALSE(is_set_in(scripts, "agent.unheardOf"));
  for (const std::string& value : keys_of(rows_of("Helm values"))) {
    EXPECT_TRUE(is_set_in(scripts, value)) << value << " is in no test: give it a row in effects()";
  }
}

// A schema that leaves one object open lets a typo in it pass.
void expect_closed(const YAML::Node& schema, const std::string& path) {
  if (schema.IsSequence()) {
    for (const auto& entry : schema) expect_closed(entry, path + "[]");
  }
  if (!schema.IsMap()) return;
  const YAML::Node type = schema["type"];
  // Helm itself puts what it likes into `global`.
  if (type && type.IsScalar() && type.Scalar() == "object" && path != ".properties.global") {
    EXPECT_TRUE(schema["additionalProperties"]) << path;
  }
  for (const auto& entry : schema) expect_closed(entry.second, path + "." + entry.first.Scalar());
}

TEST(ConfigurationDocument, TheSchemaOfHelmValuesIsClosedEverywhere) {
  expect_closed(YAML::Load(read_text("charts/nodeproof/values.schema.json")), "");
}

}  // namespace
}  // namespace nodeproof
