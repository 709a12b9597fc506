#include "webhook/marker_form.hpp"

#include <algorithm>

namespace nodeproof::webhook {
namespace {

bool begins_as_ours_in_any_letters(std::string_view key) {
  const auto same_letter = [](char ours, char given) {
    return ours == (given >= 'A' && given <= 'Z' ? static_cast<char>(given - 'A' + 'a') : given);
  };
  return key.size() >= wire::kOurPrefix.size() &&
         std::equal(wire::kOurPrefix.begin(), wire::kOurPrefix.end(), key.begin(), same_letter);
}

}  // namespace

std::optional<Refusal> refusal_of_form(const std::map<std::string, std::string>& labels,
                                       const std::map<std::string, std::string>& annotations) {
  std::string found;
  const auto add = [&found](const char* what, const std::string& key) {
    found += (found.empty() ? "" : ", ") + std::string(what) + key;
  };
  for (const auto& [key, value] : labels) {
    if (key.starts_with(wire::kOurPrefix)) add("label ", key);
  }
  for (const auto& [key, value] : annotations) {
    if (begins_as_ours_in_any_letters(key) && !key.starts_with(wire::kOurPrefix)) add("annotation ", key);
  }
  if (found.empty()) return std::nullopt;
  return Refusal{"bad-annotation", found + " protects nothing",
                 "ask by annotations nodeproof.dev/policy and nodeproof.dev/max-evidence-age, in lower case"};
}

}  // namespace nodeproof::webhook
