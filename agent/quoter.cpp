#include "agent/quoter.hpp"

#include "attest/tpm_quote.hpp"

namespace nodeproof::agent {

wire::NodeQuote make_quote(Tpm& tpm, const wire::NodeEvidence& evidence, const wire::PublishedEpoch& epoch) {
  wire::NodeQuote quote;
  quote.name = evidence.name;
  quote.boot = evidence.boot;
  quote.epoch = epoch.epoch;
  quote.nonce = epoch.nonce;
  quote.evidence_digest = evidence.digest();
  const Sha256Digest qualifying =
      attest::qualifying_data(epoch.epoch.kid, epoch.nonce, evidence.boot, quote.evidence_digest);
  for (int tries = 0; tries < kQuoteTries; ++tries) {
    quote.pcrs = tpm.read_pcrs(attest::kNodeQuotePcrs);
    RawQuote raw = tpm.quote(attest::kNodeQuotePcrs, qualifying);
    const auto parsed = attest::parse_tpms_attest(raw.attest);
    if (!parsed)
      throw TpmError(TpmErrorKind::kOther, "the TPM's quote cannot be read: " + to_string(parsed.error()));
    const auto digest = attest::pcr_digest(quote.pcrs, attest::kNodeQuotePcrs);
    if (!digest || !equal(*digest, parsed->pcr_digest)) continue;
    quote.attest = std::move(raw.attest);
    quote.signature = std::move(raw.signature);
    return quote;
  }
  throw TpmError(TpmErrorKind::kOther, "PCR values and quote disagreed " + std::to_string(kQuoteTries) +
                                           " times in a row: something extends PCRs all the time");
}

}  // namespace nodeproof::agent
