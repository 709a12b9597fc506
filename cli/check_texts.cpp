#include "cli/check_texts.hpp"

#include <array>

namespace nodeproof::cli {
namespace {

using attest::Check;

constexpr std::array<std::string_view, 16> kTitles{
    "The paravisor's report as a file",
    "The SEV-SNP report in it",
    "The chip's certificate belongs to the report",
    "The chip's certificate comes from AMD",
    "The report was signed by that chip",
    "The report vouches for the paravisor's claims",
    "The paravisor's claims",
    "Microsoft's certificate for the attestation key (AK)",
    "The paravisor is a genuine one of Microsoft's",
    "The TPM quote",
    "The quote is fresh and belongs to this evidence",
    "The event log explains the PCRs",
    "Secure Boot",
    "The evidence is of this machine, this Node and this boot",
    "The attestation key lives in the vTPM",
    "The policy",
};

struct Text {
  Check check;
  std::string_view comparison;
};
constexpr std::array kTexts{
    Text{Check::kHclFrame, "all sizes in the HCL report agree with one another, and only zeros follow"},
    Text{Check::kReportFormat, "fields, reserved bytes and signature algorithm are those of a signed report"},
    Text{Check::kVmpl, "the report was asked for at VMPL 0, where only the paravisor runs"},
    Text{Check::kGuestPolicy, "the guest policy in the report forbids debugging and migration"},
    Text{Check::kProduct, "the processor in the report and the product in the certificate are the same"},
    Text{Check::kChipId, "the chip id in the report equals the one in the certificate"},
    Text{Check::kTcbExtensions, "every firmware level in the report equals the one in the certificate"},
    Text{Check::kCertificateChain,
         "VCEK, ASK and ARK sign one another, are valid, and the ARK is AMD's pinned root"},
    Text{Check::kReportSignature, "the key in the chip's certificate signed exactly this report"},
    Text{Check::kReportDataBinding, "report_data in the report equals the SHA-256 of the claims"},
    Text{Check::kRuntimeClaims, "the claims are strict JSON with exactly one usable attestation key"},
    Text{Check::kReportFreshness, "the user data in the claims equals the challenge that was written"},
    Text{Check::kAkCertificate, "it chains to Microsoft's pinned vTPM root and its key equals the AK"},
    Text{Check::kParavisor, "ID key digest and GUEST_SVN in the report meet a reference value"},
    Text{Check::kQuoteFormat, "it is one whole TPMS_ATTEST of type quote, made by a TPM"},
    Text{Check::kAkName, "the signer named in the quote is the AK, under Azure's key template"},
    Text{Check::kQuoteSignature, "the AK signed exactly this quote"},
    Text{Check::kPcrSelection, "the quote covers the PCRs that it must cover"},
    Text{Check::kPcrDigest, "the digest in the quote equals the SHA-256 of the PCR values given"},
    Text{Check::kQualifyingData, "the challenge in the quote equals the expected one"},
    Text{Check::kEvidenceBinding, "the quote names the node, the boot and the digest of this very evidence"},
    Text{Check::kEvidenceAge, "the quote's epoch is not older than the policy allows"},
    Text{Check::kEpochFuture, "the quote's epoch has begun"},
    Text{Check::kEpochOrigin, "the nonce was made with the cluster's epoch key"},
    Text{Check::kEventLogReplay, "the event log replays to the PCRs"},
    Text{Check::kSecureBoot,
         "PCR 7's events are exactly those that prove a state of Secure Boot, and no claim says another"},
    Text{Check::kVmId, "PCR 6 is what firmware measures for the VM id in the claims"},
    Text{Check::kNodeIdentity, "evidence and quote carry the UID of the Node object"},
    Text{Check::kNodeInventory, "the inventory names this VM for this node"},
    Text{Check::kDuplicateIdentity, "no other node proves the same key"},
    Text{Check::kBootChanged, "evidence and quote carry the boot ID that the Node reports"},
    Text{Check::kAkResidency, "the AK is the vTPM's own"},
    Text{Check::kCounters, "clock and counters of the TPM have only risen"},
    Text{Check::kPolicy, "the policy is met"},
};

constexpr bool texts_follow_enumeration() {
  for (std::size_t i = 0; i < kTexts.size(); ++i) {
    if (static_cast<std::size_t>(kTexts[i].check) != i) return false;
  }
  return static_cast<std::size_t>(Check::kPolicy) + 1 == kTexts.size();
}
static_assert(texts_follow_enumeration());

}  // namespace

std::string_view title_of_number(int number) {
  return kTitles.at(static_cast<std::size_t>(number - 1));
}

std::string_view comparison_of(Check check) {
  return kTexts.at(static_cast<std::size_t>(check)).comparison;
}

}  // namespace nodeproof::cli
