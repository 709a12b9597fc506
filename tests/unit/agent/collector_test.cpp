#include "agent/collector.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "attest/hcl_report.hpp"
#include "attest/verify.hpp"
#include "tests/unit/agent/fakes.hpp"

namespace nodeproof::agent {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class CollectorTest : public testing::Test {
 protected:
  wire::NodeEvidence collect() { return collector_.collect("node-1", kBoot, epoch_of(7), stop_.get_token()); }

  FakeTpm tpm_;
  FakeFirmware firmware_;
  FakeEndorsements endorsements_;
  FakeTimer timer_;
  FixedClock clock_;
  std::stop_source stop_;
  Collector collector_{tpm_, firmware_, endorsements_, timer_, clock_};
};

TEST_F(CollectorTest, CollectsEverythingFromAConfidentialVm) {
  const auto certificate = forge::issue_ak_certificate(tpm_.world.vtpm, tpm_.world.ak.rsa_modulus());
  tpm_.ak_certificate = certificate.der();
  tpm_.ak_certificate->resize(4096);
  const wire::NodeEvidence evidence = collect();
  EXPECT_EQ(evidence.name, "node-1");
  EXPECT_EQ(evidence.boot, kBoot);
  EXPECT_EQ(evidence.platform, wire::kPlatformSnp);
  EXPECT_EQ(evidence.collected, epoch_of(7).epoch);
  EXPECT_EQ(evidence.collection, wire::CollectionState{});
  EXPECT_EQ(evidence.ak_certificate, certificate.der());
  EXPECT_THAT(evidence.certificates, ElementsAre(Bytes{1}, Bytes{2}, Bytes{3}));
  EXPECT_EQ(evidence.event_log, firmware_.facts.event_log);
  EXPECT_EQ(evidence.no_event_log, std::nullopt);
  EXPECT_EQ(evidence.efi, firmware_.facts.efi);
  EXPECT_EQ(evidence.collected_at, "2026-08-25T00:00:00Z");
  EXPECT_EQ(endorsements_.asked_for.chip_id, forge::default_chip_id());
  EXPECT_EQ(endorsements_.asked_for.tcb, forge::kTcb);
  EXPECT_THAT(timer_.waits, ElementsAre());
}

TEST_F(CollectorTest, CollectsFromATrustedLaunchVmWithoutAskingThim) {
  const auto certificate = forge::issue_ak_certificate(tpm_.world.vtpm, tpm_.world.ak.rsa_modulus());
  tpm_.hcl = false;
  tpm_.ak_certificate = certificate.der();
  tpm_.ak_certificate->resize(4096);
  const wire::NodeEvidence evidence = collect();
  EXPECT_EQ(evidence.platform, wire::kPlatformTrustedLaunch);
  EXPECT_EQ(evidence.collected, epoch_of(7).epoch);
  EXPECT_EQ(evidence.collection, wire::CollectionState{});
  EXPECT_EQ(evidence.ak_certificate, certificate.der());
  EXPECT_EQ(evidence.event_log, firmware_.facts.event_log);
  EXPECT_EQ(evidence.efi, firmware_.facts.efi);
  EXPECT_EQ(evidence.hcl_report, Bytes{});
  EXPECT_THAT(evidence.certificates, ElementsAre());
  EXPECT_EQ(endorsements_.calls, 0);
  EXPECT_EQ(tpm_.writes, 0);  // no paravisor reads a challenge
}

TEST_F(CollectorTest, SaysWhyThereIsNoEventLog) {
  firmware_.facts = {{}, wire::CollectionState{"log-unreadable", "not root. Remedy: be root"}, {}};
  const wire::NodeEvidence evidence = collect();
  EXPECT_EQ(evidence.platform, wire::kPlatformSnp);
  EXPECT_EQ(evidence.event_log, Bytes{});
  EXPECT_EQ(evidence.no_event_log, firmware_.facts.no_event_log);
  EXPECT_EQ(evidence.efi, wire::EfiFacts{});
  EXPECT_EQ(evidence.collection.code, kComplete);
}

TEST_F(CollectorTest, PublishesTheReportAsFramedAndWithTheChallengeInIt) {
  const wire::NodeEvidence evidence = collect();
  const auto hcl = attest::parse_hcl_report(evidence.hcl_report);
  ASSERT_TRUE(hcl);
  EXPECT_EQ(hcl->framed.size(), evidence.hcl_report.size());
  const auto claims = attest::parse_runtime_claims(hcl->runtime_claims);
  ASSERT_TRUE(claims);
  const wire::PublishedEpoch epoch = epoch_of(7);
  EXPECT_EQ(claims->user_data, attest::report_challenge(epoch.epoch.kid, epoch.nonce, kBoot));
}

TEST_F(CollectorTest, WaitsForTheParavisorToRenewItsReport) {
  tpm_.stale_reads = 2;
  const wire::NodeEvidence evidence = collect();
  EXPECT_EQ(tpm_.report_reads, 3);
  EXPECT_EQ(tpm_.writes, 1);
  EXPECT_THAT(timer_.waits, ElementsAre(Collector::kReportRenewal, Collector::kReportRenewal));
  EXPECT_GT(Collector::kReportRenewal, Seconds(2));  // REPORT_TIMER, azure-evidence 1.4
  EXPECT_EQ(evidence.collection.code, kComplete);
}

TEST_F(CollectorTest, PublishesAReportThatIsNeverRenewed) {
  tpm_.stale_reads = 1000;
  const wire::NodeEvidence evidence = collect();
  EXPECT_EQ(tpm_.report_reads, Collector::kReportTries);
  EXPECT_EQ(evidence.platform, wire::kPlatformSnp);
  EXPECT_EQ(evidence.collection.code, kComplete);
}

TEST_F(CollectorTest, ReadsAgainWhatWasReadWhileItChanged) {
  int reads = 0;
  tpm_.edit_report = [&](Bytes nv) {
    if (reads++ == 0) nv[0x20 + 0x50] ^= 1U;  // report_data no longer binds the claims
    return nv;
  };
  EXPECT_EQ(collect().collection.code, kComplete);
  EXPECT_EQ(tpm_.report_reads, 2);
}

TEST_F(CollectorTest, AStopEndsTheWaitForARenewedReport) {
  tpm_.stale_reads = 1000;
  timer_.on_wait = [this] { stop_.request_stop(); };
  collect();
  EXPECT_EQ(timer_.waits.size(), 1U);
}

TEST_F(CollectorTest, PublishesAReportWithoutChallengeWhenItCannotBeWritten) {
  tpm_.write_failure = TpmError(TpmErrorKind::kOther, "NV space is full");
  tpm_.stale_reads = 1000;
  EXPECT_EQ(collect().platform, wire::kPlatformSnp);
}

TEST_F(CollectorTest, LeavesOutAnAkCertificateThatIsNotThereOrNotOne) {
  EXPECT_EQ(collect().ak_certificate, Bytes{});
  tpm_.ak_certificate = Bytes(4096);
  const wire::NodeEvidence evidence = collect();
  EXPECT_EQ(evidence.ak_certificate, Bytes{});
  EXPECT_EQ(evidence.collection.code, kComplete);
}

// Whose AK it is, the verifier judges.
TEST_F(CollectorTest, DoesNotCareWhetherTheAkIsTheOneOfTheReport) {
  tpm_.quoting_key = &tpm_.world.other_ak;
  EXPECT_EQ(collect().collection.code, kComplete);
}

struct Missing {
  const char* name;
  std::function<void(FakeTpm&)> arrange;
  std::string_view code;
  const char* detail;
};

class CollectorStates : public CollectorTest, public testing::WithParamInterface<Missing> {};

TEST_P(CollectorStates, IsPublishedWithItsRemedy) {
  GetParam().arrange(tpm_);
  const wire::NodeEvidence evidence = collect();
  EXPECT_EQ(evidence.platform, wire::kPlatformNone);
  EXPECT_EQ(evidence.collected, attest::Epoch{});
  EXPECT_EQ(evidence.hcl_report, Bytes{});
  EXPECT_EQ(evidence.ak_certificate, Bytes{});
  EXPECT_EQ(evidence.event_log, Bytes{});
  EXPECT_EQ(firmware_.reads, 0);
  EXPECT_EQ(evidence.collection.code, GetParam().code);
  EXPECT_THAT(evidence.collection.detail, HasSubstr(GetParam().detail));
  EXPECT_THAT(evidence.collection.detail, HasSubstr("Remedy: "));
  EXPECT_LE(evidence.collection.detail.size(), 1024U);
  EXPECT_EQ(endorsements_.calls, 0);
  EXPECT_EQ(tpm_.quotes, 0);
}

auto fails(TpmErrorKind kind, std::string what) {
  return [kind, what = std::move(what)](FakeTpm& tpm) { tpm.failure = TpmError(kind, what); };
}

// In the report, azure-evidence 2.
auto with_byte(std::size_t offset, std::uint8_t value) {
  return [offset, value](FakeTpm& tpm) {
    tpm.edit_report = [offset, value](Bytes nv) {
      nv.at(offset) = value;
      return nv;
    };
  };
}

INSTANTIATE_TEST_SUITE_P(
    All, CollectorStates,
    testing::Values(
        Missing{"no_tpm", fails(TpmErrorKind::kNoTpm, "/dev/tpmrm0: absent"), kNoTpm, "/dev/tpmrm0: absent"},
        Missing{"no_ak", [](FakeTpm& tpm) { tpm.ak = false; }, kNoAk, "0x81000003"},
        Missing{"owner_auth", fails(TpmErrorKind::kOwnerAuthSet, "refused"), kOwnerAuthSet, "no password"},
        Missing{"owner_auth_at_write",
                [](FakeTpm& tpm) { tpm.write_failure = TpmError(TpmErrorKind::kOwnerAuthSet, "refused"); },
                kOwnerAuthSet, "no password"},
        Missing{"no_hcl_no_certificate", [](FakeTpm& tpm) { tpm.hcl = false; }, kNoAkCertificate,
                "NV index 0x01c101d0: is not there"},
        Missing{"no_hcl_padding_for_certificate",
                [](FakeTpm& tpm) {
                  tpm.hcl = false;
                  tpm.ak_certificate = Bytes(4096);
                },
                kNoAkCertificate, "Trusted Launch"},
        Missing{"no_hcl_endless_certificate",
                [](FakeTpm& tpm) {
                  tpm.hcl = false;
                  tpm.ak_certificate = Bytes{0x30, 0x82, 0x40, 0x00};
                  tpm.ak_certificate->resize(4 + 0x4000);
                },
                kNoAkCertificate, "is 16388 bytes long, the limit is 16384"},
        Missing{"tdx", with_byte(0x4C8, 4), kNoHclReport, "TDX"},
        Missing{"tdx_with_certificate",
                [](FakeTpm& tpm) {
                  tpm.ak_certificate = Bytes{0x30, 0x00};
                  with_byte(0x4C8, 4)(tpm);
                },
                kNoHclReport, "Trusted Launch, whose VMs"},
        Missing{"hcl_of_zeros",
                [](FakeTpm& tpm) { tpm.edit_report = [](const Bytes&) { return Bytes(2600); }; },
                kNoHclReport, "holds no SEV-SNP report"},
        Missing{"never_written",
                [](FakeTpm& tpm) {
                  tpm.edit_report = [](const Bytes&) -> Bytes {
                    throw TpmError(TpmErrorKind::kNvMissing, "TPM2_NV_Read: not initialized");
                  };
                },
                kNoHclReport, "not initialized"},
        Missing{"empty_index", [](FakeTpm& tpm) { tpm.edit_report = [](const Bytes&) { return Bytes(); }; },
                kNoHclReport, "holds no SEV-SNP report"},
        Missing{"vbs", with_byte(0x4C8, 1), kNoHclReport, "VBS"},
        Missing{"broken_status", with_byte(0x010, 1), kTpmError, "hcl.status at 0x010: is 1, must be 0"},
        Missing{"broken_hash_type", with_byte(0x4CC, 0), kTpmError, "report_data_hash_type"},
        Missing{"cut_off",
                [](FakeTpm& tpm) {
                  tpm.edit_report = [](Bytes nv) {
                    nv.resize(1240);
                    return nv;
                  };
                },
                kTpmError, "no whole report: hcl.runtime_claims"},
        Missing{"larger_than_evidence_takes",
                [](FakeTpm& tpm) {
                  tpm.edit_report = [](Bytes nv) {
                    nv[0x004] = 3;
                    nv.resize(attest::kHclMaxSize + 1);
                    return nv;
                  };
                },
                kTpmError, "is 16385 bytes long, the limit is 16384"},
        Missing{"other", fails(TpmErrorKind::kOther, "lockout"), kTpmError, "lockout"},
        Missing{"long_message", fails(TpmErrorKind::kOther, "Remedy: " + std::string(5000, 'x')), kTpmError,
                "xxx"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST_F(CollectorTest, WritesNothingToATpmThatIsNoParavisors) {
  tpm_.hcl = false;
  collect();
  EXPECT_EQ(tpm_.writes, 0);
}

TEST_F(CollectorTest, PublishesWithoutEndorsementsAndAddsThemLater) {
  endorsements_.reachable = false;
  wire::NodeEvidence evidence = collect();
  EXPECT_EQ(evidence.platform, wire::kPlatformSnp);
  EXPECT_EQ(evidence.collection.code, kEndorsementsUnreachable);
  EXPECT_EQ(evidence.collection.detail, "THIM is away. Remedy: bring it back");
  EXPECT_THAT(evidence.certificates, ElementsAre());
  const Sha256Digest digest = evidence.digest();

  endorsements_.reachable = true;
  collector_.add_endorsements(evidence, {});
  EXPECT_EQ(evidence.collection, wire::CollectionState{});
  EXPECT_EQ(evidence.certificates.size(), 3U);
  EXPECT_EQ(evidence.digest(), digest);
  EXPECT_EQ(tpm_.report_reads, 1);
}

struct LaterForm {
  const char* name;
  std::size_t offset;
  std::uint8_t value;
};

class CollectorLaterForms : public CollectorTest, public testing::WithParamInterface<LaterForm> {};

// Padding and all: where the report ends is for whoever knows its form.
TEST_P(CollectorLaterForms, ArePublishedWholeForTheVerifierToJudge) {
  Bytes read;
  tpm_.ak_certificate = forge::issue_ak_certificate(tpm_.world.vtpm, tpm_.world.ak.rsa_modulus()).der();
  tpm_.edit_report = [&read](Bytes nv) {
    nv.at(GetParam().offset) = GetParam().value;
    nv.resize(2900);
    read = nv;
    return nv;
  };
  const wire::NodeEvidence evidence = collect();
  EXPECT_EQ(evidence.platform, wire::kPlatformSnp);
  EXPECT_EQ(evidence.hcl_report, read);
  EXPECT_EQ(evidence.collected, epoch_of(7).epoch);
  EXPECT_EQ(evidence.collection, wire::CollectionState{});
  EXPECT_EQ(evidence.ak_certificate, tpm_.ak_certificate);
  EXPECT_EQ(evidence.event_log, firmware_.facts.event_log);
  EXPECT_EQ(endorsements_.calls, 0);

  const attest::TrustAnchors anchors = forge::trust_anchors_of(tpm_.world);
  const attest::ReferenceValues values = forge::reference_values_of(tpm_.world);
  const auto judged =
      attest::verify_boot({.hcl_report = evidence.hcl_report},
                          {.anchors = anchors, .reference_values = values, .now = forge::kNow});
  const attest::Finding* frame = attest::find(judged.findings, attest::Check::kHclFrame);
  ASSERT_NE(frame, nullptr);
  EXPECT_EQ(frame->code, "unsupported") << frame->detail;
}

INSTANTIATE_TEST_SUITE_P(All, CollectorLaterForms,
                         testing::Values(LaterForm{"header", 0x004, 3}, LaterForm{"runtime_header", 0x4C4, 2},
                                         LaterForm{"report_type", 0x4C8, 6}, LaterForm{"sha384", 0x4CC, 2}),
                         [](const auto& test) { return std::string(test.param.name); });

// A version that we cannot read yet: the verifier says so by its own check.
TEST_F(CollectorTest, PublishesAReportWhoseVcekCannotBeNamed) {
  tpm_.edit_report = [](Bytes nv) {
    nv[0x20] = 9;
    return nv;
  };
  const wire::NodeEvidence evidence = collect();
  EXPECT_EQ(evidence.platform, wire::kPlatformSnp);
  EXPECT_EQ(endorsements_.calls, 0);
  EXPECT_EQ(evidence.collection.code, kComplete);
}

}  // namespace
}  // namespace nodeproof::agent
