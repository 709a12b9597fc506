#include "attest/hcl_report.hpp"

#include <optional>

#include "base/byte_reader.hpp"

namespace nodeproof::attest {
namespace {

constexpr std::uint32_t kRequestAkCertificate = 2;
constexpr std::uint32_t kRuntimeVersion = 1;
constexpr std::uint32_t kHashInvalid = 0;
constexpr std::uint32_t kHashSha256 = 1;
constexpr std::size_t kHardwareReportSize = 1184;
constexpr std::size_t kRuntimeHeaderSize = 20;
constexpr std::size_t kFixedSize = 1236;  // everything before the runtime claims

// Those that the format knows beside SNP.
std::optional<std::string_view> other_kind(std::uint32_t type) {
  switch (type) {
    case 0:
      return "type 0 (invalid)";
    case 1:
      return "VBS";
    case 3:
      return "Trusted Launch (no hardware report)";
    case 4:
      return "TDX";
    case 5:
      return "CCA";
    default:
      return std::nullopt;
  }
}

class Parser {
 public:
  explicit Parser(ByteView nv) : nv_(nv), reader_(nv, "hcl") {}

  Result<HclReport> parse() {
    NODEPROOF_CHECK(header());
    NODEPROOF_TRY(hardware, reader_.take(kHardwareReportSize, "hardware_report"));
    report_.hardware_report = hardware;
    NODEPROOF_CHECK(runtime_header());
    NODEPROOF_TRY(claims, reader_.take(claims_size_, "runtime_claims"));
    report_.runtime_claims = claims;
    report_.framed = nv_.first(reader_.offset());
    NODEPROOF_CHECK(reader_.zeros(reader_.remaining(), "padding"));
    return report_;
  }

 private:
  Status header() {
    NODEPROOF_TRY(signature, reader_.take(kHclSignature.size(), "signature"));
    if (as_text(signature) != kHclSignature) {
      return reader_.error(Errc::kBadValue, "signature", 0, "is not HCLA: this is no paravisor report");
    }
    NODEPROOF_TRY(version, reader_.u32le("version"));
    if (version != 1 && version != 2) {
      return reader_.error(Errc::kUnsupported, "version", 4,
                           "is " + std::to_string(version) + ", supported: 1, 2");
    }
    report_.header_version = version;
    NODEPROOF_TRY(size, reader_.u32le("report_size"));
    if (size > kHclMaxSize) {
      return reader_.error(Errc::kTooLarge, "report_size", 8, "is " + std::to_string(size) + " bytes");
    }
    if (size < kFixedSize) {
      return reader_.error(Errc::kBadValue, "report_size", 8, "is below the fixed part of 1236 bytes");
    }
    claims_size_ = size - kFixedSize;
    NODEPROOF_CHECK(equals("request_type", kRequestAkCertificate));
    NODEPROOF_CHECK(equals("status", 0));
    return reader_.zeros(12, "reserved");
  }

  // The version first: another one's header may have another size.
  Status runtime_header() {
    const std::size_t start = reader_.offset();
    NODEPROOF_TRY(data_size, reader_.u32le("data_size"));
    NODEPROOF_CHECK(runtime_version());
    const std::size_t expected = kRuntimeHeaderSize + claims_size_;
    if (data_size != expected) {
      return reader_.error(Errc::kBadValue, "data_size", start,
                           "is " + std::to_string(data_size) + ", must be " + std::to_string(expected));
    }
    NODEPROOF_CHECK(report_type());
    NODEPROOF_CHECK(hash_type());
    return equals("variable_data_size", static_cast<std::uint32_t>(claims_size_));
  }

  Status runtime_version() {
    const std::size_t start = reader_.offset();
    NODEPROOF_TRY(version, reader_.u32le("runtime_version"));
    if (version == kRuntimeVersion) return Ok{};
    return reader_.error(Errc::kUnsupported, "runtime_version", start,
                         "is " + std::to_string(version) + ", supported: 1");
  }

  Status report_type() {
    const std::size_t start = reader_.offset();
    NODEPROOF_TRY(type, reader_.u32le("report_type"));
    report_.report_type = HclReportType::kSnp;
    if (type == static_cast<std::uint32_t>(HclReportType::kSnp)) return Ok{};
    if (const auto kind = other_kind(type)) {
      return reader_.error(Errc::kOtherKind, "report_type", start,
                           "is " + std::string(*kind) + ", supported: SNP");
    }
    return reader_.error(Errc::kUnsupported, "report_type", start,
                         "is type " + std::to_string(type) + ", supported: SNP");
  }

  Status hash_type() {
    const std::size_t start = reader_.offset();
    NODEPROOF_TRY(type, reader_.u32le("report_data_hash_type"));
    if (type == kHashSha256) return Ok{};
    return reader_.error(type == kHashInvalid ? Errc::kBadValue : Errc::kUnsupported, "report_data_hash_type",
                         start, "is " + std::to_string(type) + ", supported: 1 (SHA-256)");
  }

  Status equals(std::string_view field, std::uint32_t expected) {
    const std::size_t start = reader_.offset();
    NODEPROOF_TRY(value, reader_.u32le(field));
    if (value == expected) return Ok{};
    return reader_.error(Errc::kBadValue, field, start,
                         "is " + std::to_string(value) + ", must be " + std::to_string(expected));
  }

  ByteView nv_;
  ByteReader reader_;
  HclReport report_;
  std::size_t claims_size_ = 0;
};

void append_le32(Bytes& to, std::size_t value) {
  for (unsigned shift = 0; shift < 32; shift += 8)
    to.push_back(static_cast<std::uint8_t>(value >> shift & 0xffU));
}

}  // namespace

Result<HclReport> parse_hcl_report(ByteView nv) {
  if (nv.size() > kHclMaxSize) {
    return Error{
        Errc::kTooLarge, "hcl",
        "is " + std::to_string(nv.size()) + " bytes long, the limit is " + std::to_string(kHclMaxSize)};
  }
  return Parser(nv).parse();
}

Bytes serialize_hcl_report(ByteView snp_report, ByteView runtime_claims) {
  Bytes out = to_bytes(as_bytes(kHclSignature));
  append_le32(out, 2);
  append_le32(out, kFixedSize + runtime_claims.size());
  append_le32(out, kRequestAkCertificate);
  append_le32(out, 0);
  out.resize(out.size() + 12);
  append(out, snp_report);
  append_le32(out, kRuntimeHeaderSize + runtime_claims.size());
  append_le32(out, kRuntimeVersion);
  append_le32(out, static_cast<std::uint32_t>(HclReportType::kSnp));
  append_le32(out, kHashSha256);
  append_le32(out, runtime_claims.size());
  append(out, runtime_claims);
  return out;
}

}  // namespace nodeproof::attest
