#include "kube/exec_credential.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nodeproof::kube {
namespace {

using testing::HasSubstr;
using testing::Not;

ExecConfig config() {
  ExecConfig out;
  out.api_version = "client.authentication.k8s.io/v1";
  return out;
}

std::string credential(const std::string& status, const std::string& head = {}) {
  return "{" +
         (head.empty() ? R"("apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential")" : head) +
         R"(,"spec":{"interactive":false},"status":)" + status + "}";
}

TEST(ExecCredential, GivesATokenOrACertificateOrBoth) {
  const auto token = parse_exec_credential(
      as_bytes(credential(R"({"token":"t0ken","expirationTimestamp":"2026-01-01T00:00:00Z","later":1})")),
      config());
  ASSERT_TRUE(token);
  EXPECT_EQ(token->token, "t0ken");
  EXPECT_TRUE(token->client_cert_pem.empty());
  const auto both = parse_exec_credential(
      as_bytes(credential(R"({"token":"t","clientCertificateData":"CERT","clientKeyData":"KEY"})")),
      config());
  ASSERT_TRUE(both);
  EXPECT_EQ(both->client_cert_pem, "CERT");
  EXPECT_EQ(both->client_key_pem, "KEY");
}

TEST(ExecCredential, WhatCannotBeUsedIsNamed) {
  struct Case {
    std::string text;
    std::string sentence;
  };
  const Case cases[] = {
      {"", "ExecCredential: is not valid JSON"},
      {"To sign in, use a web browser", "ExecCredential: is not valid JSON"},
      {credential("{}"), "status: holds neither a token nor a client certificate"},
      {credential(R"({"token":null})"), "status: holds neither"},
      {credential(R"({"token":7})"), "status.token: is a number"},
      {credential(R"({"clientKeyData":"KEY"})"), "both are needed"},
      {credential("null"), "status: is required"},
      {credential(R"({"token":"t"})",
                  R"("apiVersion":"client.authentication.k8s.io/v1beta1","kind":"ExecCredential")"),
       "apiVersion: is 'client.authentication.k8s.io/v1beta1', must be client.authentication.k8s.io/v1"},
      {credential(R"({"token":"t"})", R"("apiVersion":"client.authentication.k8s.io/v1","kind":"Status")"),
       "kind: is 'Status'"},
  };
  for (const Case& c : cases) {
    const auto out = parse_exec_credential(as_bytes(c.text), config());
    ASSERT_FALSE(out) << c.text;
    EXPECT_THAT(to_string(out.error()), HasSubstr(c.sentence));
  }
}

TEST(ExecInfo, TellsOfTheClusterOnlyWhenAskedTo) {
  ExecConfig wanted = config();
  EXPECT_EQ(
      exec_info(wanted, "https://a:443", "CA", true),
      R"({"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","spec":{"interactive":true}})");
  wanted.provide_cluster_info = true;
  EXPECT_THAT(exec_info(wanted, "https://a:443", "CA", false),
              HasSubstr(R"("spec":{"interactive":false,"cluster":{"server":"https://a:443",)"
                        R"("certificate-authority-data":"Q0E="}})"));
  EXPECT_THAT(exec_info(wanted, "http://127.0.0.1:8001", "", false), Not(HasSubstr("certificate-authority")));
}

}  // namespace
}  // namespace nodeproof::kube
