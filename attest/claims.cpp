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

void BootClaims::condense() {
  if (!confidential_) return;
  ConfidentialClaims smaller = *confidential_;
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
