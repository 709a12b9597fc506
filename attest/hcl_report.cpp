#include "attest/hcl_report.hpp"

#include "base/byte_reader.hpp"

namespace nodeproof::attest {
namespace {

constexpr std::string_view kSignature = "HCLA";
constexpr std::uint32_t kRequestAkCertificate = 2;
constexpr std::uint32_t kRuntimeVersion = 1;
constexpr std::uint32_t kHashSha256 = 1;
constexpr std::size_t kHardwareReportSize = 1184;
constexpr std::size_t kRuntimeHeaderSize = 20;
constexpr std::size_t kFixedSize = 1236;  // everything before the runtime claims

std::string describe(std::uint32_t type) {
  switch (type) {
    case 1:
      return "VBS";
    case 2:
      return "SNP";
    case 3:
      return "Trusted Launch (no hardware report)";
    case 4:
      return "TDX";
    case 5:
      return "CCA";
    default:
      return "type " + std::to_string(type);
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
    NODEPROOF_TRY(signature, reader_.take(kSignature.size(), "signature"));
    if (as_text(signature) != kSignature) {
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

  Status runtime_header() {
    NODEPROOF_CHECK(equals("data_size", static_cast<std::uint32_t>(kRuntimeHeaderSize + claims_size_)));
    NODEPROOF_CHECK(equals("runtime_version", kRuntimeVersion));
    const std::size_t start = reader_.offset();
    NODEPROOF_TRY(type, reader_.u32le("report_type"));
    if (type != static_cast<std::uint32_t>(HclReportType::kSnp)) {
      return reader_.error(Errc::kUnsupported, "report_type", start,
                           "is " + describe(type) + ", supported: SNP");
    }
    report_.report_type = HclReportType::kSnp;
    NODEPROOF_CHECK(equals("report_data_hash_type", kHashSha256));
    return equals("variable_data_size", static_cast<std::uint32_t>(claims_size_));
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
  Bytes out = to_bytes(as_bytes(kSignature));
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
