#include "wire/epoch.hpp"

#include <cpprest/json.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <set>

#include "attest/strict_json.hpp"
#include "wire/fields.hpp"
#include "wire/json_writer.hpp"

namespace nodeproof::wire {
namespace {

using attest::JsonDocument;
using attest::JsonValue;
using web::json::value;

constexpr std::size_t kMaxGenerations = 256;
constexpr std::size_t kMaxGenerationsJson = std::size_t{64} << 10U;
constexpr std::uint64_t kMaxEpoch = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

// One text per number: no sign, no leading zero.
Result<std::uint64_t> canonical_decimal(std::string_view text, const std::string& where) {
  std::uint64_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc() || std::to_string(number) != text || number > kMaxEpoch) {
    return Error{Errc::kBadValue, where, "is not a plain decimal number below 2^63"};
  }
  return number;
}

Result<std::uint64_t> epoch_member(const JsonValue& object, std::string_view key) {
  NODEPROOF_TRY(member, object.required(key));
  NODEPROOF_TRY(number, member.unsigned_integer());
  if (number > kMaxEpoch) return Error{Errc::kBadValue, member.path(), "does not fit in 63 bits"};
  return number;
}

Result<EpochKeyGeneration> parse_generation(const JsonValue& item) {
  NODEPROOF_CHECK(item.only({"kid", "key", "first", "last", "revoked"}));
  NODEPROOF_TRY(kid_member, item.required("kid"));
  NODEPROOF_TRY(kid, kid_member.string());
  const bool hex = std::all_of(kid.begin(), kid.end(),
                               [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  if (kid.size() != 16 || !hex) {
    return Error{Errc::kBadValue, kid_member.path(), "is not 16 lower-case hex digits"};
  }
  NODEPROOF_TRY(key_member, item.required("key"));
  NODEPROOF_TRY(key_bytes, bounded_base64(key_member, attest::EpochKey{}.size()));
  NODEPROOF_TRY(key, to_array<32>(key_bytes, key_member.path()));
  NODEPROOF_TRY(first, epoch_member(item, "first"));
  NODEPROOF_TRY(last, epoch_member(item, "last"));
  if (first > last) return Error{Errc::kBadValue, item.path() + ".last", "is before first"};
  bool revoked = false;
  NODEPROOF_TRY(revoked_member, item.optional("revoked"));
  if (revoked_member) {
    NODEPROOF_TRY(value, revoked_member->boolean());
    revoked = value;
  }
  return EpochKeyGeneration{std::string(kid), key, first, last, revoked};
}

}  // namespace

Result<PublishedEpoch> parse_epoch_config_map(const JsonValue& object) {
  NODEPROOF_TRY(meta, parse_metadata(object));
  NODEPROOF_TRY(data, object.required("data"));
  NODEPROOF_TRY(kid_member, data.required("kid"));
  NODEPROOF_TRY(kid_text, kid_member.string());
  NODEPROOF_TRY(kid, parse_kid(kid_text, kid_member.path()));
  NODEPROOF_TRY(epoch_text_member, data.required("epoch"));
  NODEPROOF_TRY(epoch_text, epoch_text_member.string());
  NODEPROOF_TRY(number, canonical_decimal(epoch_text, epoch_text_member.path()));
  NODEPROOF_TRY(nonce_member, data.required("nonce"));
  NODEPROOF_TRY(nonce, hex_digest(nonce_member));

  PublishedEpoch out;
  out.epoch = {std::move(kid), number};
  out.nonce = nonce;
  out.resource_version = std::move(meta.resource_version);
  return out;
}

std::string epoch_config_map(const PublishedEpoch& epoch, std::string_view ns) {
  value object = core_object("ConfigMap", kEpochConfigMap, ns, epoch.resource_version);
  object["data"]["kid"] = json_text(epoch.epoch.kid);
  object["data"]["epoch"] = json_text(std::to_string(epoch.epoch.number));
  object["data"]["nonce"] = value::string(to_hex(epoch.nonce));
  return object.serialize();
}

Result<std::vector<EpochKeyGeneration>> parse_epoch_secret(const JsonValue& object) {
  NODEPROOF_TRY(data, object.required("data"));
  NODEPROOF_TRY(member, data.required("generations"));
  NODEPROOF_TRY(json, bounded_base64(member, kMaxGenerationsJson));
  NODEPROOF_TRY(document, JsonDocument::parse(json, kMaxGenerationsJson, member.path()));
  NODEPROOF_TRY(list, document.root().array());
  if (list.empty()) return Error{Errc::kBadValue, member.path(), "holds no key generation"};
  if (list.size() > kMaxGenerations) {
    return Error{Errc::kTooLarge, member.path(),
                 "holds " + std::to_string(list.size()) + " key generations, the limit is " +
                     std::to_string(kMaxGenerations)};
  }
  std::vector<EpochKeyGeneration> out;
  std::set<std::string> kids;
  for (const JsonValue& item : list) {
    NODEPROOF_TRY(generation, parse_generation(item));
    if (!kids.insert(generation.kid).second) {
      return Error{Errc::kDuplicate, item.path() + ".kid", "appears twice"};
    }
    out.push_back(std::move(generation));
  }
  return out;
}

std::string epoch_secret(const std::vector<EpochKeyGeneration>& generations, std::string_view ns,
                         std::string_view resource_version) {
  std::vector<value> list;
  for (const EpochKeyGeneration& generation : generations) {
    value item = value::object();
    item["kid"] = json_text(generation.kid);
    item["key"] = value::string(to_base64(generation.key));
    item["first"] = value::number(generation.first);
    item["last"] = value::number(generation.last);
    if (generation.revoked) item["revoked"] = value::boolean(true);
    list.push_back(std::move(item));
  }
  value object = core_object("Secret", kEpochSecret, ns, resource_version);
  object["type"] = json_text("Opaque");
  object["data"]["generations"] =
      value::string(to_base64(as_bytes(value::array(std::move(list)).serialize())));
  return object.serialize();
}

}  // namespace nodeproof::wire
