#include "wire/reference_values.hpp"

#include <algorithm>
#include <limits>

#include "wire/strict_yaml.hpp"

namespace nodeproof::wire {
namespace {

using attest::ParavisorReference;

// First half of the ID-key digest of Azure Container Instances.
constexpr ByteArray<8> kContainerInstances{0xd3, 0xed, 0x82, 0x82, 0x3f, 0x89, 0x0b, 0x10};

Result<ByteArray<48>> parse_digest(const YamlValue& value) {
  NODEPROOF_TRY(text, value.text());
  NODEPROOF_TRY(bytes, from_hex(text, value.where()));
  NODEPROOF_TRY(digest, to_array<48>(bytes, value.where()));
  if (equal(ByteView(digest).first(kContainerInstances.size()), kContainerInstances)) {
    return Error{
        Errc::kBadValue, value.where(),
        "belongs to Container Instances, where the tenant chooses report_data at VMPL 0; it proves no node"};
  }
  return digest;
}

Result<std::uint32_t> parse_guest_svn(const YamlValue& value) {
  NODEPROOF_TRY(number, value.unsigned_integer());
  if (number <= std::numeric_limits<std::uint32_t>::max()) return static_cast<std::uint32_t>(number);
  return Error{Errc::kBadValue, value.where(), "does not fit in 32 bits"};
}

Result<ParavisorReference> parse_paravisor(const YamlValue& item) {
  NODEPROOF_CHECK(item.only({"product", "idKeyDigest", "minimumGuestSvn", "source"}));
  NODEPROOF_TRY(product_member, item.required("product"));
  NODEPROOF_TRY(product_text, product_member.text());
  NODEPROOF_TRY(product, attest::parse_product(product_text, product_member.where()));
  NODEPROOF_TRY(digest_member, item.required("idKeyDigest"));
  NODEPROOF_TRY(digest, parse_digest(digest_member));
  NODEPROOF_TRY(svn_member, item.required("minimumGuestSvn"));
  NODEPROOF_TRY(guest_svn, parse_guest_svn(svn_member));
  ParavisorReference out{product, digest, guest_svn, item.where()};
  NODEPROOF_TRY(source_member, item.optional("source"));
  if (source_member) {
    NODEPROOF_TRY(source, source_member->text());
    out.source = std::move(source);
  }
  return out;
}

}  // namespace

Result<attest::ReferenceValues> parse_reference_values(std::string_view yaml, std::string what) {
  NODEPROOF_TRY(document, YamlValue::parse(yaml, std::move(what)));
  NODEPROOF_CHECK(document.only({"paravisors"}));
  NODEPROOF_TRY(paravisors, document.required("paravisors"));
  NODEPROOF_TRY(list, paravisors.list());
  if (list.empty()) {
    return Error{Errc::kBadValue, paravisors.where(),
                 "is empty, so no node could pass; list at least one paravisor"};
  }
  attest::ReferenceValues out;
  for (const YamlValue& item : list) {
    NODEPROOF_TRY(reference, parse_paravisor(item));
    const bool known = std::any_of(out.begin(), out.end(), [&](const ParavisorReference& other) {
      return other.product == reference.product && other.id_key_digest == reference.id_key_digest;
    });
    if (known)
      return Error{Errc::kDuplicate, item.where(), "names a product and digest that are listed already"};
    out.push_back(std::move(reference));
  }
  return out;
}

}  // namespace nodeproof::wire
