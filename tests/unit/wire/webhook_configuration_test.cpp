#include "wire/webhook_configuration.hpp"

#include "tests/unit/wire/json_text.hpp"

namespace nodeproof::wire {
namespace {

constexpr const char* kConfiguration =
    R"({"metadata":{"name":"nodeproof","resourceVersion":"12","labels":{"a":"b"}},"webhooks":[)"
    R"({"name":"one","clientConfig":{"url":"https://h/admit","caBundle":"Q0E="},"timeoutSeconds":5},)"
    R"({"name":"two","clientConfig":{"service":{"name":"s","port":443}},"rules":[{"apiVersions":["v1"]}]}]})";

TEST(WebhookTrust, IsReadOfEveryWebhook) {
  const auto trust = parsed(kConfiguration, parse_webhook_trust);
  ASSERT_TRUE(trust) << to_string(trust.error());
  ASSERT_EQ(trust->size(), 2U);
  EXPECT_EQ((*trust)[0].webhook, "one");
  EXPECT_EQ(as_text((*trust)[0].ca_bundle), "CA");
  EXPECT_EQ((*trust)[1].webhook, "two");
  EXPECT_TRUE((*trust)[1].ca_bundle.empty());
  EXPECT_TRUE(parsed(R"({"metadata":{"name":"nodeproof"}})", parse_webhook_trust)->empty());
}

TEST(WebhookTrust, RefusesWhatIsNoConfiguration) {
  const Refusal cases[] = {
      {R"("webhooks":[)", R"("webhooks":[5,)", Errc::kWrongType, "webhooks"},
      {R"("name":"one")", R"("nam":"one")", Errc::kMissing, "name"},
      {R"("clientConfig":{"url")", R"("config":{"url")", Errc::kMissing, "clientConfig"},
      {R"("Q0E=")", R"("Q0E")", Errc::kTruncated, "caBundle"},
      {R"("Q0E=")", R"(5)", Errc::kWrongType, "caBundle"},
  };
  expect_refusals(kConfiguration, parse_webhook_trust, cases);
}

// A merge patch replaces lists: all that a webhook had must be in it.
TEST(CaBundlePatch, ChangesTheBundlesAlone) {
  const auto patch = ca_bundle_patch(kConfiguration, as_bytes("new"));
  ASSERT_TRUE(patch) << to_string(patch.error());
  EXPECT_EQ(*patch,
            R"({"metadata":{"resourceVersion":"12"},"webhooks":[)"
            R"({"clientConfig":{"caBundle":"bmV3","url":"https://h/admit"},"name":"one","timeoutSeconds":5},)"
            R"({"clientConfig":{"caBundle":"bmV3","service":{"name":"s","port":443}},"name":"two",)"
            R"("rules":[{"apiVersions":["v1"]}]}]})");
}

TEST(CaBundlePatch, RefusesWhatHasNoVersionOrWebhooks) {
  for (const char* text :
       {"", "[]", R"({"metadata":{"resourceVersion":"1"}})", R"({"metadata":{},"webhooks":[]})",
        R"({"metadata":{"resourceVersion":"1"},"webhooks":{}})"}) {
    EXPECT_FALSE(ca_bundle_patch(text, as_bytes("new"))) << text;
  }
}

}  // namespace
}  // namespace nodeproof::wire
