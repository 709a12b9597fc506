#include "kube/settings.hpp"

#include <gtest/gtest.h>

namespace nodeproof::kube {
namespace {

TEST(Names, AreWhatKubernetesAllows) {
  const std::string label63(63, 'a');
  for (const std::string& good : {std::string("a"), std::string("aks-pool1-12345-vmss000000"),
                                  std::string("10.0.0.1"), std::string("a.b-c.d"), label63 + "a"}) {
    EXPECT_TRUE(node_name(good, "n")) << good;
  }
  const std::string long_name = label63 + "." + label63 + "." + label63 + "." + label63;
  for (const std::string& bad :
       {std::string(), std::string("A"), std::string("a/b"), std::string("a?b"), std::string("-a"),
        std::string("a-"), std::string("a..b"), std::string(".a"), std::string("a."), long_name}) {
    EXPECT_FALSE(node_name(bad, "n")) << bad;
    EXPECT_FALSE(namespace_name(bad, "n")) << bad;
  }
  EXPECT_TRUE(namespace_name(label63, "n"));
  EXPECT_FALSE(namespace_name(label63 + "a", "n"));
  EXPECT_FALSE(namespace_name("a.b", "n"));
}

TEST(Endpoints, AreAnAddressAndAPort) {
  for (const char* text : {"8443", ":8443", "0.0.0.0", "0.0.0.0:", "0.0.0.0:x", "0.0.0.0:65536", "0.0.0.0:-1",
                           "::1:8443", "[]:1", "[0.0.0.0]:1", "1.2.3.4:80 "}) {
    EXPECT_FALSE(endpoint(text, "listen")) << text;
  }
  EXPECT_EQ(*endpoint("[::]:8443", "listen"), (Endpoint{"::", 8443}));
}

}  // namespace
}  // namespace nodeproof::kube
