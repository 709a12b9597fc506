#include "webhook/health_handler.hpp"

#include <gtest/gtest.h>

namespace nodeproof::webhook {
namespace {

std::vector<Condition> some(const std::string& problem) {
  return {{"view/nodes", problem}, {"clock", ""}};
}

HttpResponse get(const std::string& path, const std::string& query = {}, const std::string& problem = {},
                 const std::string& method = "GET") {
  return answer_health({method, path, query, "", ""},
                       {[&problem] { return some(problem); }, [] { return std::string("metric 1\n"); }});
}

TEST(Health, LivenessDoesNotDependOnTheCluster) {
  EXPECT_EQ(get("/livez", "", "everything").status, 200U);
  EXPECT_EQ(get("/healthz", "", "everything").status, 200U);
}

TEST(Health, ReadyzIsShort) {
  EXPECT_EQ(get("/readyz").status, 200U);
  EXPECT_EQ(get("/readyz").body, "ok\n");
  const HttpResponse response = get("/readyz", "", "nodes have not been listed yet");
  EXPECT_EQ(response.status, 503U);
  EXPECT_EQ(response.body, "not ready:\n- nodes have not been listed yet\n");
}

TEST(Health, ReadyzListsEveryConditionWhenAsked) {
  for (const char* query : {"verbose", "verbose=", "verbose=true", "timeout=1s&verbose"}) {
    EXPECT_EQ(get("/readyz", query).status, 200U);
    EXPECT_EQ(get("/readyz", query).body, "[+]view/nodes ok\n[+]clock ok\nreadyz check passed\n") << query;
    const HttpResponse response = get("/readyz", query, "nodes have not been listed yet");
    EXPECT_EQ(response.status, 503U);
    EXPECT_EQ(response.body,
              "[-]view/nodes failed: nodes have not been listed yet\n[+]clock ok\nreadyz check failed\n");
  }
  for (const char* query : {"", "verbos", "verbosely=1", "x=verbose", "&"}) {
    EXPECT_EQ(get("/readyz", query).body, "ok\n") << query;
  }
}

TEST(Health, MetricsAreText) {
  EXPECT_EQ(get("/metrics").body, "metric 1\n");
  EXPECT_EQ(get("/metrics").content_type, "text/plain; version=0.0.4; charset=utf-8");
}

TEST(Health, NothingElse) {
  EXPECT_EQ(get("/").status, 404U);
  EXPECT_EQ(get("/admit").status, 404U);
  EXPECT_EQ(get("/livez", "", "", "POST").status, 405U);
}

}  // namespace
}  // namespace nodeproof::webhook
