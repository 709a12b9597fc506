#include "kube/exec_credential.hpp"

#include "attest/strict_json.hpp"
#include "wire/fields.hpp"
#include "wire/json_text_writer.hpp"

namespace nodeproof::kube {
namespace {

using attest::JsonDocument;
using attest::JsonValue;

constexpr std::size_t kMaxCredential = 1U << 20U;
constexpr std::size_t kMaxText = std::size_t{256} << 10U;
constexpr std::string_view kKind = "ExecCredential";

}  // namespace

std::string exec_info(const ExecConfig& config, const std::string& server, const std::string& ca_pem,
                      bool interactive) {
  wire::JsonWriter json;
  json.begin_object();
  json.key("apiVersion").text(config.api_version);
  json.key("kind").text(kKind);
  json.key("spec").begin_object();
  json.key("interactive").boolean(interactive);
  if (config.provide_cluster_info) {
    json.key("cluster").begin_object();
    json.key("server").text(server);
    if (!ca_pem.empty()) json.key("certificate-authority-data").text(to_base64(as_bytes(ca_pem)), kMaxText);
    json.end_object();
  }
  json.end_object();
  json.end_object();
  return std::move(json).str();
}

Result<ExecCredential> parse_exec_credential(ByteView text, const ExecConfig& config) {
  NODEPROOF_TRY(document, JsonDocument::parse(text, kMaxCredential, kKind));
  const JsonValue root = document.root();
  NODEPROOF_CHECK(wire::require_text(root, "kind", kKind));
  NODEPROOF_CHECK(wire::require_text(root, "apiVersion", config.api_version));
  NODEPROOF_TRY(status, root.required("status"));
  NODEPROOF_TRY(token, status.optional_text("token"));
  NODEPROOF_TRY(certificate, status.optional_text("clientCertificateData"));
  NODEPROOF_TRY(key, status.optional_text("clientKeyData"));
  if (certificate.empty() != key.empty()) {
    return Error{Errc::kMissing, status.path(),
                 "holds one of clientCertificateData and clientKeyData, both are needed"};
  }
  if (token.empty() && certificate.empty())
    return Error{Errc::kMissing, status.path(), "holds neither a token nor a client certificate"};
  return ExecCredential{std::move(token), std::move(certificate), std::move(key)};
}

}  // namespace nodeproof::kube
