// What looks like a marker of ours and is none: a label, or an annotation's key in other letters. The API
// server takes both, and they protect nothing, so the chart's ValidatingAdmissionPolicy
// `nodeproof-marker-form` refuses the pod. This is the same rule, to tell beforehand. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "webhook/demands.hpp"

namespace nodeproof::webhook {

// Why the API server refuses to create a pod with these; nothing when it does not.
std::optional<Refusal> refusal_of_form(const std::map<std::string, std::string>& labels,
                                       const std::map<std::string, std::string>& annotations);

}  // namespace nodeproof::webhook
