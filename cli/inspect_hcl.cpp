// The paravisor's report, NV index 0x01400001 (azure-evidence 2), of every report type.
#include <array>

#include "attest/hcl_report.hpp"
#include "attest/snp_report.hpp"
#include "attest/strict_json.hpp"
#include "base/byte_reader.hpp"
#include "cli/json_items.hpp"
#include "cli/recognisers.hpp"

namespace nodeproof::cli {
namespace {

constexpr std::string_view kMagic = "HCLA";
constexpr std::size_t kHardwareReportSize = 1184;
constexpr std::size_t kTdReportSize = 1024;
constexpr std::size_t kMaxShownClaims = 16384;

constexpr std::array<const char*, 6> kReportTypes{"invalid", "VBS", "SNP", "Trusted Launch", "TDX", "CCA"};
constexpr std::array<const char*, 4> kHashTypes{"invalid", "SHA-256", "SHA-384", "SHA-512"};

template <std::size_t N>
std::string with_name(std::uint32_t value, const std::array<const char*, N>& names) {
  return std::to_string(value) + (value < N ? " (" + std::string(names[value]) + ")" : " (unknown)");
}

struct Frame {
  std::uint32_t report_type = 0;
  ByteView hardware_report;
  ByteView claims;
};

// The fields in order, as far as they go; what is missing is the Error.
Status read_frame(ByteReader& reader, Description& out, Frame& frame) {
  NODEPROOF_CHECK(reader.take(kMagic.size(), "signature"));
  NODEPROOF_TRY(version, reader.u32le("version"));
  NODEPROOF_TRY(report_size, reader.u32le("report_size"));
  NODEPROOF_TRY(request_type, reader.u32le("request_type"));
  NODEPROOF_TRY(status, reader.u32le("status"));
  out.add("header",
          {Item("version", std::to_string(version)), Item("reportSize", std::to_string(report_size)),
           Item("requestType", std::to_string(request_type) + (request_type == 2 ? " (AK certificate)" : "")),
           Item("status", std::to_string(status))});
  NODEPROOF_CHECK(reader.take(12, "reserved"));
  NODEPROOF_TRY(hardware, reader.take(kHardwareReportSize, "hardware_report"));
  frame.hardware_report = hardware;
  NODEPROOF_CHECK(reader.take(4, "data_size"));
  NODEPROOF_TRY(runtime_version, reader.u32le("runtime_version"));
  NODEPROOF_TRY(type, reader.u32le("report_type"));
  NODEPROOF_TRY(hash, reader.u32le("report_data_hash_type"));
  NODEPROOF_TRY(claims_size, reader.u32le("variable_data_size"));
  frame.report_type = type;
  out.add(
      "runtimeData",
      {Item("version", std::to_string(runtime_version)), Item("reportType", with_name(type, kReportTypes)),
       Item("hashType", with_name(hash, kHashTypes)), Item("claimsSize", std::to_string(claims_size))});
  NODEPROOF_TRY(claims, reader.take(claims_size, "runtime_claims"));
  frame.claims = claims;
  return reader.zeros(reader.remaining(), "padding");
}

void add_hardware_report(Description& out, const Frame& frame) {
  switch (frame.report_type) {
    case static_cast<std::uint32_t>(attest::HclReportType::kSnp):
      out.add("snpReport", snp_report_items(frame.hardware_report));
      return;
    case static_cast<std::uint32_t>(attest::HclReportType::kTdx):
      out.add("tdReport", td_report_items(frame.hardware_report.first(kTdReportSize)));
      return;
    case static_cast<std::uint32_t>(attest::HclReportType::kTrustedLaunch):
      out.add("hardwareReport", "none: on Trusted Launch no hardware vouches for the claims");
      return;
    default:
      out.add_hex("hardwareReport", frame.hardware_report);
  }
}

void add_claims(Description& out, ByteView claims) {
  const auto document = attest::JsonDocument::parse(claims, kMaxShownClaims, "runtime_claims");
  if (!document) {
    out.add_problem(document.error());
    out.add("runtimeClaims", std::string(as_text(claims)));
    return;
  }
  out.add("runtimeClaims", json_items(document->root()));
}

std::string title_of(std::uint32_t report_type) {
  const std::string base = "Azure paravisor (HCL) report, NV index 0x01400001";
  return report_type > 0 && report_type < kReportTypes.size()
             ? base + ", of type " + kReportTypes[report_type]
             : base;
}

}  // namespace

Recognised recognise_hcl_report(const InspectedFile& file) {
  if (!as_text(file.content).starts_with(kMagic)) return std::nullopt;
  Description out;
  out.kind = "hcl-report";
  ByteReader reader(file.content, "hcl");
  Frame frame;
  const Status framed = read_frame(reader, out, frame);
  out.title = title_of(frame.report_type);
  if (!framed) {
    out.add_problem(framed.error());
  } else if (frame.report_type == static_cast<std::uint32_t>(attest::HclReportType::kSnp)) {
    const auto strict = attest::parse_hcl_report(file.content);
    if (!strict) out.add_problem(strict.error());
    const auto report = attest::parse_snp_report(frame.hardware_report);
    if (!report) out.add_problem(report.error());
  }
  if (!frame.hardware_report.empty() && frame.report_type != 0) add_hardware_report(out, frame);
  if (!frame.claims.empty()) add_claims(out, frame.claims);
  return out;
}

}  // namespace nodeproof::cli
