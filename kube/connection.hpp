// How to reach an API server, from a pod's surroundings or from kubeconfig files.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "kube/exec_credential.hpp"

namespace nodeproof::kube {

// How to reach and authenticate to one API server. Files are read again when they change, because
// kubelets rotate tokens.
struct Connection {
  // https://host:port, or http:// on 127.0.0.1 alone (kubectl proxy). No IPv6 address, but a name may
  // stand for one.
  std::string server;
  std::filesystem::path ca_file;           // PEM; system CAs are never trusted
  std::filesystem::path token_file;        // or empty
  std::filesystem::path client_cert_file;  // or empty, with client_key_file
  std::filesystem::path client_key_file;

  // In memory instead of a file, as kubeconfig files carry them. Each is used when its file is empty.
  std::string ca_pem = {};
  std::string token = {};
  std::string client_cert_pem = {};
  std::string client_key_pem = {};

  // The program that gives token or certificate. Here it is run by nobody: an ApiClient refuses a connection
  // that still has one.
  std::optional<ExecConfig> exec = {};

  bool operator==(const Connection&) const = default;
};

// From KUBERNETES_SERVICE_HOST/PORT and the mounted service account. Throws std::runtime_error with
// what is missing.
Connection in_cluster_connection();

// One context, the current one when `context` is empty: server, certificate-authority(-data), token,
// tokenFile, client-certificate(-data) and key, or exec. Of several files the first that has a context,
// cluster or user of a name counts, as with kubectl; those that are not there are passed over. Inline data
// stays in memory. Throws std::runtime_error naming the field that cannot be used (passwords, impersonation,
// proxies).
Connection kubeconfig_connection(const std::vector<std::filesystem::path>& files,
                                 const std::string& context = {});

// Those that $KUBECONFIG names, else ~/.kube/config. Throws std::runtime_error when neither can be told.
std::vector<std::filesystem::path> default_kubeconfig();

}  // namespace nodeproof::kube
