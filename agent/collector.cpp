#include "agent/collector.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "attest/hcl_report.hpp"
#include "attest/runtime_claims.hpp"
#include "attest/snp_report.hpp"

namespace nodeproof::agent {
namespace {

constexpr std::size_t kMaxAkCertificateSize = 16384;  // crds/nodeevidences.yaml

// What of the NV index is published: the report, cut to its size. One of a form that is not known here goes
// out whole, for where it ends is not known either: a verifier of a later release can judge it, and one of
// this release says what it finds. What is left are indices without a report, reports of another kind, which
// nobody could verify by these bytes (a TDREPORT is for its own CPU, VBS and Trusted Launch have no hardware
// report), and broken ones: judged, those would contradict the node, while a read amid a write or a fault of
// the host explains them.
Result<Bytes> publishable(ByteView nv) {
  const auto hcl = attest::parse_hcl_report(nv);
  if (hcl) return to_bytes(hcl->framed);
  if (hcl.error().code == Errc::kUnsupported) return to_bytes(nv);
  return hcl.error();
}

// `error`: why publishable(nv) gave nothing.
wire::CollectionState state_without_report(ByteView nv, const Error& error) {
  const bool broken = as_text(nv).starts_with(attest::kHclSignature) && error.code != Errc::kOtherKind;
  if (broken) return broken_hcl_report("NV index 0x01400001 holds no whole report: " + to_string(error));
  return no_hcl_report("NV index 0x01400001 holds no SEV-SNP report: " + to_string(error));
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
  if (evidence.platform != wire::kPlatformNone) add_boot_facts(evidence);
  if (evidence.platform == wire::kPlatformSnp) add_endorsements(evidence, stop);
  return evidence;
}

void Collector::collect_from_tpm(wire::NodeEvidence& evidence, const wire::PublishedEpoch& epoch,
                                 const std::stop_token& stop) {
  if (!tpm_.has_ak()) throw TpmError(TpmErrorKind::kNoAk, "the TPM holds no key at 0x81000003");
  if (tpm_.has_nv(kHclReportIndex)) {
    collect_confidential(evidence, epoch, stop);
  } else {
    collect_trusted_launch(evidence, epoch);
  }
}

void Collector::collect_confidential(wire::NodeEvidence& evidence, const wire::PublishedEpoch& epoch,
                                     const std::stop_token& stop) {
  const Sha512Digest challenge = attest::report_challenge(epoch.epoch.kid, epoch.nonce, evidence.boot);
  write_challenge(challenge);
  const Bytes nv = read_report(challenge, stop);
  auto report = publishable(nv);
  if (!report) {
    evidence.collection = state_without_report(nv, report.error());
    return;
  }
  evidence.ak_certificate = ak_certificate_if_any();
  evidence.hcl_report = *std::move(report);
  evidence.collected = epoch.epoch;
  evidence.platform = wire::kPlatformSnp;
}

// The vTPM is the host's and has no report: its AK certificate alone says what it is.
void Collector::collect_trusted_launch(wire::NodeEvidence& evidence, const wire::PublishedEpoch& epoch) {
  auto certificate = read_ak_certificate();
  if (!certificate) {
    evidence.collection =
        no_ak_certificate("the TPM has no paravisor's report (NV index 0x01400001), and no AK certificate: " +
                          to_string(certificate.error()));
    return;
  }
  evidence.ak_certificate = *std::move(certificate);
  evidence.collected = epoch.epoch;
  evidence.platform = wire::kPlatformTrustedLaunch;
}

void Collector::add_boot_facts(wire::NodeEvidence& evidence) {
  BootFacts facts = firmware_.read();
  evidence.event_log = std::move(facts.event_log);
  evidence.no_event_log = std::move(facts.no_event_log);
  evidence.efi = std::move(facts.efi);
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
        "after {} reads the HCL report is not seen to carry our challenge; it is published as it is, if at "
        "all, and report-freshness may be not-checked",
        kReportTries);
  }
  return nv;
}

// An Error when there is none that can be published.
Result<Bytes> Collector::read_ak_certificate() {
  constexpr std::string_view kWhere = "NV index 0x01c101d0";
  if (!tpm_.has_nv(kAkCertificateIndex)) return Error{Errc::kMissing, std::string(kWhere), "is not there"};
  NODEPROOF_TRY(der, attest::cut_der(tpm_.read_nv(kAkCertificateIndex), kWhere));
  if (der.size() > kMaxAkCertificateSize) {
    return Error{Errc::kTooLarge, std::string(kWhere),
                 "is " + std::to_string(der.size()) + " bytes long, the limit is " +
                     std::to_string(kMaxAkCertificateSize)};
  }
  return std::move(der);
}

// Many confidential VMs have none (azure-evidence 1.2): then the evidence speaks without it.
Bytes Collector::ak_certificate_if_any() {
  try {
    auto certificate = read_ak_certificate();
    if (certificate) return *std::move(certificate);
    if (certificate.error().code != Errc::kMissing)
      spdlog::warn("the AK certificate is left out: {}", to_string(certificate.error()));
  } catch (const TpmError& e) {
    spdlog::warn("the AK certificate is left out: {}", e.what());
  }
  return {};
}

// Without the report's chip and TCB it is open which VCEK it needs, and another one would contradict it.
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
    evidence.collection = {std::string(kEndorsementsUnreachable), limited_detail(e.what())};
  }
}

}  // namespace nodeproof::agent
