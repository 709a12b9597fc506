#include "attest/certificate_path.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace nodeproof::attest {
namespace {

constexpr std::string_view kBasicConstraints = "2.5.29.19";
constexpr std::string_view kKeyUsage = "2.5.29.15";
// What may_issue reads, and what the judges of a leaf read besides.
constexpr std::array kReadOfIssuers{kBasicConstraints, kKeyUsage};
constexpr std::array<std::string_view, 4> kReadOfLeaves{
    kBasicConstraints, kKeyUsage, "2.5.29.32" /* certificatePolicies */, "2.5.29.37" /* extKeyUsage */};

std::string quoted(const std::string& name) {
  return "'" + name + "'";
}

// Depth first over the pool. Keeps the best path and, while there is none, the failure that came
// furthest.
class Search {
 public:
  Search(const Certificate& leaf, std::span<const Certificate> pool, const PathRules& rules)
      : pool_(pool), rules_(rules), path_{leaf} {}

  std::variant<CertificatePath, PathFailure> run() {
    if (is_understood(path_.front(), kReadOfLeaves)) extend();
    if (!best_) return failure_;
    if (rules_.known != nullptr) rules_.known->remember(*best_);
    return *std::move(best_);
  }

 private:
  void extend() {
    const Certificate current = path_.back();
    if (current.is_self_issued()) return finish();
    bool named = false;
    for (const Certificate& candidate : pool_) {
      if (is_linked(candidate) || !current.names_as_issuer(candidate)) continue;
      named = true;
      if (!may_link(current, candidate)) continue;
      path_.push_back(candidate);
      extend();
      path_.pop_back();
      if (best_ && is_valid_now(*best_)) return;
    }
    if (!named) {
      fail(PathProblem::kIssuerMissing, "there is no certificate of " + quoted(current.issuer()) +
                                            ", which issued " + quoted(current.subject()));
    }
  }

  bool may_link(const Certificate& current, const Certificate& issuer) {
    const bool is_intermediate = !issuer.is_self_issued();
    if (is_intermediate && path_.size() > rules_.max_intermediates) {
      fail(PathProblem::kTooComplex, "the chain has more than " + std::to_string(rules_.max_intermediates) +
                                         " intermediate certificates");
      return false;
    }
    if (!verify(current, issuer)) return false;
    // Between this issuer and the leaf stand all linked certificates but the leaf.
    if (!issuer.may_issue(path_.size() - 1)) {
      fail(PathProblem::kIssuerNotCa, quoted(issuer.subject()) + " is not a CA that may issue " +
                                          quoted(current.subject()) +
                                          " (basic constraints, key usage or path length)");
      return false;
    }
    return is_understood(issuer, kReadOfIssuers);
  }

  bool is_understood(const Certificate& certificate, std::span<const std::string_view> read) {
    const auto unknown = certificate.critical_extension_beyond(read);
    if (!unknown) return true;
    fail(PathProblem::kCriticalExtension, quoted(certificate.subject()) + " has the critical extension " +
                                              *unknown + ", which is not understood");
    return false;
  }

  bool verify(const Certificate& certificate, const Certificate& issuer) {
    if (checks_left_ == 0) {
      fail(PathProblem::kTooComplex, "there are too many certificates of one name to try");
      return false;
    }
    --checks_left_;
    if (rules_.known != nullptr && rules_.known->is_known_issuer(certificate, issuer)) return true;
    if (certificate.is_signed_by(issuer)) return true;
    fail(PathProblem::kSignatureInvalid, "the signature on " + quoted(certificate.subject()) +
                                             " was not made by the key of " + quoted(issuer.subject()));
    return false;
  }

  // The root's own signature is checked too: its key is trusted, its dates are only then its own.
  void finish() {
    const Certificate root = path_.back();
    const auto& pins = rules_.pinned_roots;
    const bool pinned = std::find(pins.begin(), pins.end(), root.spki_sha256()) != pins.end();
    if (path_.size() < 2 || !pinned) {
      fail(PathProblem::kRootNotPinned, "the chain ends in " + quoted(root.subject()) +
                                            ", whose key (SHA-256 of SPKI " + to_hex(root.spki_sha256()) +
                                            ") is not a trusted root");
      return;
    }
    if (verify(root, root) && (!best_ || is_better(path_, *best_))) best_ = path_;
  }

  bool is_linked(const Certificate& candidate) const {
    return std::any_of(path_.begin(), path_.end(),
                       [&](const Certificate& linked) { return linked.sha256() == candidate.sha256(); });
  }

  bool is_valid_now(const CertificatePath& path) const {
    return latest_not_before(path) <= rules_.now && rules_.now <= earliest_not_after(path);
  }

  bool is_better(const CertificatePath& a, const CertificatePath& b) const {
    if (is_valid_now(a) != is_valid_now(b)) return is_valid_now(a);
    return earliest_not_after(a) > earliest_not_after(b);
  }

  void fail(PathProblem problem, std::string detail) {
    const std::size_t depth = path_.size();
    if (depth < failure_.depth || (depth == failure_.depth && problem < failure_.problem)) return;
    failure_ = {problem, std::move(detail), depth};
  }

  std::span<const Certificate> pool_;
  const PathRules& rules_;
  CertificatePath path_;
  std::optional<CertificatePath> best_;
  PathFailure failure_{PathProblem::kIssuerMissing, {}, 0};
  std::size_t checks_left_ = kMaxSignatureChecks;
};

}  // namespace

std::variant<CertificatePath, PathFailure> find_path(const Certificate& leaf,
                                                     std::span<const Certificate> pool,
                                                     const PathRules& rules) {
  return Search(leaf, pool, rules).run();
}

UnixTime latest_not_before(std::span<const Certificate> certificates) {
  UnixTime latest = certificates.front().not_before();
  for (const Certificate& certificate : certificates) latest = std::max(latest, certificate.not_before());
  return latest;
}

UnixTime earliest_not_after(std::span<const Certificate> certificates) {
  UnixTime earliest = certificates.front().not_after();
  for (const Certificate& certificate : certificates) earliest = std::min(earliest, certificate.not_after());
  return earliest;
}

}  // namespace nodeproof::attest
