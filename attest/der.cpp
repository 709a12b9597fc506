#include "attest/der.hpp"

#include <openssl/objects.h>

#include <algorithm>
#include <ctime>

#include "attest/openssl_scope.hpp"

namespace nodeproof::attest {
namespace {

constexpr std::size_t kMaxNameLength = 200;  // of names in messages: they come from the evidence
constexpr std::uint8_t kSequence = 0x30;
constexpr std::string_view kBegin = "-----BEGIN ";
constexpr std::string_view kDashes = "-----";

bool is_white_space(std::uint8_t c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

ByteView skip_white_space(ByteView bytes) {
  const auto rest = std::find_if_not(bytes.begin(), bytes.end(), is_white_space);
  return {rest, bytes.end()};
}

// An object's DER taken from the front of the input, and what is left of it.
struct Taken {
  Bytes der;
  ByteView rest;
};

Result<Taken> take_pem(ByteView bytes, const ObjectKind& kind, std::string_view where) {
  const auto bad = [&](Errc code, std::string detail) {
    return Error{code, std::string(where), std::move(detail)};
  };
  const std::string_view text = as_text(bytes);
  const std::string_view after_begin = text.substr(kBegin.size());
  const std::size_t label_size = after_begin.find(kDashes);
  if (label_size == std::string_view::npos) return bad(Errc::kTruncated, "ends within a PEM header");
  const std::string_view label = after_begin.substr(0, label_size);
  if (label != kind.pem_label) {
    return bad(Errc::kUnsupported, "holds a PEM block '" + std::string(label.substr(0, 40)) + "', not a " +
                                       std::string(kind.pem_label));
  }
  const std::string_view body = after_begin.substr(label_size + kDashes.size());
  const std::string end = "-----END " + std::string(kind.pem_label) + std::string(kDashes);
  const std::size_t body_size = body.find(end);
  if (body_size == std::string_view::npos)
    return bad(Errc::kTruncated, "has a PEM block without its END line");
  std::string base64(body.substr(0, body_size));
  std::erase_if(base64, [](char c) { return is_white_space(static_cast<std::uint8_t>(c)); });
  NODEPROOF_TRY(der, from_base64(base64, where));
  return Taken{std::move(der), as_bytes(body.substr(body_size + end.size()))};
}

Result<Taken> take_object(ByteView bytes, const ObjectKind& kind, std::string_view where) {
  if (as_text(bytes).starts_with(kBegin)) return take_pem(bytes, kind, where);
  if (bytes.front() != kSequence) {
    return Error{Errc::kBadValue, std::string(where),
                 "is neither a PEM block nor a DER " + std::string(kind.name)};
  }
  NODEPROOF_TRY(size, outer_size(bytes, where));
  return Taken{to_bytes(bytes.first(size)), bytes.subspan(size)};
}

}  // namespace

Result<std::size_t> outer_size(ByteView bytes, std::string_view where) {
  const auto bad = [&](Errc code, std::string detail) {
    return Error{code, std::string(where), std::move(detail)};
  };
  if (bytes.size() < 2) return bad(Errc::kTruncated, "ends before its DER length");
  if (bytes[0] != kSequence) return bad(Errc::kBadValue, "does not start with a DER SEQUENCE (0x30)");
  std::size_t header = 2;
  std::size_t length = bytes[1];
  if (length >= 0x80) {
    const std::size_t octets = length - 0x80;
    if (octets == 0 || octets > 4) return bad(Errc::kBadValue, "has a DER length of an unusual form");
    header += octets;
    if (bytes.size() < header) return bad(Errc::kTruncated, "ends within its DER length");
    length = 0;
    for (const std::uint8_t octet : bytes.subspan(2, octets)) length = length << 8U | octet;
    const bool shortest = octets == 1 ? length >= 0x80 : length >> (8 * (octets - 1)) != 0;
    if (!shortest) return bad(Errc::kBadValue, "has a DER length that is not in its shortest form");
  }
  if (bytes.size() - header < length) {
    return bad(Errc::kTruncated, "is " + std::to_string(bytes.size()) +
                                     " bytes long, its DER length asks for " +
                                     std::to_string(header + length));
  }
  return header + length;
}

Status single_object(ByteView der, std::string_view where) {
  NODEPROOF_TRY(size, outer_size(der, where));
  if (size == der.size()) return Ok{};
  return Error{Errc::kTrailing, std::string(where),
               std::to_string(der.size() - size) + " bytes follow the DER object"};
}

Result<std::vector<LocatedDer>> split_objects(ByteView pem_or_der, const ObjectKind& kind,
                                              std::string_view where) {
  const std::string name(kind.name);
  std::vector<LocatedDer> out;
  for (ByteView rest = skip_white_space(pem_or_der); !rest.empty();) {
    if (out.size() == kind.limit) {
      return Error{Errc::kTooLarge, std::string(where),
                   "holds more than " + std::to_string(kind.limit) + " " + name + "s"};
    }
    std::string position = std::string(where) + " " + name + " " + std::to_string(out.size() + 1);
    NODEPROOF_TRY(taken, take_object(rest, kind, position));
    out.push_back({std::move(taken.der), std::move(position)});
    rest = skip_white_space(taken.rest);
  }
  if (out.empty()) return Error{Errc::kMissing, std::string(where), "holds no " + name};
  return out;
}

bool is_accepted_hash(int nid) {
  return nid == NID_sha256 || nid == NID_sha384 || nid == NID_sha512;
}

std::optional<UnixTime> to_time(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(parts.tm_year + 1900),
                                         std::chrono::month(static_cast<unsigned>(parts.tm_mon) + 1),
                                         std::chrono::day(static_cast<unsigned>(parts.tm_mday)));
  return UnixTime(std::chrono::sys_days(date)) + std::chrono::hours(parts.tm_hour) +
         std::chrono::minutes(parts.tm_min) + Seconds(parts.tm_sec);
}

std::string to_text(const X509_NAME* name) {
  const OpensslScope scope;
  const BioHandle text(BIO_new(BIO_s_mem()));
  require_openssl(text != nullptr, "BIO_new");
  if (X509_NAME_print_ex(text.get(), name, 0, XN_FLAG_RFC2253) < 0) return "(unprintable name)";
  char* data = nullptr;
  const long size = BIO_get_mem_data(text.get(), &data);
  const std::string_view all(data, static_cast<std::size_t>(size));
  if (all.size() <= kMaxNameLength) return std::string(all);
  return std::string(all.substr(0, kMaxNameLength)) + "...";
}

}  // namespace nodeproof::attest
