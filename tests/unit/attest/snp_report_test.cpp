#include "attest/snp_report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include "attest/crypto.hpp"
#include "tests/support/vectors.hpp"

namespace nodeproof::attest {
namespace {

using testing::HasSubstr;

template <std::size_t N>
ByteArray<N> pattern(std::uint8_t first) {
  ByteArray<N> out{};
  for (std::size_t i = 0; i < N; ++i) out[i] = static_cast<std::uint8_t>(first + i);
  return out;
}

// Every field has a value of its own, so that none can be taken for another.
SnpReport sample() {
  SnpReport report;
  report.version = 3;
  report.guest_svn = 0x01020304;
  report.policy = 0x3001f;
  report.family_id = pattern<16>(1);
  report.image_id = pattern<16>(2);
  report.vmpl = 1;
  report.current_tcb = {4, 1, 24, 219};
  report.platform_info = 0x8000000000000067;
  report.signing_key = SigningKey::kVlek;
  report.author_key_enabled = true;
  report.report_data = pattern<64>(3);
  report.measurement = pattern<48>(4);
  report.host_data = pattern<32>(5);
  report.id_key_digest = pattern<48>(6);
  report.author_key_digest = pattern<48>(7);
  report.report_id = pattern<32>(8);
  report.report_id_ma = pattern<32>(9);
  report.reported_tcb = {3, 0, 23, 218};
  report.cpuid = CpuId{0x19, 0x11, 1};
  report.chip_id = pattern<64>(10);
  report.committed_tcb = {2, 0, 22, 217};
  report.current_version = {1, 2, 3};
  report.committed_version = {4, 5, 6};
  report.launch_tcb = {1, 0, 21, 216};
  report.signature_r = pattern<48>(11);
  report.signature_s = pattern<48>(12);
  return report;
}

// As sample(), on Turin: another TCB layout, and the fields of version 5.
SnpReport turin_sample() {
  SnpReport report = sample();
  report.version = 5;
  report.cpuid = CpuId{0x1a, 0x02, 1};
  report.current_tcb = {1, 2, 3, 71, 5, TcbLayout::kTurin};
  report.reported_tcb = {1, 1, 2, 70, 4, TcbLayout::kTurin};
  report.committed_tcb = {1, 0, 1, 69, 3, TcbLayout::kTurin};
  report.launch_tcb = {0, 0, 1, 68, 2, TcbLayout::kTurin};
  report.mitigations = MitigationVectors{0x0102030405060708, 0x1112131415161718};
  return report;
}

Bytes with(std::size_t offset, std::initializer_list<std::uint8_t> bytes, std::uint32_t version = 3) {
  SnpReport report = sample();
  report.version = version;
  if (version < 3) report.cpuid.reset();
  if (version == 5) report.mitigations = MitigationVectors{};
  Bytes raw = serialize_snp_report(report);
  std::copy(bytes.begin(), bytes.end(), raw.begin() + static_cast<std::ptrdiff_t>(offset));
  return raw;
}

TEST(SnpReport, FieldsStandAtTheirOffsets) {
  const Bytes raw = serialize_snp_report(sample());
  ASSERT_EQ(raw.size(), kSnpReportSize);
  EXPECT_EQ(to_hex(ByteView(raw).first(16)), "03000000040302011f00030000000000");
  EXPECT_EQ(raw[0x034], 1);                                                // SIGNATURE_ALGO
  EXPECT_EQ(to_hex(ByteView(raw).subspan(0x038, 8)), "04010000000018db");  // CURRENT_TCB
  EXPECT_EQ(raw[0x048], 0x05);                                             // KEY_INFO: VLEK, author key
  EXPECT_EQ(raw[0x050], 3);                                                // REPORT_DATA
  EXPECT_EQ(raw[0x090], 4);                                                // MEASUREMENT
  EXPECT_EQ(raw[0x0e0], 6);                                                // ID_KEY_DIGEST
  EXPECT_EQ(to_hex(ByteView(raw).subspan(0x188, 3)), "191101");            // CPUID
  EXPECT_EQ(raw[0x1a0], 10);                                               // CHIP_ID
  EXPECT_EQ(to_hex(ByteView(raw).subspan(0x1e8, 8)), "0102030004050600");
  EXPECT_EQ(to_hex(ByteView(raw).subspan(0x1f0, 8)), "01000000000015d8");  // LAUNCH_TCB
  EXPECT_EQ(raw[0x2a0 + 47], 11);                                          // R, little endian
  EXPECT_EQ(raw[0x2e8 + 47], 12);                                          // S
}

TEST(SnpReport, ParseAndSerialiseAreInverse) {
  const Bytes raw = serialize_snp_report(sample());
  const auto parsed = parse_snp_report(raw);
  ASSERT_TRUE(parsed) << to_string(parsed.error());
  EXPECT_EQ(serialize_snp_report(*parsed), raw);
  EXPECT_EQ(parsed->guest_svn, 0x01020304U);
  EXPECT_EQ(parsed->platform_info, 0x8000000000000067U) << "unknown PLATFORM_INFO bits are kept";
  EXPECT_EQ(parsed->signing_key, SigningKey::kVlek);
  EXPECT_TRUE(parsed->author_key_enabled);
  EXPECT_EQ(parsed->reported_tcb, sample().reported_tcb);
  ASSERT_TRUE(parsed->cpuid);
  EXPECT_EQ(parsed->cpuid->model, 0x11);
  EXPECT_EQ(parsed->signature_r, sample().signature_r);
  EXPECT_EQ(parsed->signature_s, sample().signature_s);
}

TEST(SnpReport, Version5OnTurinRoundTrips) {
  const Bytes raw = serialize_snp_report(turin_sample());
  EXPECT_EQ(to_hex(ByteView(raw).subspan(0x038, 8)), "0501020300000047");  // CURRENT_TCB
  EXPECT_EQ(to_hex(ByteView(raw).subspan(0x1f8, 16)), "08070605040302011817161514131211");
  const auto parsed = parse_snp_report(raw);
  ASSERT_TRUE(parsed) << to_string(parsed.error());
  EXPECT_EQ(serialize_snp_report(*parsed), raw);
  EXPECT_EQ(parsed->current_tcb, turin_sample().current_tcb);
  EXPECT_EQ(parsed->launch_tcb, turin_sample().launch_tcb);
  ASSERT_TRUE(parsed->mitigations);
  EXPECT_EQ(parsed->mitigations->launch, turin_sample().mitigations->launch);
  EXPECT_EQ(parsed->mitigations->current, turin_sample().mitigations->current);
}

// What decides is the CPU's family; in version 2 its place is reserved.
TEST(SnpReport, TcbLayoutFollowsTheCpu) {
  SnpReport report = turin_sample();
  report.version = 3;
  report.mitigations.reset();
  EXPECT_TRUE(parse_snp_report(serialize_snp_report(report)));
  report.cpuid->family = 0x19;
  const auto as_milan = parse_snp_report(serialize_snp_report(report));
  ASSERT_FALSE(as_milan);
  EXPECT_EQ(as_milan.error().where, "report.current_tcb at 0x038");
}

TEST(SnpReport, RefusesEveryPrefixAndTrailingBytes) {
  for (const SnpReport& report : {sample(), turin_sample()}) {
    Bytes raw = serialize_snp_report(report);
    for (std::size_t size = 0; size < raw.size(); ++size) {
      const auto parsed = parse_snp_report(ByteView(raw).first(size));
      ASSERT_FALSE(parsed) << size;
      EXPECT_EQ(parsed.error().code, Errc::kTruncated) << size;
    }
    raw.push_back(0);
    EXPECT_EQ(parse_snp_report(raw).error().code, Errc::kTrailing);
  }
}

TEST(SnpReport, RefusesByNameAndOffset) {
  struct Case {
    const char* name;
    Bytes raw;
    Errc code;
    const char* message;
  };
  const Case cases[] = {
      {"version 6", with(0, {6}), Errc::kUnsupported,
       "report.version at 0x000: version 6 is not supported; supported: 2, 3, 5"},
      {"version 1", with(0, {1}), Errc::kUnsupported, "version 1 is not supported"},
      {"version 4", with(0, {4}), Errc::kUnsupported, "no report of version 4 has been seen"},
      {"version in high bytes", with(0, {3, 0, 0, 1}), Errc::kUnsupported, "version 16777219"},
      {"policy bit 17 clear", with(0x00a, {0x01}), Errc::kBadValue,
       "report.policy at 0x008: reserved bit 17"},
      {"policy bit 26", with(0x00b, {0x04}), Errc::kBadValue, "report.policy at 0x008"},
      {"policy bit 63", with(0x00f, {0x80}), Errc::kBadValue, "report.policy at 0x008"},
      {"signature algorithm 0", with(0x034, {0}), Errc::kUnsupported, "report.signature_algo at 0x034"},
      {"signature algorithm 2", with(0x034, {2}), Errc::kUnsupported, "must be 1"},
      {"current TCB byte 2", with(0x03a, {1}), Errc::kBadValue, "report.current_tcb at 0x038"},
      {"masked chip key", with(0x048, {2}), Errc::kOtherKind,
       "report.key_info at 0x048: the chip key is masked"},
      {"reserved signing key 2", with(0x048, {2 << 2}), Errc::kBadValue, "SIGNING_KEY 2 is reserved"},
      {"reserved signing key 6", with(0x048, {6 << 2}), Errc::kBadValue, "SIGNING_KEY 6 is reserved"},
      {"not signed", with(0x048, {7 << 2}), Errc::kOtherKind, "not signed"},
      {"KEY_INFO bit 5", with(0x048, {0x20}), Errc::kBadValue, "report.key_info at 0x048"},
      {"KEY_INFO bit 31", with(0x04b, {0x80}), Errc::kBadValue, "report.key_info at 0x048"},
      {"reserved 0x04c", with(0x04f, {1}), Errc::kBadValue, "report.reserved at 0x04c"},
      {"reported TCB byte 5", with(0x185, {1}), Errc::kBadValue, "report.reported_tcb at 0x180"},
      {"CPUID in version 2", with(0x188, {0x19}, 2), Errc::kBadValue, "report.reserved at 0x188"},
      {"reserved 0x18b", with(0x18b, {1}), Errc::kBadValue, "report.reserved at 0x18b"},
      {"reserved 0x19f", with(0x19f, {1}), Errc::kBadValue, "report.reserved at 0x18b"},
      {"reserved 0x1eb", with(0x1eb, {1}), Errc::kBadValue, "report.reserved at 0x1eb"},
      {"reserved 0x1ef", with(0x1ef, {1}), Errc::kBadValue, "report.reserved at 0x1ef"},
      {"mitigation vector in version 3", with(0x1f8, {1}), Errc::kBadValue, "report.reserved at 0x1f8"},
      {"reserved in version 5", with(0x208, {1}, 5), Errc::kBadValue, "report.reserved at 0x208"},
      {"reserved 0x29f", with(0x29f, {1}), Errc::kBadValue, "report.reserved at 0x1f8"},
      {"r of 49 bytes", with(0x2a0 + 48, {1}), Errc::kBadValue, "report.signature_r at 0x2a0"},
      {"s of 72 bytes", with(0x2e8 + 71, {1}), Errc::kBadValue, "report.signature_s at 0x2e8"},
      {"tail", with(0x330, {1}), Errc::kBadValue, "report.signature_reserved at 0x330"},
      {"last byte", with(0x49f, {1}), Errc::kBadValue, "report.signature_reserved at 0x330"},
  };
  for (const Case& c : cases) {
    const auto parsed = parse_snp_report(c.raw);
    ASSERT_FALSE(parsed) << c.name;
    EXPECT_EQ(parsed.error().code, c.code) << c.name;
    EXPECT_THAT(to_string(parsed.error()), HasSubstr(c.message)) << c.name;
  }
}

TEST(SnpReport, PolicyBitsSpeak) {
  SnpReport report = sample();
  EXPECT_FALSE(report.debug_allowed());
  EXPECT_FALSE(report.migration_allowed());
  report.policy |= 1U << 19U;
  EXPECT_TRUE(report.debug_allowed());
  report.policy = 0x3001f | 1U << 18U;
  EXPECT_FALSE(report.debug_allowed());
  EXPECT_TRUE(report.migration_allowed());
}

// ---- Recorded reports ----

struct Recorded {
  std::string name;
  Bytes raw;
  simdjson::dom::element expected;
};

// Reads every recorded report, raw or inside an HCL frame at 0x20, and hands it to `visit`.
template <typename Visit>
void each_recorded(const Visit& visit) {
  simdjson::dom::parser parser;
  for (const char* group : {"snp-reports", "azure-snp"}) {
    for (const auto& folder : vectors::cases(group)) {
      const Bytes text = vectors::file(folder / "expect.json");
      const simdjson::dom::element expected = parser.parse(std::string(as_text(text))).value();
      Bytes raw;
      if (std::string_view(group) == "snp-reports") {
        raw = vectors::file(folder / "report.bin");
      } else {
        raw = to_bytes(ByteView(vectors::file(folder / "hcl.bin")).subspan(0x20, kSnpReportSize));
      }
      visit(Recorded{folder.string(), std::move(raw), expected});
    }
  }
}

TcbVersion tcb_in(const simdjson::dom::element& tcb) {
  const auto level = [&](const char* name) {
    return static_cast<std::uint8_t>(tcb[name].get_uint64().value());
  };
  TcbVersion out{level("bl"), level("tee"), level("snp"), level("ucode")};
  if (tcb["fmc"].error() != simdjson::SUCCESS) return out;
  out.fmc = level("fmc");
  out.layout = TcbLayout::kTurin;
  return out;
}

TEST(RecordedSnpReport, ParsesAsExpectedAndRoundTrips) {
  NODEPROOF_NEED_VECTORS();
  int supported = 0;
  each_recorded([&](const Recorded& recorded) {
    SCOPED_TRACE(recorded.name);
    const auto expected = recorded.expected["report"];
    const std::uint64_t version = expected["version"].get_uint64().value();
    const auto parsed = parse_snp_report(recorded.raw);
    ++supported;
    ASSERT_TRUE(parsed) << to_string(parsed.error());
    EXPECT_EQ(serialize_snp_report(*parsed), recorded.raw);
    EXPECT_EQ(parsed->version, version);
    EXPECT_EQ(parsed->guest_svn, expected["guest_svn"].get_uint64().value());
    EXPECT_EQ(parsed->vmpl, expected["vmpl"].get_uint64().value());
    EXPECT_EQ(to_hex(parsed->report_data), expected["report_data"].get_string().value());
    EXPECT_EQ(to_hex(parsed->measurement), expected["meas"].get_string().value());
    EXPECT_EQ(to_hex(parsed->id_key_digest), expected["idkey"].get_string().value());
    EXPECT_EQ(to_hex(parsed->chip_id), expected["chip"].get_string().value());
    EXPECT_EQ(parsed->current_tcb, tcb_in(expected["cur_tcb"].value()));
    EXPECT_EQ(parsed->reported_tcb, tcb_in(expected["rep_tcb"].value()));
    EXPECT_EQ(parsed->committed_tcb, tcb_in(expected["com_tcb"].value()));
    EXPECT_EQ(parsed->launch_tcb, tcb_in(expected["launch_tcb"].value()));
    EXPECT_EQ(parsed->cpuid.has_value(), version >= 3);
    EXPECT_EQ(parsed->mitigations.has_value(), version == 5);
  });
  EXPECT_GE(supported, 15);
}

bool is_authentic(ByteView raw, const PublicKey& vcek) {
  const auto report = parse_snp_report(raw);
  return report &&
         vcek.verify_ecdsa_p384(raw.first(kSnpReportSignedSize), report->signature_r, report->signature_s);
}

TEST(RecordedSnpReport, SignatureIsAsExpected) {
  NODEPROOF_NEED_VECTORS();
  each_recorded([](const Recorded& recorded) {
    SCOPED_TRACE(recorded.name);
    const bool vlek = std::filesystem::exists(vectors::folder() / recorded.name / "vlek.der");
    const auto key =
        vectors::certificate(std::filesystem::path(recorded.name) / (vlek ? "vlek.der" : "vcek.der")).key();
    const bool expected = recorded.expected["checks"]["signature_valid"].get_bool().value();
    EXPECT_EQ(is_authentic(recorded.raw, key), expected);
  });
}

TEST(EveryBitOfARecordedReport, UnderTheSignatureIsSeen) {
  NODEPROOF_NEED_VECTORS();
  const PublicKey vcek = vectors::certificate("snp-reports/milan-v3-a/vcek.der").key();
  Bytes raw = vectors::file("snp-reports/milan-v3-a/report.bin");
  ASSERT_TRUE(is_authentic(raw, vcek));
  for (std::size_t bit = 0; bit < 8 * kSnpReportSignedSize; ++bit) {
    raw[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    EXPECT_FALSE(is_authentic(raw, vcek)) << "bit " << bit;
    raw[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
  }
}

TEST(EveryBitOfARecordedReport, OfTheSignatureIsSeen) {
  NODEPROOF_NEED_VECTORS();
  const PublicKey vcek = vectors::certificate("snp-reports/milan-v3-a/vcek.der").key();
  Bytes raw = vectors::file("snp-reports/milan-v3-a/report.bin");
  for (std::size_t bit = 8 * kSnpReportSignedSize; bit < 8 * kSnpReportSize; ++bit) {
    raw[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    EXPECT_FALSE(is_authentic(raw, vcek)) << "bit " << bit;
    raw[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
  }
}

}  // namespace
}  // namespace nodeproof::attest
