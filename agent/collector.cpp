#include "agent/collector.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "attest/hcl_report.hpp"
#include "attest/runtime_claims.hpp"
#include "attest/snp_report.hpp"

namespace nodeproof::agent {
namespace {

constexpr std::size_t kMaxDetail = 1024;              // crds/nodeevidences.yaml
constexpr std::size_t kMaxAkCertificateSize = 16384;  // likewise

wire::CollectionState state(std::string_view code, const std::string& what, std::string_view remedy) {
  std::string detail = what + ". Remedy: " + std::string(remedy);
  detail.resize(std::min(detail.size(), kMaxDetail));
  return {std::string(code), std::move(detail)};
}

wire::CollectionState no_hcl_report(const std::string& what) {
  return state(
      kNoHclReport, what,
      "only confidential VMs on AMD SEV-SNP have one; use a node pool of such a size (DCasv5, ECasv5, "
      "DCasv6, ECasv6)");
}

// Settled: the parts fit together (the paravisor may write while we read in chunks) and the report
// answers our challenge.
bool is_settled(ByteView nv, const Sha512Digest& challenge) {
  const auto hcl = attest::parse_hcl_report(nv);
  if (!hcl) return false;
  const auto report = attest::parse_snp_report(hcl->hardware_report);
  const auto claims = attest::parse_runtime_claims(hcl->runtime_claims);
  if (!report || !claims) return false;
  const Sha256Digest bound = attest::sha256(hcl->runtime_claims);
  return equal(ByteView(report->report_data).first(bound.size()), bound) && claims->user_data == challenge;
}

Result<EndorsementKey> endorsement_key(ByteView hcl_report) {
  NODEPROOF_TRY(hcl, attest::parse_hcl_report(hcl_report));
  NODEPROOF_TRY(report, attest::parse_snp_report(hcl.hardware_report));
  return EndorsementKey{report.chip_id, report.reported_tcb};
}

}  // namespace

wire::CollectionState collection_state(const TpmError& error) {
  switch (error.kind()) {
    case TpmErrorKind::kNoTpm:
      return state(
          kNoTpm, error.what(),
          "use a node pool with a confidential VM size; if this machine has a TPM, check `tcti` and that the "
          "agent's pod is privileged and mounts /dev");
    case TpmErrorKind::kNoAk:
      return state(
          kNoAk, error.what(),
          "the platform puts the key there at boot; reboot the node, and if it stays away use an Azure VM "
          "with a vTPM");
    case TpmErrorKind::kOwnerAuthSet:
      return state(kOwnerAuthSet, error.what(),
                   "the TPM's owner hierarchy must have no password, as Azure delivers it; clear it "
                   "(tpm2_changeauth -c owner -p <password>) or replace the node");
    case TpmErrorKind::kNvMissing:
      return no_hcl_report(error.what());
    case TpmErrorKind::kOther:
      break;
  }
  return state(
      kTpmError, error.what(),
      "the agent tries again by itself; if it stays so, check access to the TPM device and reboot the node");
}

wire::NodeEvidence Collector::collect(const std::string& node_name, const attest::BootIdentity& boot,
                                      const wire::PublishedEpoch& epoch, const std::stop_token& stop) {
  wire::NodeEvidence evidence;
  evidence.name = node_name;
  evidence.boot = boot;
  evidence.collected_at = to_rfc3339(clock_.now());
  try {
    collect_from_tpm(evidence, epoch, stop);
  } catch (const TpmError& e) {
    evidence.collection = collection_state(e);
  }
  if (evidence.platform == wire::kPlatformSnp) add_endorsements(evidence, stop);
  return evidence;
}

void Collector::collect_from_tpm(wire::NodeEvidence& evidence, const wire::PublishedEpoch& epoch,
                                 const std::stop_token& stop) {
  if (!tpm_.has_ak()) throw TpmError(TpmErrorKind::kNoAk, "the TPM holds no key at 0x81000003");
  if (!tpm_.has_nv(kHclReportIndex)) {
    throw TpmError(TpmErrorKind::kNvMissing,
                   "the TPM has no NV index 0x01400001, where a paravisor keeps its report");
  }
  const Sha512Digest challenge = attest::report_challenge(epoch.epoch.kid, epoch.nonce, evidence.boot);
  write_challenge(challenge);
  const Bytes nv = read_report(challenge, stop);
  const auto hcl = attest::parse_hcl_report(nv);
  if (!hcl) {
    evidence.collection =
        no_hcl_report("NV index 0x01400001 holds no SEV-SNP report: " + to_string(hcl.error()));
    return;
  }
  evidence.ak_certificate = read_ak_certificate();
  evidence.hcl_report = to_bytes(hcl->framed);
  evidence.collected = epoch.epoch;
  evidence.platform = wire::kPlatformSnp;
}

// Without a challenge the report's age stays unproven, which is no ground to publish nothing.
void Collector::write_challenge(const Sha512Digest& challenge) {
  try {
    tpm_.write_user_data(challenge);
  } catch (const TpmError& e) {
    if (e.kind() != TpmErrorKind::kOther && e.kind() != TpmErrorKind::kNvMissing) throw;
    spdlog::warn("the report challenge could not be written, report-freshness will be not-checked: {}",
                 e.what());
  }
}

Bytes Collector::read_report(const Sha512Digest& challenge, const std::stop_token& stop) {
  Bytes nv = tpm_.read_nv(kHclReportIndex);
  for (int tries = 1; tries < kReportTries && !is_settled(nv, challenge); ++tries) {
    if (!timer_.wait(kReportRenewal, stop)) return nv;
    nv = tpm_.read_nv(kHclReportIndex);
  }
  if (!is_settled(nv, challenge)) {
    spdlog::warn(
        "after {} reads the HCL report does not carry our challenge; it is published as it is and "
        "report-freshness will be not-checked",
        kReportTries);
  }
  return nv;
}

// Many VMs have none (azure-evidence 1.2): then the evidence speaks without it.
Bytes Collector::read_ak_certificate() {
  try {
    auto der = attest::cut_der(tpm_.read_nv(kAkCertificateIndex), "NV 0x01c101d0");
    if (der && der->size() <= kMaxAkCertificateSize) return std::move(*der);
    spdlog::warn("the AK certificate is left out: {}", der ? "it is too large" : to_string(der.error()));
  } catch (const TpmError& e) {
    if (e.kind() != TpmErrorKind::kNvMissing) spdlog::warn("the AK certificate is left out: {}", e.what());
  }
  return {};
}

void Collector::add_endorsements(wire::NodeEvidence& evidence, const std::stop_token& stop) {
  const auto key = endorsement_key(evidence.hcl_report);
  if (!key) {
    spdlog::warn("the report names no VCEK, it is published without certificates: {}",
                 to_string(key.error()));
    return;
  }
  try {
    evidence.certificates = endorsements_.endorsements(*key, stop);
    evidence.collection = {};
  } catch (const EndorsementError& e) {
    std::string detail = e.what();
    detail.resize(std::min(detail.size(), kMaxDetail));
    evidence.collection = {std::string(kEndorsementsUnreachable), std::move(detail)};
  }
}

}  // namespace nodeproof::agent
