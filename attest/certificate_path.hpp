// From a leaf over its issuers to a pinned root, by hand.
//
// Not X509_verify_cert: AMD's leaves have serial 0 and no standard extension, some certificates in
// the field are not strict DER, and what we pin are keys, not certificates in a store. For
// amd_chain.cpp and ak_certificate.cpp.
#pragma once

#include <span>
#include <string>
#include <variant>
#include <vector>

#include "attest/endorsement_cache.hpp"

namespace nodeproof::attest {

// Leaf first, root last; both always there. Every link's names and signature hold, every issuer may
// issue, no certificate has a critical extension that is not read here (RFC 5280 4.2), the root's key is
// pinned. Validity in time is the caller's to judge.
using CertificatePath = std::vector<Certificate>;

enum class PathProblem {
  kIssuerMissing,      // nobody in the pool has the issuer's name
  kSignatureInvalid,   // somebody has the name, but did not sign
  kIssuerNotCa,        // the signer may not issue certificates
  kCriticalExtension,  // a certificate says in an extension that is not read here how it may be used
  kRootNotPinned,      // ends in a self-issued certificate whose key is not pinned
  kTooComplex,         // too long, or too many certificates of one name to try
};

// Why there is no path: the problem of the attempt that came furthest.
struct PathFailure {
  PathProblem problem;
  std::string detail;
  std::size_t depth;  // how many certificates that attempt had linked; 1: the leaf alone
};

struct PathRules {
  std::span<const Sha256Digest> pinned_roots;  // SHA-256 of SubjectPublicKeyInfo
  std::size_t max_intermediates = 0;
  // Of several paths one that is valid at this time wins, then the one that ends last: a CA may
  // hold an old and a renewed certificate for one key.
  UnixTime now;
  // Spares signature checks, and learns from the path that is found; may be null. Borrowed.
  EndorsementCache* known = nullptr;
};

// `pool`: certificates in any order, the root's among them; the leaf may be too. At most
// kMaxSignatureChecks signatures are checked, whatever the pool.
inline constexpr std::size_t kMaxSignatureChecks = 32;
std::variant<CertificatePath, PathFailure> find_path(const Certificate& leaf,
                                                     std::span<const Certificate> pool,
                                                     const PathRules& rules);

// Of at least one certificate.
UnixTime latest_not_before(std::span<const Certificate> certificates);
UnixTime earliest_not_after(std::span<const Certificate> certificates);

}  // namespace nodeproof::attest
