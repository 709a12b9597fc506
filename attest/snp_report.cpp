#include "attest/snp_report.hpp"

#include "base/byte_reader.hpp"

namespace nodeproof::attest {
namespace {

constexpr std::uint32_t kEcdsaP384WithSha384 = 1;
constexpr std::size_t kSignatureIntegerSize = 72;  // r and s, little endian, 48 bytes used
constexpr std::size_t kSignatureTailSize = 368;

// POLICY: bit 17 reads 1; bits 63:26 are reserved.
constexpr std::uint64_t kPolicyAlwaysOne = std::uint64_t{1} << 17U;
constexpr std::uint64_t kPolicyReserved = ~((std::uint64_t{1} << 26U) - 1);

// KEY_INFO: bit 0 AUTHOR_KEY_EN, bit 1 MASK_CHIP_KEY, bits 4:2 SIGNING_KEY, the rest reserved.
constexpr std::uint32_t kAuthorKeyEnabled = 1U << 0U;
constexpr std::uint32_t kMaskChipKey = 1U << 1U;
constexpr unsigned kSigningKeyShift = 2;
constexpr std::uint32_t kSigningKeyMask = 7;
constexpr std::uint32_t kNoSigningKey = 7;
constexpr std::uint32_t kKeyInfoReserved = ~0x1fU;

constexpr std::size_t kCpuidOffset = 0x188;
constexpr std::uint8_t kTurinFamily = 0x1a;

// Reads the report's fields in order into `report`.
class Parser {
 public:
  explicit Parser(ByteView bytes) : bytes_(bytes), reader_(bytes, "report") {}

  Result<SnpReport> parse() {
    NODEPROOF_CHECK(head());
    NODEPROOF_CHECK(digests());
    NODEPROOF_CHECK(platform());
    NODEPROOF_CHECK(signature());
    NODEPROOF_CHECK(reader_.finish());
    return report_;
  }

 private:
  // 0x000 to 0x04f
  Status head() {
    NODEPROOF_CHECK(version());
    NODEPROOF_CHECK(u32(report_.guest_svn, "guest_svn"));
    NODEPROOF_CHECK(policy());
    NODEPROOF_CHECK(array(report_.family_id, "family_id"));
    NODEPROOF_CHECK(array(report_.image_id, "image_id"));
    NODEPROOF_CHECK(u32(report_.vmpl, "vmpl"));
    NODEPROOF_CHECK(signature_algorithm());
    NODEPROOF_CHECK(tcb(report_.current_tcb, "current_tcb"));
    NODEPROOF_TRY(platform_info, reader_.u64le("platform_info"));
    report_.platform_info = platform_info;  // bits are only ever added, and none takes anything away
    NODEPROOF_CHECK(key_info());
    return reader_.zeros(4, "reserved");
  }

  // 0x050 to 0x17f
  Status digests() {
    NODEPROOF_CHECK(array(report_.report_data, "report_data"));
    NODEPROOF_CHECK(array(report_.measurement, "measurement"));
    NODEPROOF_CHECK(array(report_.host_data, "host_data"));
    NODEPROOF_CHECK(array(report_.id_key_digest, "id_key_digest"));
    NODEPROOF_CHECK(array(report_.author_key_digest, "author_key_digest"));
    NODEPROOF_CHECK(array(report_.report_id, "report_id"));
    return array(report_.report_id_ma, "report_id_ma");
  }

  // 0x180 to 0x29f
  Status platform() {
    NODEPROOF_CHECK(tcb(report_.reported_tcb, "reported_tcb"));
    NODEPROOF_CHECK(cpuid());
    NODEPROOF_CHECK(reader_.zeros(21, "reserved"));
    NODEPROOF_CHECK(array(report_.chip_id, "chip_id"));
    NODEPROOF_CHECK(tcb(report_.committed_tcb, "committed_tcb"));
    NODEPROOF_CHECK(array(report_.current_version, "current_version"));
    NODEPROOF_CHECK(reader_.zeros(1, "reserved"));
    NODEPROOF_CHECK(array(report_.committed_version, "committed_version"));
    NODEPROOF_CHECK(reader_.zeros(1, "reserved"));
    NODEPROOF_CHECK(tcb(report_.launch_tcb, "launch_tcb"));
    NODEPROOF_CHECK(mitigations());
    return reader_.zeros(kSnpReportSignedSize - reader_.offset(), "reserved");
  }

  // 0x2a0 to 0x49f
  Status signature() {
    NODEPROOF_CHECK(integer(report_.signature_r, "signature_r"));
    NODEPROOF_CHECK(integer(report_.signature_s, "signature_s"));
    return reader_.zeros(kSignatureTailSize, "signature_reserved");
  }

  Status version() {
    NODEPROOF_TRY(value, reader_.u32le("version"));
    if (value != 2 && value != 3 && value != 5) {
      return reader_.error(
          Errc::kUnsupported, "version", 0,
          "version " + std::to_string(value) + " is not supported; supported: 2, 3, 5" +
              (value == 4 ? " (no report of version 4 has been seen, so its form is not known)" : ""));
    }
    report_.version = value;
    return choose_tcb_layout();
  }

  // The first TCB version stands at 0x038, what decides its layout at 0x188.
  Status choose_tcb_layout() {
    if (report_.version < 3) return Ok{};
    if (bytes_.size() <= kCpuidOffset) {
      return reader_.error(Errc::kTruncated, "cpuid_fam_id", kCpuidOffset, "the report ends before it");
    }
    if (bytes_[kCpuidOffset] == kTurinFamily) tcb_layout_ = TcbLayout::kTurin;
    return Ok{};
  }

  Status policy() {
    const std::size_t start = reader_.offset();
    NODEPROOF_TRY(value, reader_.u64le("policy"));
    if ((value & kPolicyAlwaysOne) == 0) {
      return reader_.error(Errc::kBadValue, "policy", start, "reserved bit 17 is 0, must be 1");
    }
    if ((value & kPolicyReserved) != 0) {
      return reader_.error(Errc::kBadValue, "policy", start, "a reserved bit of 63 to 26 is set");
    }
    report_.policy = value;
    return Ok{};
  }

  Status signature_algorithm() {
    const std::size_t start = reader_.offset();
    NODEPROOF_TRY(value, reader_.u32le("signature_algo"));
    if (value == kEcdsaP384WithSha384) return Ok{};
    return reader_.error(Errc::kUnsupported, "signature_algo", start,
                         "is " + std::to_string(value) + ", must be 1 (ECDSA P-384 with SHA-384)");
  }

  Status key_info() {
    const std::size_t start = reader_.offset();
    NODEPROOF_TRY(value, reader_.u32le("key_info"));
    const auto refuse = [&](Errc code, std::string detail) {
      return reader_.error(code, "key_info", start, std::move(detail));
    };
    if ((value & kKeyInfoReserved) != 0) return refuse(Errc::kBadValue, "a reserved bit of 31 to 5 is set");
    if ((value & kMaskChipKey) != 0) {
      return refuse(Errc::kOtherKind,
                    "the chip key is masked (MASK_CHIP_KEY), so no chip signed this report");
    }
    const std::uint32_t signing_key = value >> kSigningKeyShift & kSigningKeyMask;
    if (signing_key == kNoSigningKey)
      return refuse(Errc::kOtherKind, "the report is not signed (SIGNING_KEY is 7)");
    if (signing_key > static_cast<std::uint32_t>(SigningKey::kVlek)) {
      return refuse(Errc::kBadValue, "SIGNING_KEY " + std::to_string(signing_key) + " is reserved");
    }
    report_.signing_key = static_cast<SigningKey>(signing_key);
    report_.author_key_enabled = (value & kAuthorKeyEnabled) != 0;
    return Ok{};
  }

  // Version 3 put the CPU's family, model and stepping where version 2 has reserved zeros.
  Status cpuid() {
    if (report_.version < 3) return reader_.zeros(3, "reserved");
    CpuId id;
    NODEPROOF_TRY(family, reader_.u8("cpuid_fam_id"));
    NODEPROOF_TRY(model, reader_.u8("cpuid_mod_id"));
    NODEPROOF_TRY(stepping, reader_.u8("cpuid_step"));
    id.family = family;
    id.model = model;
    id.stepping = stepping;
    report_.cpuid = id;
    return Ok{};
  }

  // Version 5 put them where earlier versions have reserved zeros.
  Status mitigations() {
    if (report_.version < 5) return Ok{};
    NODEPROOF_TRY(launch, reader_.u64le("launch_mit_vector"));
    NODEPROOF_TRY(current, reader_.u64le("current_mit_vector"));
    report_.mitigations = MitigationVectors{launch, current};
    return Ok{};
  }

  Status u32(std::uint32_t& to, std::string_view field) {
    NODEPROOF_TRY(value, reader_.u32le(field));
    to = value;
    return Ok{};
  }

  template <std::size_t N>
  Status array(ByteArray<N>& to, std::string_view field) {
    NODEPROOF_TRY(raw, reader_.take(N, field));
    std::copy(raw.begin(), raw.end(), to.begin());
    return Ok{};
  }

  Status tcb(TcbVersion& to, std::string_view field) {
    const std::size_t start = reader_.offset();
    NODEPROOF_TRY(raw, reader_.take(8, field));
    auto parsed = parse_tcb(raw, tcb_layout_, field);
    if (!parsed) return reader_.error(parsed.error().code, field, start, parsed.error().detail);
    to = *parsed;
    return Ok{};
  }

  // Little endian in the report, big endian everywhere else.
  Status integer(ByteArray<48>& to, std::string_view field) {
    const std::size_t start = reader_.offset();
    NODEPROOF_TRY(raw, reader_.take(kSignatureIntegerSize, field));
    if (!all_zero(raw.subspan(to.size()))) {
      return reader_.error(Errc::kBadValue, field, start,
                           "does not fit 48 bytes, the size of a P-384 integer");
    }
    std::reverse_copy(raw.begin(), raw.begin() + std::ssize(to), to.begin());
    return Ok{};
  }

  ByteView bytes_;
  ByteReader reader_;
  TcbLayout tcb_layout_ = TcbLayout::kMilanGenoa;
  SnpReport report_;
};

void append_little_endian(Bytes& to, std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) to.push_back(static_cast<std::uint8_t>(value >> (8 * i) & 0xffU));
}

void append_zeros_until(Bytes& to, std::size_t offset) {
  to.resize(offset);
}

void append_integer(Bytes& to, const ByteArray<48>& big_endian) {
  to.insert(to.end(), big_endian.rbegin(), big_endian.rend());
  append_zeros_until(to, to.size() + kSignatureIntegerSize - big_endian.size());
}

void append_tcb(Bytes& to, const TcbVersion& tcb) {
  append(to, serialize_tcb(tcb));
}

std::uint32_t key_info_of(const SnpReport& report) {
  return (report.author_key_enabled ? kAuthorKeyEnabled : 0U) | static_cast<std::uint32_t>(report.signing_key)
                                                                    << kSigningKeyShift;
}

}  // namespace

Result<SnpReport> parse_snp_report(ByteView bytes) {
  return Parser(bytes).parse();
}

Bytes serialize_snp_report(const SnpReport& report) {
  Bytes out;
  out.reserve(kSnpReportSize);
  append_little_endian(out, report.version, 4);
  append_little_endian(out, report.guest_svn, 4);
  append_little_endian(out, report.policy, 8);
  append(out, report.family_id);
  append(out, report.image_id);
  append_little_endian(out, report.vmpl, 4);
  append_little_endian(out, kEcdsaP384WithSha384, 4);
  append_tcb(out, report.current_tcb);
  append_little_endian(out, report.platform_info, 8);
  append_little_endian(out, key_info_of(report), 4);
  append_zeros_until(out, 0x050);
  append(out, report.report_data);
  append(out, report.measurement);
  append(out, report.host_data);
  append(out, report.id_key_digest);
  append(out, report.author_key_digest);
  append(out, report.report_id);
  append(out, report.report_id_ma);
  append_tcb(out, report.reported_tcb);
  const CpuId cpuid = report.cpuid.value_or(CpuId{});
  append(out, ByteArray<3>{cpuid.family, cpuid.model, cpuid.stepping});
  append_zeros_until(out, 0x1a0);
  append(out, report.chip_id);
  append_tcb(out, report.committed_tcb);
  append(out, report.current_version);
  append_zeros_until(out, 0x1ec);
  append(out, report.committed_version);
  append_zeros_until(out, 0x1f0);
  append_tcb(out, report.launch_tcb);
  if (report.mitigations) {
    append_little_endian(out, report.mitigations->launch, 8);
    append_little_endian(out, report.mitigations->current, 8);
  }
  append_zeros_until(out, kSnpReportSignedSize);
  append_integer(out, report.signature_r);
  append_integer(out, report.signature_s);
  append_zeros_until(out, kSnpReportSize);
  return out;
}

}  // namespace nodeproof::attest
