#include "kube/remedy.hpp"

#include <gtest/gtest.h>

namespace nodeproof::kube {
namespace {

TEST(Remedy, NamesTheResourceThatIsNotKnown) {
  const std::string chart = ": install the chart, or kubectl apply -f crds/";
  const std::pair<const char*, std::string> cases[] = {
      {"/apis/nodeproof.dev/v1alpha1/nodeevidences", "nodeproof.dev/v1alpha1 nodeevidences" + chart},
      {"/apis/nodeproof.dev/v1alpha1/nodequotes?limit=500", "nodeproof.dev/v1alpha1 nodequotes" + chart},
      {"/apis/nodeproof.dev/v1alpha1/nodequotes/cvm-1/status", "nodeproof.dev/v1alpha1 nodequotes" + chart},
      {"/apis/coordination.k8s.io/v1/namespaces/ns/leases/x", "coordination.k8s.io/v1 leases"},
      {"/api/v1/namespaces/ns/secrets?fieldSelector=a%2Fb", "v1 secrets"},
      {"/api/v1/namespaces", "v1 namespaces"},
      {"/api/v1/namespaces/demo", "v1 namespaces"},
  };
  for (const auto& [target, what] : cases) {
    EXPECT_EQ(remedy_of(404, target, false), "the API server does not know " + what) << target;
  }
}

TEST(Remedy, AnObjectThatIsNotThereNeedsNone) {
  EXPECT_EQ(remedy_of(404, "/apis/nodeproof.dev/v1alpha1/nodeevidences/cvm-1", true), "");
  for (const char* target : {"", "/", "/api", "/api/v1", "/apis/nodeproof.dev/v1alpha1", "/version"}) {
    EXPECT_EQ(remedy_of(404, target, false), "") << target;
  }
}

TEST(Remedy, FieldsThatAreDroppedNameTheirResource) {
  const std::string unknown = R"(299 - "unknown field \"spec.activation\"")";
  const std::string apply = "kubectl apply -f crds/";
  const std::string ours = "/apis/nodeproof.dev/v1alpha1/";
  EXPECT_NE(remedy_of_warning(unknown, ours + "nodeevidences/cvm-1").find(apply + "nodeevidences.yaml"),
            std::string::npos);
  EXPECT_NE(remedy_of_warning(unknown, ours + "nodeattestations/cvm-1/status")
                .find(apply + "nodeattestations.yaml"),
            std::string::npos);
  EXPECT_EQ(remedy_of_warning(unknown, "/api/v1/nodes/cvm-1"), "");
  EXPECT_EQ(remedy_of_warning(R"(299 - "nodeproof.dev/v1alpha1 NodeEvidence is deprecated")",
                              ours + "nodeevidences"),
            "");
}

TEST(Remedy, WhoIsNotLetInLearnsWhatToLookAt) {
  EXPECT_NE(remedy_of(401, "/api/v1/nodes", true).find("token or client certificate"), std::string::npos);
  EXPECT_NE(remedy_of(403, "/api/v1/nodes", true).find("RBAC"), std::string::npos);
  for (const int status : {400, 409, 410, 422, 429, 500, 503}) {
    EXPECT_EQ(remedy_of(status, "/api/v1/nodes", true), "") << status;
  }
}

}  // namespace
}  // namespace nodeproof::kube
