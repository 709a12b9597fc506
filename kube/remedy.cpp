#include "kube/remedy.hpp"

#include <algorithm>
#include <vector>

namespace nodeproof::kube {
namespace {

constexpr std::string_view kOurGroup = "nodeproof.dev";

std::vector<std::string_view> segments(std::string_view path) {
  std::vector<std::string_view> out;
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    if (end > at) out.push_back(path.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

// Group and version, and the resource, of a path of the API.
struct Resource {
  std::string_view group;  // empty: the core group
  std::string_view version;
  std::string_view name;
};

Resource resource_of(std::string_view target) {
  const auto parts = segments(target.substr(0, target.find('?')));
  const bool grouped = !parts.empty() && parts.front() == "apis";  // else /api/VERSION
  const std::size_t plain = grouped ? 3 : 2;                       // segments before the resource
  Resource out;
  if (parts.size() <= plain) return out;
  if (grouped) out.group = parts[1];
  out.version = parts[plain - 1];
  // What lies in a namespace has namespaces/NAME before it.
  const bool in_namespace = parts.size() > plain + 2 && parts[plain] == "namespaces";
  const std::size_t at = in_namespace ? plain + 2 : plain;
  out.name = parts[at];
  return out;
}

std::string unknown_resource(std::string_view target) {
  const Resource resource = resource_of(target);
  if (resource.name.empty()) return {};
  std::string out = "the API server does not know ";
  if (!resource.group.empty()) out.append(resource.group).append("/");
  out.append(resource.version).append(" ").append(resource.name);
  if (resource.group == kOurGroup) out += ": install the chart, or kubectl apply -f crds/";
  return out;
}

}  // namespace

std::string remedy_of(int status, std::string_view target, bool is_status) {
  switch (status) {
    case 401:
      return "the API server does not accept our token or client certificate: see that it is of this cluster "
             "and has not ended";
    case 403:
      return "if RBAC refuses it, give this account the right, as the roles of the chart do";
    case 404:
      return is_status ? std::string() : unknown_resource(target);
    default:
      return {};
  }
}

std::string remedy_of_warning(std::string_view warning, std::string_view target) {
  const Resource resource = resource_of(target);
  if (resource.group != kOurGroup || warning.find("unknown field") == std::string_view::npos) return {};
  return "the CustomResourceDefinition is of an older release than this program: kubectl apply -f crds/" +
         std::string(resource.name) + ".yaml of the newer one";
}

}  // namespace nodeproof::kube
