#include "cli/cluster.hpp"

#include <cpprest/base_uri.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "cli/log_in.hpp"
#include "wire/dns_names.hpp"
#include "wire/own_api.hpp"

namespace nodeproof::cli {
namespace {

using attest::JsonDocument;
using attest::JsonValue;

// The API client takes no longer answer.
constexpr std::size_t kMaxAnswer = 64U << 20U;

[[noreturn]] void explain_failure(const kube::ApiError& error, const std::string& what,
                                  const char* verb = "get") {
  if (error.status() == 0)
    throw std::runtime_error(std::string(error.what()) +
                             ". Check the server in the kubeconfig, and that you can reach it");
  if (error.status() == 401)
    throw std::runtime_error(std::string(error.what()) +
                             ". The credentials in the kubeconfig are not accepted");
  if (error.status() == 403)
    throw std::runtime_error(std::string(error.what()) + ". Ask an administrator for the right to " + verb +
                             " " + what);
  throw std::runtime_error(error.what());
}

std::runtime_error unreadable(const Error& error) {
  return std::runtime_error("the API server's answer cannot be read: " + to_string(error));
}

// Gives the token of the next page.
Result<std::string> read_page(const std::string& json, const std::string& what,
                              const std::function<Status(const JsonValue& item)>& read) {
  NODEPROOF_TRY(document, JsonDocument::parse(as_bytes(json), kMaxAnswer, what));
  NODEPROOF_TRY(metadata, document.root().required("metadata"));
  NODEPROOF_TRY(next, metadata.optional_text("continue"));
  NODEPROOF_TRY(member, document.root().optional("items"));
  if (!member) return std::move(next);
  NODEPROOF_TRY(items, member->array());
  for (const JsonValue& item : items) NODEPROOF_CHECK(read(item));
  return std::move(next);
}

bool is_set(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

// A pod for which nobody named a cluster is asked about its own.
bool is_pod_without_kubeconfig(const ClusterOptions& options) {
  if (!options.kubeconfig.empty() || !options.context.empty() || is_set("KUBECONFIG")) return false;
  if (!is_set("KUBERNETES_SERVICE_HOST")) return false;
  return !is_set("HOME") || !std::filesystem::exists(kube::default_kubeconfig().front());
}

kube::Connection connection_of(const ClusterOptions& options) {
  if (is_pod_without_kubeconfig(options)) return kube::in_cluster_connection();
  const auto files = options.kubeconfig.empty() ? kube::default_kubeconfig()
                                                : std::vector<std::filesystem::path>{options.kubeconfig};
  const auto exists = [](const auto& file) { return std::filesystem::exists(file); };
  if (std::none_of(files.begin(), files.end(), exists))
    throw std::runtime_error("there is no kubeconfig " + files.front().string() +
                             ". Name one with --kubeconfig, or give the objects with -f");
  kube::Connection out = kube::kubeconfig_connection(files, options.context);
  log_in(out);
  return out;
}

}  // namespace

std::unique_ptr<kube::ApiClient> connect(const ClusterOptions& options) {
  return std::make_unique<kube::ApiClient>(connection_of(options), "nodeproof");
}

std::optional<std::string> get_object(kube::ApiClient& api, const std::string& path,
                                      const std::string& what) {
  try {
    return api.get_if_exists(path);
  } catch (const kube::ApiError& error) {
    explain_failure(error, what);
  }
}

bool replace_object(kube::ApiClient& api, const std::string& path, const std::string& json,
                    const std::string& what) {
  try {
    api.replace(path, json);
    return true;
  } catch (const kube::ApiError& error) {
    if (error.status() == 409) return false;
    explain_failure(error, what, "update");
  }
}

void read_answer(const std::string& json, std::string_view what,
                 const std::function<Status(const JsonValue& object)>& read) {
  const auto document = JsonDocument::parse(as_bytes(json), kMaxAnswer, what);
  const Status status = document ? read(document->root()) : Status(document.error());
  if (!status) throw unreadable(status.error());
}

void list_objects(kube::ApiClient& api, const std::string& path, const std::string& what,
                  const std::function<Status(const JsonValue& item)>& read) {
  const std::string first = path + (path.find('?') == std::string::npos ? "?" : "&") + "limit=500";
  std::string next;
  do {
    const std::string rest = next.empty() ? "" : "&continue=" + web::uri::encode_data_string(next);
    const auto page = get_object(api, first + rest, what);
    if (!page) return;
    auto token = read_page(*page, what, read);
    if (!token) throw unreadable(token.error());
    next = *std::move(token);
  } while (!next.empty());
}

void check_installed(kube::ApiClient& api) {
  if (get_object(api, wire::kOwnGroupPath, "nodeproof.dev")) return;
  throw std::runtime_error(
      "the cluster does not know NodeEvidence and NodeQuote. Install nodeproof, or at least its CRDs: "
      "kubectl apply -f crds/");
}

void check_name(const std::string& name, const std::string& of) {
  if (!wire::is_dns_subdomain(name))
    throw std::invalid_argument("'" + name + "' cannot be the name of " + of);
}

}  // namespace nodeproof::cli
