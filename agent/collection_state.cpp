#include "agent/collection_state.hpp"

#include <algorithm>

namespace nodeproof::agent {
namespace {

constexpr std::size_t kMaxDetail = 1024;  // crds/nodeevidences.yaml

}  // namespace

std::string limited_detail(std::string detail) {
  detail.resize(std::min(detail.size(), kMaxDetail));
  return detail;
}

wire::CollectionState collection_state(std::string_view code, const std::string& what,
                                       std::string_view remedy) {
  return {std::string(code), limited_detail(what + ". Remedy: " + std::string(remedy))};
}

wire::CollectionState no_hcl_report(const std::string& what) {
  return collection_state(
      kNoHclReport, what,
      "only confidential VMs on AMD SEV-SNP have one; use a node pool of such a size (DCasv5, ECasv5, "
      "DCasv6, ECasv6), or one with Trusted Launch, whose VMs prove themselves by an AK certificate");
}

wire::CollectionState broken_hcl_report(const std::string& what) {
  return collection_state(
      kTpmError, what,
      "the agent reads it again by itself; if it stays so, reboot the node, and where that "
      "does not help replace it");
}

wire::CollectionState no_ak_certificate(const std::string& what) {
  return collection_state(
      kNoAkCertificate, what,
      "a Trusted Launch VM proves itself by its AK certificate, which Azure puts into the vTPM; use a node "
      "pool with Trusted Launch (or a confidential VM size) of a current node image, and where the "
      "certificate is missing replace the node");
}

wire::CollectionState collection_state(const TpmError& error) {
  switch (error.kind()) {
    case TpmErrorKind::kNoTpm:
      return collection_state(kNoTpm, error.what(),
                              "use a node pool with Trusted Launch or a confidential VM size; if this "
                              "machine has a TPM, check `tcti` and that the "
                              "agent's pod is privileged and mounts /dev");
    case TpmErrorKind::kNoAk:
      return collection_state(
          kNoAk, error.what(),
          "the platform puts the key there at boot; reboot the node, and if it stays away use an Azure VM "
          "with a vTPM");
    case TpmErrorKind::kOwnerAuthSet:
      return collection_state(
          kOwnerAuthSet, error.what(),
          "the TPM's owner hierarchy must have no password, as Azure delivers it; clear it "
          "(tpm2_changeauth -c owner -p <password>) or replace the node");
    case TpmErrorKind::kNvMissing:
      return no_hcl_report(error.what());
    case TpmErrorKind::kOther:
      break;
  }
  return collection_state(
      kTpmError, error.what(),
      "the agent tries again by itself; if it stays so, check access to the TPM device and reboot the node");
}

}  // namespace nodeproof::agent
