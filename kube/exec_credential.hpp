// Programs that a kubeconfig names to log in with (Kubernetes calls them client-go credential plugins; on AKS
// with Entra ID it is kubelogin): the ExecCredential of client.authentication.k8s.io. Pure.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/bytes.hpp"

namespace nodeproof::kube {

// users[].user.exec.
struct ExecConfig {
  enum class Interactive { kNever, kIfAvailable, kAlways };  // may it read the terminal?

  std::string api_version;  // client.authentication.k8s.io/v1 or /v1beta1
  std::string command;      // a path, or a name to be found in PATH
  std::vector<std::string> arguments;
  std::vector<std::pair<std::string, std::string>> environment;  // beside our own
  Interactive interactive = Interactive::kIfAvailable;
  bool provide_cluster_info = false;
  std::string install_hint;  // for a person who lacks the program
  std::string where;         // of this in its kubeconfig, for messages

  bool operator==(const ExecConfig&) const = default;
};

// What the program is told in KUBERNETES_EXEC_INFO. `ca_pem`: of the cluster; as `server` only told when the
// kubeconfig asks for it.
std::string exec_info(const ExecConfig& config, const std::string& server, const std::string& ca_pem,
                      bool interactive);

// status of the ExecCredential: a token, or certificate and key, or both.
struct ExecCredential {
  std::string token;
  std::string client_cert_pem;
  std::string client_key_pem;
};

// What the program printed. Fields that we do not know are passed over, as client-go does.
Result<ExecCredential> parse_exec_credential(ByteView text, const ExecConfig& config);

}  // namespace nodeproof::kube
