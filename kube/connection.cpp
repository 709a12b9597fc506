#include <cstdlib>

#include "base/file.hpp"
#include "base/or_throw.hpp"
#include "kube/api_client.hpp"
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

// The entry of `clusters`, `users` or `contexts` with that name, and in it the map `key`.
YamlValue named_entry(const YamlValue& root, std::string_view list, const std::string& name,
                      std::string_view key) {
  const YamlValue entries = or_throw(root.required(list));
  std::optional<YamlValue> found;
  for (const YamlValue& entry : or_throw(entries.list())) {
    if (text_or_empty(entry, "name") != name) continue;
    if (found) throw std::runtime_error(entry.where() + ": is a second '" + name + "'");
    found = or_throw(entry.required(key));
  }
  if (found) return *std::move(found);
  throw std::runtime_error(entries.where() + ": holds no '" + name + "'");
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

void take_user(const YamlValue& user, const std::filesystem::path& base, Connection& out) {
  refuse(user, {"exec", "auth-provider"},
         "no program is run to log in. Make a kubeconfig that holds a token: kubectl config view --minify "
         "--flatten > FILE, then put token: in the place of exec:, with what "
         "kubectl create token SERVICEACCOUNT prints");
  refuse(user, {"username", "password", "as", "as-uid", "as-groups", "as-user-extra"},
         "use a token, a tokenFile or a client certificate");
  const std::string token_file = text_or_empty(user, "tokenFile");
  if (!token_file.empty()) out.token_file = base / token_file;
  out.token = text_or_empty(user, "token");
  take_pem(user, "client-certificate", base, out.client_cert_file, out.client_cert_pem);
  take_pem(user, "client-key", base, out.client_key_file, out.client_key_pem);
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

std::filesystem::path default_kubeconfig() {
  const char* named = std::getenv("KUBECONFIG");
  if (named != nullptr && *named != '\0') {
    if (std::string_view(named).find(':') == std::string_view::npos) return named;
    throw std::runtime_error("KUBECONFIG names several files; name one with --kubeconfig");
  }
  const char* home = std::getenv("HOME");
  if (home == nullptr || *home == '\0')
    throw std::runtime_error("neither KUBECONFIG nor HOME is set; name a file with --kubeconfig");
  return std::filesystem::path(home) / ".kube" / "config";
}

Connection kubeconfig_connection(const std::filesystem::path& file, const std::string& context_wanted) {
  const Bytes content = read_file(file, kMaxKubeconfig);
  const YamlValue root = or_throw(YamlValue::parse(as_text(content), file.string()));
  const std::string context_name =
      context_wanted.empty() ? or_throw(or_throw(root.required("current-context")).text()) : context_wanted;
  const YamlValue context = named_entry(root, "contexts", context_name, "context");
  const std::string cluster_name = or_throw(or_throw(context.required("cluster")).text());
  const YamlValue cluster = named_entry(root, "clusters", cluster_name, "cluster");
  refuse(cluster, {"proxy-url", "tls-server-name"}, "reach the server by the name in its certificate");
  refuse_insecure(cluster);

  const std::filesystem::path base = std::filesystem::absolute(file).parent_path();
  Connection out;
  out.server = or_throw(or_throw(cluster.required("server")).text());
  take_pem(cluster, "certificate-authority", base, out.ca_file, out.ca_pem);
  const std::string user_name = text_or_empty(context, "user");
  if (!user_name.empty()) take_user(named_entry(root, "users", user_name, "user"), base, out);
  return out;
}

}  // namespace nodeproof::kube
