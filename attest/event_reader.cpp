#include "attest/event_reader.hpp"

#include <algorithm>

#include "base/byte_reader.hpp"

namespace nodeproof::attest {
namespace {

constexpr std::string_view kWhat = "event_log";
constexpr std::size_t kSha1Size = 20;
constexpr std::uint32_t kNoPcr = 0xFFFFFFFF;
constexpr std::uint32_t kLastPcr = 23;
// No event begins like that: PCR 0, type 0, digest count 0, or no PCR and no type.
constexpr std::size_t kMinZeroPadding = 12;
constexpr std::size_t kMinErasedPadding = 8;
constexpr std::size_t kMaxDigestSize = 128;

bool is_padding(ByteView rest) {
  if (rest.empty() || (rest.front() != 0x00 && rest.front() != 0xFF)) return false;
  if (rest.size() < (rest.front() == 0xFF ? kMinErasedPadding : kMinZeroPadding)) return false;
  return std::all_of(rest.begin(), rest.end(), [&](std::uint8_t byte) { return byte == rest.front(); });
}

std::uint32_t le(ByteView bytes) {
  std::uint32_t out = 0;
  for (std::size_t i = bytes.size(); i > 0; --i) out = out << 8U | bytes[i - 1];
  return out;
}

Result<std::vector<SpecId::Algorithm>> parse_algorithms(ByteReader& reader) {
  std::size_t start = reader.offset();
  NODEPROOF_TRY(count, reader.u32le("numberOfAlgorithms"));
  if (count == 0 || count > kMaxBanks) {
    return reader.error(Errc::kBadValue, "numberOfAlgorithms", start,
                        "is " + std::to_string(count) + ", must be 1 to " + std::to_string(kMaxBanks));
  }
  std::vector<SpecId::Algorithm> out;
  for (std::uint32_t i = 0; i < count; ++i) {
    start = reader.offset();
    NODEPROOF_TRY(id, reader.u16le("algorithmId"));
    NODEPROOF_TRY(size, reader.u16le("digestSize"));
    const bool again = std::any_of(out.begin(), out.end(),
                                   [id = id](const SpecId::Algorithm& known) { return known.id == id; });
    if (again) return reader.error(Errc::kDuplicate, "algorithmId", start, hash_name(id) + " appears twice");
    const auto known = hash_size(id);
    if (size == 0 || size > kMaxDigestSize || (known && size != *known)) {
      return reader.error(Errc::kBadValue, "digestSize", start + 2,
                          "is " + std::to_string(size) + " for " + hash_name(id));
    }
    out.push_back({id, size});
  }
  return out;
}

// `record`: the log's first, of which the event is the rest behind its head; errors name the place in the
// log.
Result<SpecId> parse_spec_id(ByteView record, std::size_t head_size) {
  ByteReader reader(record, "event_log.spec_id");
  SpecId out;
  NODEPROOF_CHECK(reader.take(head_size + kSpecIdSignatureSize, "signature"));
  NODEPROOF_TRY(platform_class, reader.u32le("platformClass"));
  NODEPROOF_TRY(minor, reader.u8("specVersionMinor"));
  NODEPROOF_TRY(major, reader.u8("specVersionMajor"));
  NODEPROOF_TRY(errata, reader.u8("specErrata"));
  NODEPROOF_TRY(uintn, reader.u8("uintnSize"));
  NODEPROOF_TRY(algorithms, parse_algorithms(reader));
  NODEPROOF_TRY(vendor_size, reader.u8("vendorInfoSize"));
  NODEPROOF_TRY(vendor, reader.take(vendor_size, "vendorInfo"));
  NODEPROOF_CHECK(reader.finish());
  out.platform_class = platform_class;
  out.version_minor = minor;
  out.version_major = major;
  out.errata = errata;
  out.uintn_size = uintn;
  out.algorithms = std::move(algorithms);
  out.vendor_info = to_bytes(vendor);
  return out;
}

}  // namespace

ByteView EventView::digest_of(std::uint16_t bank) const {
  for (const DigestView& digest : digests()) {
    if (digest.algorithm == bank) return digest.digest;
  }
  return {};
}

Result<EventReader> EventReader::open(ByteView log) {
  if (log.size() > kMaxEventLog) {
    return Error{
        Errc::kTooLarge, std::string(kWhat),
        "is " + std::to_string(log.size()) + " bytes long, the limit is " + std::to_string(kMaxEventLog)};
  }
  EventReader out(log);
  NODEPROOF_CHECK(out.spec_id_record());
  return out;
}

// The first record is always in the old format; a Spec ID event in it says that the others are not.
Status EventReader::spec_id_record() {
  EventView event;
  NODEPROOF_CHECK(legacy(event));
  if (event.type != kEvNoAction || !as_text(event.data).starts_with(kSpecIdSignature)) {
    at_ = 0;
    return Ok{};
  }
  if (!all_zero(event.banks[0].digest))
    return error(Errc::kBadValue, "digest", 8, "is not zero, as that of a Spec ID must be");
  NODEPROOF_TRY(spec_id, parse_spec_id(log_.first(at_), at_ - event.data.size()));
  spec_id.pcr = event.pcr;
  spec_id_ = std::move(spec_id);
  return Ok{};
}

Result<bool> EventReader::next(EventView& event) {
  if (at_ == log_.size() || (at_ > 0 && is_padding(rest()))) return false;
  NODEPROOF_CHECK(spec_id_ ? agile(event) : legacy(event));
  ++events_;
  return true;
}

// TCG_PCClientPCREvent
Status EventReader::legacy(EventView& event) {
  NODEPROOF_CHECK(head(event));
  NODEPROOF_TRY(digest, take(kSha1Size, "digest"));
  event.banks[0] = {kTpmAlgSha1, digest};
  event.digest_count = 1;
  return data(event);
}

// TCG_PCR_EVENT2
Status EventReader::agile(EventView& event) {
  NODEPROOF_CHECK(head(event));
  const std::size_t start = at_;
  NODEPROOF_TRY(count, u32("digestCount"));
  if (count == 0 || count > spec_id_->algorithms.size()) {
    return error(Errc::kBadValue, "digestCount", start,
                 "is " + std::to_string(count) + ", the log declares " +
                     std::to_string(spec_id_->algorithms.size()) + " banks");
  }
  event.digest_count = 0;
  for (std::uint32_t i = 0; i < count; ++i) NODEPROOF_CHECK(digest(event));
  return data(event);
}

Status EventReader::head(EventView& event) {
  event.offset = at_;
  NODEPROOF_TRY(pcr, u32("pcrIndex"));
  NODEPROOF_TRY(type, u32("eventType"));
  if (pcr > kLastPcr && !(pcr == kNoPcr && type == kEvNoAction)) {
    return error(Errc::kBadValue, "pcrIndex", event.offset,
                 "is " + std::to_string(pcr) + ", must be 0 to 23");
  }
  event.pcr = pcr;
  event.type = type;
  return Ok{};
}

Status EventReader::digest(EventView& event) {
  const std::size_t start = at_;
  NODEPROOF_TRY(id_bytes, take(2, "algorithmId"));
  const auto id = static_cast<std::uint16_t>(le(id_bytes));
  const auto& known = spec_id_->algorithms;
  const auto declared =
      std::find_if(known.begin(), known.end(), [id](const SpecId::Algorithm& a) { return a.id == id; });
  if (declared == known.end()) {
    return error(Errc::kBadValue, "algorithmId", start,
                 hash_name(id) + " is not among the banks that the log declares");
  }
  if (!event.digest_of(id).empty())
    return error(Errc::kDuplicate, "algorithmId", start, hash_name(id) + " appears twice");
  NODEPROOF_TRY(digest, take(declared->digest_size, "digest"));
  event.banks[event.digest_count++] = {id, digest};
  return Ok{};
}

Status EventReader::data(EventView& event) {
  NODEPROOF_TRY(size, u32("eventSize"));
  NODEPROOF_TRY(content, take(size, "event"));
  event.data = content;
  return Ok{};
}

// Names are made only for errors: they would cost more than the reading.
Result<ByteView> EventReader::take(std::size_t count, std::string_view field) {
  const std::size_t left = log_.size() - at_;
  if (count > left) {
    return error(Errc::kTruncated, field, at_,
                 "needs " + std::to_string(count) + " bytes, " + std::to_string(left) + " are left");
  }
  const ByteView out = log_.subspan(at_, count);
  at_ += count;
  return out;
}

Result<std::uint32_t> EventReader::u32(std::string_view field) {
  NODEPROOF_TRY(bytes, take(4, field));
  return le(bytes);
}

Error EventReader::error(Errc code, std::string_view field, std::size_t offset, std::string detail) const {
  return ByteReader(log_, kWhat).error(code, named(field), offset, std::move(detail));
}

// "event[12].digestCount"; the Spec ID record is event 0.
std::string EventReader::named(std::string_view field) const {
  return "event[" + std::to_string(events_ + (spec_id_ ? 1 : 0)) + "]." + std::string(field);
}

}  // namespace nodeproof::attest
