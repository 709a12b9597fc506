// Certificates known from chains that led to a pinned root, and who signed each: what the evidence of
// many nodes and boots has in common, parsed once and its signatures checked once.
//
// It spares only what no time and no setting can change: what given bytes parse to, and that one
// certificate's key signed another. Names, purposes, roots, dates and revocation are judged at every
// use as without it. So an expired chain is refused, and so is one whose root is not pinned (any more),
// for another product or by another caller. A failure is never remembered.
//
// The caller owns it, lends it in VerifyParameters and uses it from one thread at a time. It holds at
// most `limit` certificates, DER and parsed form, and forgets the one that was parsed longest ago; only
// who holds a certificate of AMD's or Microsoft's own can make it forget another.
#pragma once

#include <list>
#include <map>
#include <span>

#include "attest/crypto.hpp"

namespace nodeproof::attest {

// A VCEK and an AK certificate of each of a thousand nodes, and their CAs.
inline constexpr std::size_t kEndorsementCacheLimit = 2048;

class EndorsementCache {
 public:
  explicit EndorsementCache(std::size_t limit = kEndorsementCacheLimit) : limit_(limit) {}
  EndorsementCache(const EndorsementCache&) = delete;  // its index points into it
  EndorsementCache& operator=(const EndorsementCache&) = delete;

  // As Certificate::parse_der; a known certificate is not parsed again.
  Result<Certificate> parse_der(ByteView der, std::string_view where);
  // Whether `issuer`'s key is known to have signed exactly this certificate; "no" means unknown.
  bool is_known_issuer(const Certificate& certificate, const Certificate& issuer) const;
  // `path`: leaf first, pinned root last, every signature checked, the root's own too.
  void remember(std::span<const Certificate> path);

  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    Certificate certificate;
    Sha256Digest issuer{};  // of its DER
  };
  using Entries = std::list<Entry>;

  void remember(const Certificate& certificate, const Certificate& issuer);

  std::size_t limit_;
  Entries entries_;                                  // the latest used first
  std::map<Sha256Digest, Entries::iterator> index_;  // by SHA-256 of the DER
};

}  // namespace nodeproof::attest
