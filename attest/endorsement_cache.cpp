#include "attest/endorsement_cache.hpp"

namespace nodeproof::attest {

Result<Certificate> EndorsementCache::parse_der(ByteView der, std::string_view where) {
  const auto known = index_.find(attest::sha256(der));
  if (known == index_.end()) return Certificate::parse_der(der, where);
  entries_.splice(entries_.begin(), entries_, known->second);
  return known->second->certificate;
}

bool EndorsementCache::is_known_issuer(const Certificate& certificate, const Certificate& issuer) const {
  const auto known = index_.find(certificate.sha256());
  return known != index_.end() && known->second->issuer == issuer.sha256();
}

// From the root down, so that of one path the leaf is the first to be forgotten.
void EndorsementCache::remember(std::span<const Certificate> path) {
  remember(path.back(), path.back());
  for (std::size_t i = path.size() - 1; i > 0; --i) remember(path[i - 1], path[i]);
}

void EndorsementCache::remember(const Certificate& certificate, const Certificate& issuer) {
  const auto known = index_.find(certificate.sha256());
  if (known != index_.end()) {
    known->second->issuer = issuer.sha256();
    return;
  }
  entries_.push_front({certificate, issuer.sha256()});
  index_.emplace(certificate.sha256(), entries_.begin());
  if (entries_.size() <= limit_) return;
  index_.erase(entries_.back().certificate.sha256());
  entries_.pop_back();
}

}  // namespace nodeproof::attest
