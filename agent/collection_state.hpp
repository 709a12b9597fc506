// Why evidence is as it is, in the words of NodeEvidence's collection state (crds/nodeevidences.yaml).
#pragma once

#include <string>
#include <string_view>

#include "agent/tpm.hpp"
#include "wire/node_evidence.hpp"

namespace nodeproof::agent {

using wire::kComplete;
using wire::kEndorsementsUnreachable;
using wire::kNoAk;
using wire::kNoAkCertificate;
using wire::kNoHclReport;
using wire::kNoTpm;
using wire::kOwnerAuthSet;
using wire::kTpmError;

// What is missing, in a detail that ends in a remedy and is cut to what the object takes.
wire::CollectionState collection_state(std::string_view code, const std::string& what,
                                       std::string_view remedy);
// A TPM failure likewise.
wire::CollectionState collection_state(const TpmError& error);

// `what`: why there is no SEV-SNP report.
wire::CollectionState no_hcl_report(const std::string& what);
// `what`: what is wrong with the report that is there; another read may give a whole one.
wire::CollectionState broken_hcl_report(const std::string& what);
// `what`: why there is no AK certificate although the AK needs one, for there is no report either.
wire::CollectionState no_ak_certificate(const std::string& what);

// `detail`, cut to what a collection state takes.
std::string limited_detail(std::string detail);

}  // namespace nodeproof::agent
