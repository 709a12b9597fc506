#include "attest/certificate_path.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/attest/test_certificate.hpp"

namespace nodeproof::attest {
namespace {

using testing::HasSubstr;
using testing_certificates::ca;
using testing_certificates::Key;
using testing_certificates::make;
using testing_certificates::make_key;
using testing_certificates::RawExtension;
using testing_certificates::Spec;
using vectors::kNow;

// Root <- A <- B <- Leaf.
class Path : public testing::Test {
 protected:
  Spec leaf_spec_{.name = "Leaf", .issuer = "B"};
  Key root_key_ = make_key();
  Key a_key_ = make_key();
  Key b_key_ = make_key();
  Key leaf_key_ = make_key();
  Certificate root_ = make(ca("Root", "Root"), root_key_, root_key_);
  Certificate a_ = make(ca("A", "Root", "critical,CA:TRUE,pathlen:1"), a_key_, root_key_);
  Certificate b_ = make(ca("B", "A", "critical,CA:TRUE,pathlen:0"), b_key_, a_key_);
  Certificate leaf_ = make(leaf_spec_, leaf_key_, b_key_);
  std::vector<Sha256Digest> pins_{root_.spki_sha256()};

  std::variant<CertificatePath, PathFailure> find(const Certificate& leaf, std::vector<Certificate> pool,
                                                  std::size_t max_intermediates = 4) const {
    return find_path(leaf, pool,
                     {.pinned_roots = pins_, .max_intermediates = max_intermediates, .now = kNow});
  }
  static std::vector<std::string> names(const std::variant<CertificatePath, PathFailure>& found) {
    std::vector<std::string> out;
    if (const auto* path = std::get_if<CertificatePath>(&found)) {
      for (const Certificate& certificate : *path) out.push_back(certificate.subject_common_name());
    } else {
      out.push_back(std::get<PathFailure>(found).detail);
    }
    return out;
  }
};

TEST_F(Path, IsFoundInAnyOrder) {
  const std::vector<std::string> expected{"Leaf", "B", "A", "Root"};
  EXPECT_EQ(names(find(leaf_, {root_, a_, b_})), expected);
  EXPECT_EQ(names(find(leaf_, {b_, a_, root_, leaf_, b_, a_})), expected)
      << "with duplicates and the leaf itself";
}

TEST_F(Path, OneLessIsMissingByName) {
  struct Case {
    std::vector<Certificate> pool;
    const char* detail;
    std::size_t depth;
  };
  const Case cases[] = {
      {{}, "'CN=B', which issued 'CN=Leaf'", 1},
      {{root_, a_}, "'CN=B', which issued 'CN=Leaf'", 1},
      {{root_, b_}, "'CN=A', which issued 'CN=B'", 2},
      {{a_, b_}, "'CN=Root', which issued 'CN=A'", 3},
  };
  for (const Case& c : cases) {
    const auto found = find(leaf_, c.pool);
    ASSERT_TRUE(std::holds_alternative<PathFailure>(found)) << c.detail;
    const auto& failure = std::get<PathFailure>(found);
    EXPECT_EQ(failure.problem, PathProblem::kIssuerMissing);
    EXPECT_EQ(failure.depth, c.depth);
    EXPECT_THAT(failure.detail, HasSubstr(c.detail));
  }
}

TEST_F(Path, ProblemsAreNamed) {
  const Key stranger = make_key();
  Spec no_usage = ca("B", "A");
  no_usage.key_usage = "digitalSignature";
  struct Case {
    const char* name;
    Certificate leaf;
    std::vector<Certificate> pool;
    PathProblem problem;
  };
  const Case cases[] = {
      {"leaf signed by a stranger",
       make(leaf_spec_, leaf_key_, stranger),
       {b_, a_, root_},
       PathProblem::kSignatureInvalid},
      {"intermediate signed by a stranger",
       leaf_,
       {make(ca("B", "A"), b_key_, stranger), a_, root_},
       PathProblem::kSignatureInvalid},
      {"no CA",
       leaf_,
       {make(Spec{.name = "B", .issuer = "A"}, b_key_, a_key_), a_, root_},
       PathProblem::kIssuerNotCa},
      {"no keyCertSign", leaf_, {make(no_usage, b_key_, a_key_), a_, root_}, PathProblem::kIssuerNotCa},
      {"path length",
       leaf_,
       {b_, make(ca("A", "Root", "CA:TRUE,pathlen:0"), a_key_, root_key_), root_},
       PathProblem::kIssuerNotCa},
      {"another root's key",
       leaf_,
       {b_, make(ca("A", "Root"), a_key_, stranger), make(ca("Root", "Root"), stranger, stranger)},
       PathProblem::kRootNotPinned},
      {"self-signed leaf",
       make(Spec{.name = "Leaf", .issuer = "Leaf"}, leaf_key_, leaf_key_),
       {b_, a_, root_},
       PathProblem::kRootNotPinned},
      {"the root itself as leaf", root_, {root_, a_, b_}, PathProblem::kRootNotPinned},
      // Its key is pinned, but its dates and rights are not the root's own words.
      {"root not signed by itself",
       leaf_,
       {b_, a_, make(ca("Root", "Root"), root_key_, stranger)},
       PathProblem::kSignatureInvalid},
  };
  for (const Case& c : cases) {
    const auto found = find(c.leaf, c.pool);
    ASSERT_TRUE(std::holds_alternative<PathFailure>(found)) << c.name;
    EXPECT_EQ(std::get<PathFailure>(found).problem, c.problem)
        << c.name << ": " << std::get<PathFailure>(found).detail;
  }
}

// RFC 5280 4.2: what is critical and not understood refuses; what is not critical may be passed over.
TEST_F(Path, ACriticalExtensionMustBeUnderstood) {
  const RawExtension vendor{"1.3.6.1.4.1.99999.1", {0x05, 0x00}};
  const RawExtension critical{vendor.oid, vendor.content, true};
  const auto leaf = [this](RawExtension extension) {
    Spec spec = leaf_spec_;
    spec.raw = {std::move(extension)};
    return make(spec, leaf_key_, b_key_);
  };
  const auto intermediate = [this](RawExtension extension) {
    Spec spec = ca("B", "A");
    spec.raw = {std::move(extension)};
    return make(spec, b_key_, a_key_);
  };
  const auto root = [this](RawExtension extension) {
    Spec spec = ca("Root", "Root");
    spec.raw = {std::move(extension)};
    return make(spec, root_key_, root_key_);
  };
  Spec usage = leaf_spec_;
  usage.key_usage = "critical,digitalSignature";
  usage.extended_key_usage = "critical,2.23.133.8.3";
  Spec narrowed = ca("B", "A");
  narrowed.extended_key_usage = "critical,2.23.133.8.1";
  struct Case {
    const char* name;
    Certificate leaf;
    std::vector<Certificate> pool;
    const char* refused;  // part of the reason; empty: there is a path
  };
  const Case cases[] = {
      {"leaf, not critical", leaf(vendor), {b_, a_, root_}, ""},
      {"leaf", leaf(critical), {b_, a_, root_}, "'CN=Leaf' has the critical extension 1.3.6.1.4.1.99999.1"},
      {"leaf, for its purpose", make(usage, leaf_key_, b_key_), {b_, a_, root_}, ""},
      {"intermediate, not critical", leaf_, {intermediate(vendor), a_, root_}, ""},
      {"intermediate", leaf_, {intermediate(critical), a_, root_}, "'CN=B' has the critical extension"},
      {"intermediate, for a purpose",
       leaf_,
       {make(narrowed, b_key_, a_key_), a_, root_},
       "'CN=B' has the critical extension 2.5.29.37"},
      {"root", leaf_, {b_, a_, root(critical)}, "'CN=Root' has the critical extension"},
      {"intermediate, beside one that is understood", leaf_, {intermediate(critical), b_, a_, root_}, ""},
  };
  for (const Case& c : cases) {
    const auto found = find(c.leaf, c.pool);
    const auto* failure = std::get_if<PathFailure>(&found);
    ASSERT_EQ(failure == nullptr, std::string_view(c.refused).empty()) << c.name;
    if (failure == nullptr) continue;
    EXPECT_EQ(failure->problem, PathProblem::kCriticalExtension) << c.name;
    EXPECT_THAT(failure->detail, HasSubstr(c.refused)) << c.name;
  }
}

TEST_F(Path, LengthIsLimited) {
  EXPECT_TRUE(std::holds_alternative<CertificatePath>(find(leaf_, {b_, a_, root_}, 2)));
  const auto found = find(leaf_, {b_, a_, root_}, 1);
  ASSERT_TRUE(std::holds_alternative<PathFailure>(found));
  EXPECT_EQ(std::get<PathFailure>(found).problem, PathProblem::kTooComplex);
}

// A forged certificate of the right name must not hide the right one.
TEST_F(Path, IsFoundBesideForgeries) {
  const Key stranger = make_key();
  const Certificate forged_root = make(ca("Root", "Root"), stranger, stranger);
  const Certificate forged_a = make(ca("A", "Root"), stranger, stranger);
  const std::vector<std::string> expected{"Leaf", "B", "A", "Root"};
  EXPECT_EQ(names(find(leaf_, {forged_root, forged_a, b_, a_, root_})), expected);
  EXPECT_EQ(names(find(leaf_, {root_, a_, b_, forged_a, forged_root})), expected);
}

TEST_F(Path, RenewedIntermediateIsPreferred) {
  Spec expired = ca("A", "Root");
  expired.from = kNow - std::chrono::hours(48);
  expired.until = kNow - std::chrono::hours(24);
  const Certificate old = make(expired, a_key_, root_key_);
  for (const auto& pool : {std::vector{old, a_, b_, root_}, std::vector{root_, b_, a_, old}}) {
    const auto found = find(leaf_, pool);
    ASSERT_TRUE(std::holds_alternative<CertificatePath>(found));
    EXPECT_EQ(std::get<CertificatePath>(found)[2].sha256(), a_.sha256());
  }
  EXPECT_TRUE(std::holds_alternative<CertificatePath>(find(leaf_, {old, b_, root_})))
      << "time is the caller's to judge";
}

// Certificates of one name and key that all issue each other: without a limit 60^4 signature checks.
TEST_F(Path, WorkIsLimited) {
  std::vector<Certificate> pool;
  for (long serial = 1; serial <= 60; ++serial) {
    Spec spec = ca(serial % 2 == 0 ? "X" : "Y", serial % 2 == 0 ? "Y" : "X");
    spec.serial = serial;
    pool.push_back(make(spec, b_key_, b_key_));
  }
  const auto found = find(make(Spec{.name = "Leaf", .issuer = "X"}, leaf_key_, b_key_), pool);
  ASSERT_TRUE(std::holds_alternative<PathFailure>(found));
  EXPECT_EQ(std::get<PathFailure>(found).problem, PathProblem::kTooComplex);
}

TEST_F(Path, WindowIsThatOfAllCertificates) {
  Spec early = ca("E", "Root");
  early.from = kNow - std::chrono::hours(1);
  early.until = kNow + std::chrono::hours(1);
  const std::vector<Certificate> both{root_, make(early, a_key_, root_key_)};
  EXPECT_EQ(latest_not_before(both), early.from);
  EXPECT_EQ(earliest_not_after(both), early.until);
}

}  // namespace
}  // namespace nodeproof::attest
