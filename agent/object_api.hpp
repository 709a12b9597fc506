// The calls to the API server that the agent makes, as an interface: kube::ApiClient stands behind
// it, tests fake it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "attest/strict_json.hpp"
#include "kube/api_client.hpp"

namespace nodeproof::agent {

// As kube::ApiClient has them; throw kube::ApiError.
class ObjectApi {
 public:
  virtual ~ObjectApi() = default;
  virtual std::optional<std::string> get_if_exists(const std::string& path) = 0;  // nothing on 404
  virtual std::string create(const std::string& path, const std::string& json) = 0;
  virtual std::string replace(const std::string& path, const std::string& json) = 0;
};

// As thread-safe as the client.
class KubeObjectApi final : public ObjectApi {
 public:
  explicit KubeObjectApi(kube::ApiClient& client) : client_(client) {}  // borrowed
  std::optional<std::string> get_if_exists(const std::string& path) override {
    return client_.get_if_exists(path);
  }
  std::string create(const std::string& path, const std::string& json) override {
    return client_.create(path, json);
  }
  std::string replace(const std::string& path, const std::string& json) override {
    return client_.replace(path, json);
  }

 private:
  kube::ApiClient& client_;
};

// The body of one API object by one of wire's parsers. etcd stores at most 1.5 MiB; JSON may be
// wordier.
template <typename Parse>
std::invoke_result_t<Parse, const attest::JsonValue&> parse_object(const std::string& body,
                                                                   std::string_view what, Parse parse) {
  constexpr std::size_t kLimit = 3U << 20U;
  NODEPROOF_TRY(document, attest::JsonDocument::parse(as_bytes(body), kLimit, what));
  return parse(document.root());
}

// What to do about an answer, or the lack of one; empty when the message says it all.
std::string remedy_for(const kube::ApiError& error);

}  // namespace nodeproof::agent
