#include "attest/claims.hpp"

namespace nodeproof::attest {

std::string_view to_string(MeasuredBoot state) {
  switch (state) {
    case MeasuredBoot::kNoLog:
      return "no-log";
    case MeasuredBoot::kUnknown:
      return "unknown";
    case MeasuredBoot::kMismatch:
      return "mismatch";
    case MeasuredBoot::kVerified:
      return "verified";
  }
  return "unknown";
}

const Sha256Digest* QuoteClaims::pcr(unsigned pcr) const {
  if (!quote_.selection.contains(pcr)) return nullptr;
  if (const Sha256Digest* value = unlogged_pcrs_.find(pcr)) return value;
  const LoggedPcr* logged = log_ != nullptr ? log_->find(pcr) : nullptr;
  return logged != nullptr ? &logged->value : nullptr;
}

void BootClaims::condense() {
  if (!confidential_) return;
  ConfidentialClaims smaller = *confidential_;
  smaller.snp_.condense();
  smaller.runtime_.ak.condense();
  smaller.runtime_.ek_modulus = Bytes();
  confidential_ = std::make_shared<const ConfidentialClaims>(std::move(smaller));
}

std::optional<bool> secure_boot_of(const BootClaims& boot, const QuoteClaims& quote) {
  if (const ConfidentialClaims* confidential = boot.confidential()) {
    return confidential->paravisor_genuine() ? confidential->runtime().secure_boot : std::nullopt;
  }
  if (quote.log() == nullptr) return std::nullopt;
  const SecureBootState state = quote.log()->secure_boot.state;
  return state == SecureBootState::kUnprovable ? std::nullopt
                                               : std::optional(state == SecureBootState::kEnabled);
}

std::string vm_id_of(const BootClaims& boot, const QuoteClaims& quote) {
  if (const ConfidentialClaims* confidential = boot.confidential()) {
    return confidential->paravisor_genuine() ? confidential->runtime().vm_unique_id : std::string();
  }
  return quote.log() != nullptr ? quote.log()->vm_id.value_or(std::string()) : std::string();
}

}  // namespace nodeproof::attest
