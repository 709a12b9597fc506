#include "agent/object_api.hpp"

namespace nodeproof::agent {

std::string remedy_for(const kube::ApiError& error) {
  switch (error.status()) {
    case 0:
      return "the API server does not answer: check that it runs, connection.server, and the network from "
             "this node";
    case 401:
      return "the API server does not know this identity: check the service account token or client "
             "certificate";
    case 403:
      return "the API server forbids it: check the chart's RBAC, and that the agent runs in a pod on "
             "the node that it speaks for (the policy nodeproof-agent-objects ties its token to that node)";
    case 404:
      return "the API server does not know this resource: apply the CRDs in crds/";
    case 429:
      return "the API server is overloaded: the agent waits";
    default:
      return error.status() >= 500 ? "the API server has a problem of its own: see its log" : "";
  }
}

}  // namespace nodeproof::agent
