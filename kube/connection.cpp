#include "kube/connection.hpp"

#include <cstdlib>
#include <sstream>

#include "base/file.hpp"
#include "base/or_throw.hpp"
#include "wire/strict_yaml.hpp"

namespace nodeproof::kube {
namespace {

using wire::YamlValue;

constexpr std::size_t kMaxKubeconfig = 1U << 20U;
const std::filesystem::path kServiceAccount = "/var/run/secrets/kubernetes.io/serviceaccount";

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') {
    throw std::runtime_error(std::string("not in a pod: ") + name +
                             " is not set; name a kubeconfig or the connection's server instead");
  }
  return value;
}

std::filesystem::path mounted(const char* name) {
  std::filesystem::path file = kServiceAccount / name;
  if (!std::filesystem::exists(file)) {
    throw std::runtime_error(file.string() + " is missing: is automountServiceAccountToken off?");
  }
  return file;
}

std::string text_or_empty(const YamlValue& map, std::string_view key) {
  const std::optional<YamlValue> member = or_throw(map.optional(key));
  return member ? or_throw(member->text()) : std::string();
}

struct Kubeconfig {
  YamlValue root;
  std::filesystem::path file;
};

struct Entry {
  YamlValue value;
  std::filesystem::path folder;  // that relative paths in it start from
};

std::string names_of(const std::vector<Kubeconfig>& configs) {
  std::string out;
  for (const Kubeconfig& config : configs) out += (out.empty() ? "" : ", ") + config.file.string();
  return out;
}

// The entry of `clusters`, `users` or `contexts` with that name, and in it the map `key`.
std::optional<Entry> entry_in(const Kubeconfig& config, std::string_view list, const std::string& name,
                              std::string_view key) {
  const std::optional<YamlValue> entries = or_throw(config.root.optional(list));
  if (!entries) return std::nullopt;
  std::optional<YamlValue> found;
  for (const YamlValue& entry : or_throw(entries->list())) {
    if (text_or_empty(entry, "name") != name) continue;
    if (found) throw std::runtime_error(entry.where() + ": is a second '" + name + "'");
    found = or_throw(entry.required(key));
  }
  if (!found) return std::nullopt;
  return Entry{*std::move(found), std::filesystem::absolute(config.file).parent_path()};
}

Entry named_entry(const std::vector<Kubeconfig>& configs, std::string_view list, const std::string& name,
                  std::string_view key) {
  for (const Kubeconfig& config : configs) {
    if (auto found = entry_in(config, list, name, key)) return *std::move(found);
  }
  throw std::runtime_error(names_of(configs) + ": " + std::string(list) + ": holds no '" + name + "'");
}

// Features whose silent omission would connect to another place or as somebody else.
void refuse(const YamlValue& map, std::initializer_list<std::string_view> keys, const char* remedy) {
  for (const std::string_view key : keys) {
    const std::optional<YamlValue> member = or_throw(map.optional(key));
    if (member) throw std::runtime_error(member->where() + ": is not supported; " + remedy);
  }
}

void refuse_insecure(const YamlValue& cluster) {
  const std::optional<YamlValue> member = or_throw(cluster.optional("insecure-skip-tls-verify"));
  if (member && or_throw(member->boolean())) {
    throw std::runtime_error(member->where() + ": is not supported; name the CA instead");
  }
}

// `key` is a path, relative to the kubeconfig, or `key`-data the content in base64, which wins.
void take_pem(const YamlValue& map, const std::string& key, const std::filesystem::path& base,
              std::filesystem::path& file, std::string& content) {
  const std::optional<YamlValue> data = or_throw(map.optional(key + "-data"));
  if (data) {
    const Bytes bytes = or_throw(from_base64(or_throw(data->text()), data->where()));
    content = std::string(as_text(bytes));
    return;
  }
  const std::string path = text_or_empty(map, key);
  if (!path.empty()) file = base / path;  // an absolute path stays itself
}

ExecConfig::Interactive interactive_mode(const YamlValue& exec) {
  const std::optional<YamlValue> member = or_throw(exec.optional("interactiveMode"));
  if (!member) return ExecConfig::Interactive::kIfAvailable;
  const std::string text = or_throw(member->text());
  if (text == "Never") return ExecConfig::Interactive::kNever;
  if (text == "IfAvailable") return ExecConfig::Interactive::kIfAvailable;
  if (text == "Always") return ExecConfig::Interactive::kAlways;
  throw std::runtime_error(member->where() + ": must be Never, IfAvailable or Always");
}

// A path is relative to the kubeconfig, a name is looked for in PATH.
std::string exec_command(const YamlValue& exec, const std::filesystem::path& folder) {
  const std::string command = or_throw(or_throw(exec.required("command")).text());
  return command.find('/') == std::string::npos ? command : (folder / command).string();
}

ExecConfig exec_config(const YamlValue& exec, const std::filesystem::path& folder) {
  ExecConfig out;
  const YamlValue version = or_throw(exec.required("apiVersion"));
  out.api_version = or_throw(version.text());
  if (out.api_version != "client.authentication.k8s.io/v1" &&
      out.api_version != "client.authentication.k8s.io/v1beta1") {
    throw std::runtime_error(version.where() + ": must be client.authentication.k8s.io/v1 or /v1beta1");
  }
  out.command = exec_command(exec, folder);
  if (const auto arguments = or_throw(exec.optional("args"))) {
    for (const YamlValue& argument : or_throw(arguments->list()))
      out.arguments.push_back(or_throw(argument.text()));
  }
  if (const auto variables = or_throw(exec.optional("env"))) {
    for (const YamlValue& variable : or_throw(variables->list())) {
      out.environment.emplace_back(or_throw(or_throw(variable.required("name")).text()),
                                   text_or_empty(variable, "value"));
    }
  }
  out.interactive = interactive_mode(exec);
  const std::optional<YamlValue> cluster_info = or_throw(exec.optional("provideClusterInfo"));
  out.provide_cluster_info = cluster_info && or_throw(cluster_info->boolean());
  out.install_hint = text_or_empty(exec, "installHint");
  out.where = exec.where();
  return out;
}

void take_user(const Entry& entry, Connection& out) {
  const auto& [user, folder] = entry;
  refuse(user, {"auth-provider"},
         "kubectl has not known it since 1.26; use exec, a token or a client certificate");
  refuse(user, {"username", "password", "as", "as-uid", "as-groups", "as-user-extra"},
         "use a token, a tokenFile or a client certificate");
  const std::string token_file = text_or_empty(user, "tokenFile");
  if (!token_file.empty()) out.token_file = folder / token_file;
  out.token = text_or_empty(user, "token");
  take_pem(user, "client-certificate", folder, out.client_cert_file, out.client_cert_pem);
  take_pem(user, "client-key", folder, out.client_key_file, out.client_key_pem);
  const std::optional<YamlValue> exec = or_throw(user.optional("exec"));
  // As with kubectl, what stands in the file comes first.
  if (exec && out.token.empty() && out.token_file.empty()) out.exec = exec_config(*exec, folder);
}

std::string current_context(const std::vector<Kubeconfig>& configs) {
  for (const Kubeconfig& config : configs) {
    std::string name = text_or_empty(config.root, "current-context");
    if (!name.empty()) return name;
  }
  throw std::runtime_error(names_of(configs) + ": current-context: is required");
}

}  // namespace

Connection in_cluster_connection() {
  const std::string host = environment("KUBERNETES_SERVICE_HOST");
  const std::string port = environment("KUBERNETES_SERVICE_PORT");
  // An IPv6 address cannot be dialled (api_client.cpp); the name is in every API server's certificate.
  const bool ipv6 = host.find(':') != std::string::npos;
  Connection out;
  out.server = "https://" + (ipv6 ? "kubernetes.default.svc" : host) + ":" + port;
  out.ca_file = mounted("ca.crt");
  out.token_file = mounted("token");
  return out;
}

std::vector<std::filesystem::path> default_kubeconfig() {
  const char* named = std::getenv("KUBECONFIG");
  std::vector<std::filesystem::path> out;
  std::istringstream list(named == nullptr ? "" : named);
  for (std::string file; std::getline(list, file, ':');) {
    if (!file.empty()) out.emplace_back(file);
  }
  if (!out.empty()) return out;
  const char* home = std::getenv("HOME");
  if (home == nullptr || *home == '\0')
    throw std::runtime_error("neither KUBECONFIG nor HOME is set; name a file with --kubeconfig");
  return {std::filesystem::path(home) / ".kube" / "config"};
}

Connection kubeconfig_connection(const std::vector<std::filesystem::path>& files,
                                 const std::string& context_wanted) {
  std::vector<Kubeconfig> configs;
  for (const std::filesystem::path& file : files) {
    if (files.size() > 1 && !std::filesystem::exists(file)) continue;
    const Bytes content = read_file(file, kMaxKubeconfig);
    configs.push_back({or_throw(YamlValue::parse(as_text(content), file.string())), file});
  }
  if (configs.empty()) throw std::runtime_error("none of the kubeconfigs that are named is there");
  const std::string name = context_wanted.empty() ? current_context(configs) : context_wanted;
  const YamlValue context = named_entry(configs, "contexts", name, "context").value;
  const std::string cluster_name = or_throw(or_throw(context.required("cluster")).text());
  const Entry cluster = named_entry(configs, "clusters", cluster_name, "cluster");
  refuse(cluster.value, {"proxy-url", "tls-server-name"}, "reach the server by the name in its certificate");
  refuse_insecure(cluster.value);

  Connection out;
  out.server = or_throw(or_throw(cluster.value.required("server")).text());
  take_pem(cluster.value, "certificate-authority", cluster.folder, out.ca_file, out.ca_pem);
  const std::string user = text_or_empty(context, "user");
  if (!user.empty()) take_user(named_entry(configs, "users", user, "user"), out);
  return out;
}

}  // namespace nodeproof::kube
