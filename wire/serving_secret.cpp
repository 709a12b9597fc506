#include "wire/serving_secret.hpp"

#include <cpprest/json.h>

#include "attest/strict_json.hpp"
#include "wire/fields.hpp"
#include "wire/json_writer.hpp"

namespace nodeproof::wire {
namespace {

constexpr std::size_t kMaxPem = std::size_t{64} << 10U;

Result<Bytes> pem_member(const attest::JsonValue& data, std::string_view key) {
  NODEPROOF_TRY(member, data.required(key));
  return bounded_base64(member, kMaxPem);
}

}  // namespace

Result<ServingSecret> parse_serving_secret(const attest::JsonValue& object) {
  NODEPROOF_TRY(data, object.required("data"));
  NODEPROOF_TRY(authorities, pem_member(data, "ca.crt"));
  NODEPROOF_TRY(authority_key, pem_member(data, "ca.key"));
  NODEPROOF_TRY(certificate, pem_member(data, "tls.crt"));
  NODEPROOF_TRY(key, pem_member(data, "tls.key"));
  return ServingSecret{std::move(authorities), std::move(authority_key), std::move(certificate),
                       std::move(key)};
}

std::string serving_secret(const ServingSecret& secret, std::string_view ns,
                           std::string_view resource_version) {
  web::json::value object = core_object("Secret", kServingSecret, ns, resource_version);
  object["type"] = json_text("Opaque");
  auto& data = object["data"];
  data["ca.crt"] = web::json::value::string(to_base64(secret.authorities));
  data["ca.key"] = web::json::value::string(to_base64(secret.authority_key));
  data["tls.crt"] = web::json::value::string(to_base64(secret.certificate));
  data["tls.key"] = web::json::value::string(to_base64(secret.key));
  return object.serialize();
}

}  // namespace nodeproof::wire
