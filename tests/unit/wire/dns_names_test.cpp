#include "wire/dns_names.hpp"

#include <gtest/gtest.h>

#include <string>

namespace nodeproof::wire {
namespace {

const std::string kLabel63(63, 'a');
const std::string kLabel64(64, 'a');
const std::string kSubdomain253 = kLabel63 + "." + kLabel63 + "." + kLabel63 + "." + std::string(61, 'a');

TEST(DnsNames, LabelsAreOnePart) {
  for (const std::string& good : {std::string("a"), std::string("0"), std::string("a-1"), kLabel63})
    EXPECT_TRUE(is_dns_label(good)) << good;
  for (const std::string& bad :
       {std::string(), std::string("A"), std::string("-a"), std::string("a-"), std::string("a_b"),
        std::string("a.b"), std::string("a/b"), std::string("\xc3\xa4"), std::string("a\0", 2), kLabel64}) {
    EXPECT_FALSE(is_dns_label(bad)) << bad;
  }
}

TEST(DnsNames, SubdomainsArePartsBetweenDots) {
  for (const std::string& good :
       {std::string("a"), std::string("10.0.0.1"), std::string("a.b-c.d"), kLabel64, kSubdomain253}) {
    EXPECT_TRUE(is_dns_subdomain(good)) << good;
  }
  for (const std::string& bad : {std::string(), std::string("."), std::string(".a"), std::string("a."),
                                 std::string("a..b"), std::string("a.-b"), std::string("a-.b"),
                                 std::string("a.B"), std::string("a?b"), kSubdomain253 + "a"}) {
    EXPECT_FALSE(is_dns_subdomain(bad)) << bad;
  }
}

}  // namespace
}  // namespace nodeproof::wire
