#include "webhook/health_handler.hpp"

#include <gtest/gtest.h>

namespace nodeproof::webhook {
namespace {

HttpResponse get(const std::string& path, std::vector<std::string> missing = {},
                 const std::string& method = "GET") {
  return answer_health({method, path, "", "", ""},
                       {[&missing] { return missing; }, [] { return std::string("metric 1\n"); }});
}

TEST(Health, LivezDoesNotDependOnTheCluster) {
  EXPECT_EQ(get("/livez", {"everything"}).status, 200U);
}

TEST(Health, ReadyzSaysWhatIsMissing) {
  EXPECT_EQ(get("/readyz").status, 200U);
  const HttpResponse response = get("/readyz", {"nodes have not been listed yet", "stopping"});
  EXPECT_EQ(response.status, 503U);
  EXPECT_EQ(response.body, "not ready:\n- nodes have not been listed yet\n- stopping\n");
}

TEST(Health, MetricsAreText) {
  EXPECT_EQ(get("/metrics").body, "metric 1\n");
  EXPECT_EQ(get("/metrics").content_type, "text/plain; version=0.0.4; charset=utf-8");
}

TEST(Health, NothingElse) {
  EXPECT_EQ(get("/").status, 404U);
  EXPECT_EQ(get("/admit").status, 404U);
  EXPECT_EQ(get("/livez", {}, "POST").status, 405U);
}

}  // namespace
}  // namespace nodeproof::webhook
