#include "webhook/admission_policies.hpp"

#include <algorithm>
#include <array>

namespace nodeproof::webhook {
namespace {

using attest::JsonDocument;
using attest::JsonValue;

constexpr std::size_t kMaxInstalled = std::size_t{1} << 20U;  // as much as a ConfigMap holds

struct Kind {
  std::string_view name;
  std::string_view resource;
};
constexpr std::array<Kind, 4> kKinds{
    {{"ValidatingAdmissionPolicy", "validatingadmissionpolicies"},
     {"ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings"},
     {"MutatingAdmissionPolicy", "mutatingadmissionpolicies"},
     {"MutatingAdmissionPolicyBinding", "mutatingadmissionpolicybindings"}}};

const Kind* find_kind(std::string_view name) {
  const auto found =
      std::find_if(kKinds.begin(), kKinds.end(), [&](const Kind& kind) { return kind.name == name; });
  return found == kKinds.end() ? nullptr : &*found;
}

// What admissionregistration.k8s.io/v1 puts where nothing was written (its SetDefaults functions). None of
// them narrows what a policy applies to.
struct Default {
  std::string_view key;
  std::string_view value;
};
constexpr std::array<Default, 5> kDefaults{{{"failurePolicy", "\"Fail\""},
                                            {"matchPolicy", "\"Equivalent\""},
                                            {"namespaceSelector", "{}"},
                                            {"objectSelector", "{}"},
                                            {"scope", "\"*\""}}};

// By elements: values would leave the steps of every path in the memory of a document that is kept for good.
using Element = simdjson::dom::element;

std::string json_of(const Element& element) {
  return simdjson::minify(element);
}

bool is_default(const simdjson::dom::key_value_pair& field) {
  return std::any_of(kDefaults.begin(), kDefaults.end(), [&](const Default& known) {
    return known.key == field.key && known.value == json_of(field.value);
  });
}

std::optional<std::string> difference(const std::string& path, const Element& installed, const Element& live);

std::optional<std::string> difference_of_objects(const std::string& path,
                                                 const simdjson::dom::object& installed,
                                                 const simdjson::dom::object& live) {
  for (const auto field : installed) {
    const std::string at = path + "." + std::string(field.key);
    Element found;
    if (live.at_key(field.key).get(found) != simdjson::SUCCESS) return at + " was removed";
    if (auto out = difference(at, field.value, found)) return out;
  }
  for (const auto field : live) {
    Element found;
    if (installed.at_key(field.key).get(found) != simdjson::SUCCESS && !is_default(field))
      return path + "." + std::string(field.key) + " was added";
  }
  return std::nullopt;
}

std::optional<std::string> difference_of_arrays(const std::string& path,
                                                const simdjson::dom::array& installed,
                                                const simdjson::dom::array& live) {
  if (installed.size() != live.size()) {
    return path + " has " + std::to_string(live.size()) + " items instead of " +
           std::to_string(installed.size());
  }
  auto other = live.begin();
  std::size_t index = 0;
  for (const Element item : installed) {
    if (auto out = difference(path + "[" + std::to_string(index) + "]", item, *other)) return out;
    ++other;
    ++index;
  }
  return std::nullopt;
}

std::optional<std::string> difference(const std::string& path, const Element& installed,
                                      const Element& live) {
  simdjson::dom::object objects[2];
  if (installed.get(objects[0]) == simdjson::SUCCESS && live.get(objects[1]) == simdjson::SUCCESS)
    return difference_of_objects(path, objects[0], objects[1]);
  simdjson::dom::array arrays[2];
  if (installed.get(arrays[0]) == simdjson::SUCCESS && live.get(arrays[1]) == simdjson::SUCCESS)
    return difference_of_arrays(path, arrays[0], arrays[1]);
  if (json_of(installed) == json_of(live)) return std::nullopt;
  return path + " was changed";
}

Result<AdmissionPolicyObject> parse_object(const JsonValue& item) {
  NODEPROOF_CHECK(item.only({"kind", "name", "spec"}));
  NODEPROOF_TRY(kind_member, item.required("kind"));
  NODEPROOF_TRY(kind, kind_member.text());
  if (find_kind(kind) == nullptr)
    return Error{Errc::kBadValue, kind_member.path(), "is no kind of admission policy"};
  NODEPROOF_TRY(name_member, item.required("name"));
  NODEPROOF_TRY(name, name_member.text());
  if (name.empty()) return Error{Errc::kBadValue, name_member.path(), "is empty"};
  NODEPROOF_TRY(spec, item.required("spec"));
  NODEPROOF_CHECK(spec.members());
  return AdmissionPolicyObject{std::move(kind), std::move(name), spec};
}

}  // namespace

Result<AdmissionPolicies> AdmissionPolicies::parse(ByteView text, std::string_view what) {
  NODEPROOF_TRY(document, JsonDocument::parse(text, kMaxInstalled, what));
  NODEPROOF_TRY(items, document.root().array());
  if (items.empty()) return Error{Errc::kBadValue, document.root().path(), "lists no admission policy"};
  std::vector<AdmissionPolicyObject> objects;
  for (const JsonValue& item : items) {
    NODEPROOF_TRY(object, parse_object(item));
    const bool again = std::any_of(objects.begin(), objects.end(), [&](const AdmissionPolicyObject& other) {
      return other.kind == object.kind && other.name == object.name;
    });
    if (again) return Error{Errc::kDuplicate, item.path(), "is a second " + object.kind + " " + object.name};
    objects.push_back(std::move(object));
  }
  return AdmissionPolicies(std::move(document), std::move(objects));
}

std::string path_of(const AdmissionPolicyObject& object) {
  return "/apis/admissionregistration.k8s.io/v1/" + std::string(find_kind(object.kind)->resource) + "/" +
         object.name;
}

std::optional<std::string> drift(const AdmissionPolicyObject& installed, const JsonValue& live) {
  const auto spec = live.required("spec");
  if (!spec) return "spec was removed";
  return difference("spec", installed.spec.element(), spec->element());
}

}  // namespace nodeproof::webhook
