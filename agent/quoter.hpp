// Makes NodeQuotes: the PCRs and the AK's quote over them, epoch, node, boot and evidence.
#pragma once

#include "agent/tpm.hpp"
#include "wire/epoch.hpp"
#include "wire/node_evidence.hpp"
#include "wire/node_quote.hpp"

namespace nodeproof::agent {

// Reading PCRs and quoting them are two commands; tries again when a PCR moved in between.
inline constexpr int kQuoteTries = 5;

// Throws TpmError, also when the PCRs never hold still.
wire::NodeQuote make_quote(Tpm& tpm, const wire::NodeEvidence& evidence, const wire::PublishedEpoch& epoch);

}  // namespace nodeproof::agent
