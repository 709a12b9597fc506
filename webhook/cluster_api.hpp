// The calls to the API server that the leader makes, as an interface: kube::ApiClient stands behind
// it, tests fake it.
#pragma once

#include <optional>
#include <string>

#include "kube/api_client.hpp"

namespace nodeproof::webhook {

// As kube::ApiClient has them; throw kube::ApiError.
class ClusterApi {
 public:
  virtual ~ClusterApi() = default;
  virtual std::optional<std::string> get_if_exists(const std::string& path) = 0;  // nothing on 404
  virtual void create(const std::string& path, const std::string& json) = 0;
  virtual void replace(const std::string& path, const std::string& json) = 0;
  virtual void merge_patch(const std::string& path, const std::string& json) = 0;
  virtual void json_patch(const std::string& path, const std::string& json) = 0;
  virtual void remove(const std::string& path, const std::string& options) = 0;
};

class KubeClusterApi final : public ClusterApi {
 public:
  explicit KubeClusterApi(kube::ApiClient& client) : client_(client) {}  // borrowed
  std::optional<std::string> get_if_exists(const std::string& path) override {
    return client_.get_if_exists(path);
  }
  void create(const std::string& path, const std::string& json) override { client_.create(path, json); }
  void replace(const std::string& path, const std::string& json) override { client_.replace(path, json); }
  void merge_patch(const std::string& path, const std::string& json) override {
    client_.merge_patch(path, json);
  }
  void json_patch(const std::string& path, const std::string& json) override {
    client_.json_patch(path, json);
  }
  void remove(const std::string& path, const std::string& options) override { client_.remove(path, options); }

 private:
  kube::ApiClient& client_;
};

}  // namespace nodeproof::webhook
