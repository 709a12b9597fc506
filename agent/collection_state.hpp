// Why evidence is as it is, in the words of NodeEvidence's collection state (crds/nodeevidences.yaml).
#pragma once

#include <string>
#include <string_view>

#include "agent/tpm.hpp"
#include "wire/node_evidence.hpp"

namespace nodeproof::agent {

inline constexpr std::string_view kComplete = "complete";
inline constexpr std::string_view kNoTpm = "no-tpm";
inline constexpr std::string_view kNoAk = "no-ak";
inline constexpr std::string_view kOwnerAuthSet = "owner-auth-set";
inline constexpr std::string_view kNoHclReport = "no-hcl-report";
inline constexpr std::string_view kNoAkCertificate = "no-ak-certificate";
inline constexpr std::string_view kEndorsementsUnreachable = "endorsements-unreachable";
inline constexpr std::string_view kTpmError = "tpm-error";

// What is missing, in a detail that ends in a remedy and is cut to what the object takes.
wire::CollectionState collection_state(std::string_view code, const std::string& what,
                                       std::string_view remedy);
// A TPM failure likewise.
wire::CollectionState collection_state(const TpmError& error);

// `what`: why there is no SEV-SNP report.
wire::CollectionState no_hcl_report(const std::string& what);
// `what`: why there is no AK certificate although the AK needs one, for there is no report either.
wire::CollectionState no_ak_certificate(const std::string& what);

// `detail`, cut to what a collection state takes.
std::string limited_detail(std::string detail);

}  // namespace nodeproof::agent
