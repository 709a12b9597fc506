// Intel TDX: TD quotes of versions 4 and 5 and the TDREPORT in an HCL report (azure-evidence 10).
#include "base/byte_reader.hpp"
#include "cli/recognisers.hpp"

namespace nodeproof::cli {
namespace {

constexpr std::uint32_t kTeeTdx = 0x81;
constexpr std::uint16_t kBodyTdx15 = 3;  // of quote version 5; 2 is TDX 1.0
constexpr std::size_t kHeaderSize = 48;

struct Field {
  const char* name;
  std::size_t size;
};
// TD report body of TDX 1.0, 584 bytes; TDX 1.5 adds two fields.
constexpr Field kBody[] = {
    {"teeTcbSvn", 16}, {"mrSeam", 48}, {"mrSignerSeam", 48}, {"seamAttributes", 8}, {"tdAttributes", 8},
    {"xfam", 8},       {"mrTd", 48},   {"mrConfigId", 48},   {"mrOwner", 48},       {"mrOwnerConfig", 48},
    {"rtmr0", 48},     {"rtmr1", 48},  {"rtmr2", 48},        {"rtmr3", 48},         {"reportData", 64},
};
constexpr Field kBody15[] = {{"teeTcbSvn2", 16}, {"mrServiceTd", 48}};

// TDREPORT, 1024 bytes: REPORTMACSTRUCT, TEE_TCB_INFO and TDINFO.
struct Placed {
  const char* name;
  std::size_t offset;
  std::size_t size;
};
constexpr Placed kTdReport[] = {
    {"type", 0, 4},          {"cpuSvn", 16, 16},      {"teeTcbInfoHash", 32, 48}, {"teeInfoHash", 80, 48},
    {"reportData", 128, 64}, {"mac", 224, 32},        {"tdAttributes", 512, 8},   {"xfam", 520, 8},
    {"mrTd", 528, 48},       {"mrConfigId", 576, 48}, {"mrOwner", 624, 48},       {"mrOwnerConfig", 672, 48},
    {"rtmr0", 720, 48},      {"rtmr1", 768, 48},      {"rtmr2", 816, 48},         {"rtmr3", 864, 48},
    {"servTdHash", 912, 48},
};

std::string value_text(ByteView raw) {
  return to_hex(raw) + (all_zero(raw) ? " (zero)" : "");
}

// DEBUG is bit 0 of the attributes.
std::string attributes_text(ByteView raw) {
  return value_text(raw) + ((raw[0] & 1U) != 0 ? ": DEBUG" : ": no debug");
}

Item item_of(const char* name, ByteView raw) {
  return {name, std::string_view(name) == "tdAttributes" ? attributes_text(raw) : value_text(raw)};
}

Status read_fields(ByteReader& reader, std::span<const Field> fields, std::vector<Item>& out) {
  for (const Field& field : fields) {
    NODEPROOF_TRY(raw, reader.take(field.size, field.name));
    out.push_back(item_of(field.name, raw));
  }
  return Ok{};
}

Status read_body(ByteReader& reader, std::uint16_t version, std::vector<Item>& out) {
  NODEPROOF_TRY(vendor, reader.take(16, "qe_vendor_id"));
  NODEPROOF_TRY(user_data, reader.take(20, "user_data"));
  out.push_back(item_of("qeVendorId", vendor));
  out.push_back(item_of("userData", user_data));
  bool tdx15 = false;
  if (version == 5) {
    NODEPROOF_TRY(type, reader.u16le("body_type"));
    NODEPROOF_TRY(size, reader.u32le("body_size"));
    tdx15 = type == kBodyTdx15;
    out.emplace_back("bodyType", std::to_string(type) + (tdx15 ? " (TDX 1.5)" : ""));
    out.emplace_back("bodySize", std::to_string(size));
  }
  NODEPROOF_CHECK(read_fields(reader, kBody, out));
  if (tdx15) NODEPROOF_CHECK(read_fields(reader, kBody15, out));
  NODEPROOF_TRY(signature_size, reader.u32le("sig_data_len"));
  NODEPROOF_CHECK(reader.take(signature_size, "sig_data"));
  out.emplace_back("signatureData", std::to_string(signature_size) + " bytes, not looked into");
  out.emplace_back("padding", std::to_string(reader.remaining()) + " bytes");
  return reader.zeros(reader.remaining(), "padding");
}

}  // namespace

std::vector<Item> td_report_items(ByteView td_report) {
  std::vector<Item> out;
  for (const Placed& field : kTdReport) {
    if (field.offset + field.size > td_report.size()) break;
    out.push_back(item_of(field.name, td_report.subspan(field.offset, field.size)));
  }
  return out;
}

Recognised recognise_td_quote(const InspectedFile& file) {
  if (file.content.size() < kHeaderSize) return std::nullopt;
  ByteReader reader(file.content, "td_quote");
  const std::uint16_t version = *reader.u16le("version");
  const std::uint16_t key_type = *reader.u16le("att_key_type");
  const std::uint32_t tee_type = *reader.u32le("tee_type");
  if ((version != 4 && version != 5) || tee_type != kTeeTdx) return std::nullopt;

  Description out;
  out.kind = "td-quote";
  out.title = "Intel TD quote, version " + std::to_string(version);
  out.add("attestationKeyType", std::to_string(key_type) + (key_type == 2 ? " (ECDSA P-256)" : ""));
  out.add("teeType", hex_number(tee_type, 2) + " (TDX)");
  static_cast<void>(reader.take(4, "reserved"));  // the size was looked at above
  const Status read = read_body(reader, version, out.items);
  if (!read) out.add_problem(read.error());
  return out;
}

}  // namespace nodeproof::cli
