#include "wire/attestation_policy.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "attest/pcr.hpp"
#include "attest/strict_json.hpp"
#include "wire/fields.hpp"
#include "wire/on_loss.hpp"
#include "wire/placement.hpp"

namespace nodeproof::wire {
namespace {

using attest::AppraisalPolicy;
using attest::EnforcementAction;
using attest::JsonValue;
using attest::NodeIdentity;
using attest::Product;
using attest::RequiredNodeClass;
using attest::Requirement;

constexpr std::size_t kMaxName = 63;  // it becomes part of a label key (DESIGN 4.1)
constexpr std::size_t kMaxMeasurements = 64;
constexpr std::size_t kMaxPcrValues = 64;  // of one PCR

template <typename T>
struct Choice {
  std::string_view text;
  T value;
};

// One of a few words; `fallback` when the member is absent.
template <typename T, std::size_t N>
Result<T> choice(const JsonValue& object, std::string_view key, const std::array<Choice<T>, N>& choices,
                 T fallback) {
  NODEPROOF_TRY(member, object.optional(key));
  if (!member) return fallback;
  NODEPROOF_TRY(text, member->string());
  std::string known;
  for (const Choice<T>& item : choices) {
    if (item.text == text) return item.value;
    known += (known.empty() ? "" : ", ") + std::string(item.text);
  }
  return Error{Errc::kBadValue, member->path(),
               "is '" + std::string(text.substr(0, 40)) + "', must be one of " + known};
}

constexpr std::array<Choice<EnforcementAction>, 3> kActions{{{"Deny", EnforcementAction::kDeny},
                                                             {"Warn", EnforcementAction::kWarn},
                                                             {"DryRun", EnforcementAction::kDryRun}}};
constexpr std::array<Choice<RequiredNodeClass>, 3> kClasses{
    {{"Confidential", RequiredNodeClass::kConfidential},
     {"TrustedLaunch", RequiredNodeClass::kTrustedLaunch},
     {"Any", RequiredNodeClass::kAny}}};
constexpr std::array<Choice<Requirement>, 2> kRequirements{
    {{"Preferred", Requirement::kPreferred}, {"Required", Requirement::kRequired}}};
constexpr std::array<Choice<NodeIdentity>, 2> kIdentities{
    {{"SelfReported", NodeIdentity::kSelfReported}, {"Inventory", NodeIdentity::kInventory}}};

Result<std::uint64_t> bounded_number(const JsonValue& value, std::uint64_t limit) {
  NODEPROOF_TRY(number, value.unsigned_integer());
  if (number <= limit) return number;
  return Error{Errc::kBadValue, value.path(),
               "is " + std::to_string(number) + ", the largest possible value is " + std::to_string(limit)};
}

Result<std::uint8_t> tcb_component(const JsonValue& tcb, std::string_view key) {
  NODEPROOF_TRY(member, tcb.required(key));
  NODEPROOF_TRY(number, bounded_number(member, std::numeric_limits<std::uint8_t>::max()));
  return static_cast<std::uint8_t>(number);
}

// Turin's TCB has an FMC level too, the others' have none.
Result<attest::TcbVersion> parse_minimum_tcb(const JsonValue& value, Product product) {
  attest::TcbVersion out;
  out.layout = attest::tcb_layout_of(product);
  if (out.layout == attest::TcbLayout::kTurin) {
    NODEPROOF_CHECK(value.only({"fmc", "bootloader", "tee", "snp", "microcode"}));
    NODEPROOF_TRY(fmc, tcb_component(value, "fmc"));
    out.fmc = fmc;
  } else {
    NODEPROOF_CHECK(value.only({"bootloader", "tee", "snp", "microcode"}));
  }
  NODEPROOF_TRY(bootloader, tcb_component(value, "bootloader"));
  NODEPROOF_TRY(tee, tcb_component(value, "tee"));
  NODEPROOF_TRY(snp, tcb_component(value, "snp"));
  NODEPROOF_TRY(microcode, tcb_component(value, "microcode"));
  out.bootloader = bootloader;
  out.tee = tee;
  out.snp = snp;
  out.microcode = microcode;
  return out;
}

Result<std::uint32_t> parse_minimum_guest_svn(const JsonValue& value, Product) {
  NODEPROOF_TRY(number, bounded_number(value, std::numeric_limits<std::uint32_t>::max()));
  return static_cast<std::uint32_t>(number);
}

// A map by product; an entry for a product that the policy does not accept demands nothing.
template <typename T>
Result<std::map<Product, T>> by_product(const JsonValue& section, std::string_view key,
                                        const std::vector<Product>& accepted,
                                        Result<T> (*parse)(const JsonValue&, Product)) {
  std::map<Product, T> out;
  NODEPROOF_TRY(map, section.optional(key));
  if (!map) return out;
  NODEPROOF_TRY(members, map->members());
  for (const JsonValue::Member& member : members) {
    NODEPROOF_TRY(product, attest::parse_product(member.key, member.value.path()));
    if (!accepted.empty() && std::find(accepted.begin(), accepted.end(), product) == accepted.end()) {
      return Error{Errc::kBadValue, member.value.path(), "is for a product that is not in products"};
    }
    NODEPROOF_TRY(value, parse(member.value, product));
    out.emplace(product, std::move(value));
  }
  return out;
}

Result<std::vector<Product>> parse_products(const JsonValue& section) {
  std::vector<Product> out;
  NODEPROOF_TRY(member, section.optional("products"));
  if (!member) return out;
  NODEPROOF_TRY(list, member->array());
  if (list.empty()) return Error{Errc::kBadValue, member->path(), "is empty; omit it to accept any product"};
  for (const JsonValue& item : list) {
    NODEPROOF_TRY(text, item.string());
    NODEPROOF_TRY(product, attest::parse_product(text, item.path()));
    if (std::find(out.begin(), out.end(), product) != out.end()) {
      return Error{Errc::kDuplicate, item.path(), "appears twice"};
    }
    out.push_back(product);
  }
  return out;
}

Result<std::vector<ByteArray<48>>> parse_measurements(const JsonValue& section) {
  std::vector<ByteArray<48>> out;
  NODEPROOF_TRY(member, section.optional("measurements"));
  if (!member) return out;
  NODEPROOF_TRY(list, member->array());
  if (list.size() > kMaxMeasurements) {
    return Error{Errc::kTooLarge, member->path(),
                 "has more than " + std::to_string(kMaxMeasurements) + " measurements"};
  }
  for (const JsonValue& item : list) {
    NODEPROOF_TRY(text, item.string());
    NODEPROOF_TRY(bytes, from_hex(text, item.path()));
    NODEPROOF_TRY(measurement, to_array<48>(bytes, item.path()));
    out.push_back(measurement);
  }
  return out;
}

Status parse_sev_snp(const JsonValue& section, AppraisalPolicy& out) {
  NODEPROOF_CHECK(section.only({"products", "minimumTcb", "minimumGuestSvn", "measurements"}));
  NODEPROOF_TRY(products, parse_products(section));
  NODEPROOF_TRY(minimum_tcb, by_product(section, "minimumTcb", products, parse_minimum_tcb));
  NODEPROOF_TRY(minimum_guest_svn, by_product(section, "minimumGuestSvn", products, parse_minimum_guest_svn));
  NODEPROOF_TRY(measurements, parse_measurements(section));
  out.products = std::move(products);
  out.minimum_tcb = std::move(minimum_tcb);
  out.minimum_guest_svn = std::move(minimum_guest_svn);
  out.measurements = std::move(measurements);
  return Ok{};
}

// The key of a list, such as "4". A quote covers no other PCRs, and PCR 10 moves while the node runs.
Result<unsigned> parse_pcr_index(const JsonValue::Member& member) {
  for (unsigned pcr = 0; pcr < attest::kPcrCount; ++pcr) {
    if (member.key != std::to_string(pcr)) continue;
    if (attest::kNodeQuotePcrs.contains(pcr)) return pcr;
  }
  return Error{Errc::kBadValue, member.value.path(),
               "is for a PCR that no policy can name; use one of " + attest::kNodeQuotePcrs.describe()};
}

Result<std::vector<Sha256Digest>> parse_pcr_values(const JsonValue& member) {
  NODEPROOF_TRY(list, member.array());
  if (list.empty())
    return Error{Errc::kBadValue, member.path(), "is empty; leave the PCR out to accept any value"};
  if (list.size() > kMaxPcrValues) {
    return Error{Errc::kTooLarge, member.path(),
                 "has more than " + std::to_string(kMaxPcrValues) + " values"};
  }
  std::vector<Sha256Digest> out;
  for (const JsonValue& item : list) {
    NODEPROOF_TRY(digest, hex_digest(item));
    out.push_back(digest);
  }
  return out;
}

Result<attest::BootPolicy> parse_boot(const JsonValue& section) {
  NODEPROOF_CHECK(section.only({"secureBoot", "measuredBoot", "pcrs"}));
  attest::BootPolicy out;
  NODEPROOF_TRY(secure_boot, choice(section, "secureBoot", kRequirements, out.secure_boot));
  NODEPROOF_TRY(measured_boot, choice(section, "measuredBoot", kRequirements, out.measured_boot));
  out.secure_boot = secure_boot;
  out.measured_boot = measured_boot;
  NODEPROOF_TRY(pcrs, section.optional("pcrs"));
  if (!pcrs) return out;
  NODEPROOF_TRY(members, pcrs->members());
  if (members.empty()) return Error{Errc::kBadValue, pcrs->path(), "is empty; omit it to accept any values"};
  for (const JsonValue::Member& member : members) {
    NODEPROOF_TRY(pcr, parse_pcr_index(member));
    NODEPROOF_TRY(values, parse_pcr_values(member.value));
    out.pcrs.emplace(pcr, std::move(values));
  }
  return out;
}

Result<Seconds> parse_max_age(const JsonValue& spec, Seconds fallback) {
  NODEPROOF_TRY(member, spec.optional("maxEvidenceAge"));
  if (!member) return fallback;
  NODEPROOF_TRY(text, member->string());
  return parse_duration(text, member->path());
}

Result<std::string> policy_name(const JsonValue& object) {
  NODEPROOF_TRY(meta, parse_metadata(object));
  if (!meta.name.empty() && meta.name.size() <= kMaxName) return std::move(meta.name);
  return Error{Errc::kBadValue, object.path() + ".metadata.name",
               "must have 1 to 63 characters, because node labels bear it"};
}

}  // namespace

Result<AppraisalPolicy> parse_attestation_policy(const JsonValue& object) {
  NODEPROOF_CHECK(check_own_kind(object, "AttestationPolicy"));
  AppraisalPolicy out;
  NODEPROOF_TRY(name, policy_name(object));
  NODEPROOF_TRY(spec, object.required("spec"));
  NODEPROOF_CHECK(spec.only({"enforcementAction", "maxEvidenceAge", "nodeClass", "nodeIdentity",
                             "akCertificate", "sevSnp", "boot", "placement", "onLoss"}));
  NODEPROOF_TRY(action, choice(spec, "enforcementAction", kActions, out.enforcement_action));
  NODEPROOF_TRY(max_age, parse_max_age(spec, out.max_evidence_age));
  NODEPROOF_TRY(node_class, choice(spec, "nodeClass", kClasses, out.node_class));
  NODEPROOF_TRY(ak_certificate, choice(spec, "akCertificate", kRequirements, out.ak_certificate));
  NODEPROOF_TRY(node_identity, choice(spec, "nodeIdentity", kIdentities, out.node_identity));
  NODEPROOF_TRY(sev_snp, spec.optional("sevSnp"));
  if (sev_snp && node_class == RequiredNodeClass::kTrustedLaunch) {
    return Error{
        Errc::kBadValue, sev_snp->path(),
        "a confidential pool and a Trusted Launch pool are different node classes on AKS; no node meets "
        "both"};
  }
  if (sev_snp) NODEPROOF_CHECK(parse_sev_snp(*sev_snp, out));
  NODEPROOF_TRY(boot, spec.optional("boot"));
  if (boot) {
    NODEPROOF_TRY(parsed, parse_boot(*boot));
    out.boot = std::move(parsed);
  }
  NODEPROOF_TRY(placement, spec.optional("placement"));
  if (placement) {
    NODEPROOF_TRY(parsed, parse_placement(*placement));
    out.placement = std::move(parsed);
  }
  NODEPROOF_TRY(on_loss, spec.optional("onLoss"));
  if (on_loss) {
    NODEPROOF_TRY(parsed, parse_on_loss(*on_loss));
    out.on_loss = parsed;
  }
  out.name = std::move(name);
  out.enforcement_action = action;
  out.max_evidence_age = max_age;
  out.node_class = node_class;
  out.node_identity = node_identity;
  out.ak_certificate = ak_certificate;
  return out;
}

}  // namespace nodeproof::wire
