// Certificate revocation lists (RFC 5280 section 5) that the verifier's operator supplies
// (docs/adr/0007-revocation-lists.md). Never taken from evidence. Pure values, for any thread.
#pragma once

#include <openssl/ossl_typ.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attest/crypto.hpp"

namespace nodeproof::attest {

// A list as parsed; whose it is and whether it counts is for revocation_of() to find out.
class RevocationList {
 public:
  // Exactly one DER list. Refused: a list without nextUpdate, because nobody could tell when it says
  // nothing any more; any critical extension of the list or of an entry, because such a list covers
  // less, or means something else, than it seems to.
  static Result<RevocationList> parse_der(ByteView der, std::string_view where);

  const Bytes& der() const { return der_; }
  std::string issuer() const;  // one line, for messages
  UnixTime this_update() const { return this_update_; }
  UnixTime next_update() const { return next_update_; }

  bool names_as_issuer(const Certificate& ca) const;  // names only
  // True when `ca`'s key made the signature over SHA-256, SHA-384 or SHA-512.
  bool is_signed_by(const Certificate& ca) const;
  // When this certificate was revoked, by its serial number; nothing when it is not listed.
  std::optional<UnixTime> revoked_at(const Certificate& certificate) const;

 private:
  RevocationList() = default;
  Bytes der_;
  std::shared_ptr<X509_CRL> crl_;
  UnixTime this_update_;
  UnixTime next_update_;
};

// Any mix of PEM blocks ("X509 CRL") and DER lists, at least one, at most kMaxRevocationLists.
inline constexpr std::size_t kMaxRevocationLists = 64;
Result<std::vector<RevocationList>> parse_revocation_lists(ByteView pem_or_der, std::string_view where);

// Why a chain is refused because of the lists at hand.
struct RevocationProblem {
  std::string code;  // "revoked", "crl-issuer", "crl-signature-invalid", "crl-not-yet-valid", "crl-expired"
  std::string detail;
  std::string remedy;
};

// Whether a finding's code says that the lists at hand are not in order, which is not the fault of who is
// verified. "revoked" does not say so.
bool blames_lists(std::string_view code);

struct RevocationState {
  std::optional<RevocationProblem> problem;
  std::size_t lists = 0;                // that counted
  std::optional<UnixTime> next_update;  // the earliest: until then the answer holds
};

// Judges a chain (leaf first, root last) at `now`. Only lists whose issuer is a CA of the chain count.
// Such a list must be signed by that CA, which must be allowed to (keyUsage cRLSign), and be current:
// thisUpdate <= now <= nextUpdate, of several by one CA the newest. An entry of any of them revokes.
// `address`: where the lists are published, for remedies.
RevocationState revocation_of(std::span<const Certificate> chain, std::span<const RevocationList> lists,
                              UnixTime now, std::string_view address);

}  // namespace nodeproof::attest
