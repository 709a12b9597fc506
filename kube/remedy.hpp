// What a person can do about an answer that is no success. Pure. Internal to kube/.
#pragma once

#include <string>
#include <string_view>

namespace nodeproof::kube {

// A clause such as "the API server does not know nodeproof.dev/v1alpha1 nodeevidences: ..."; empty when
// the answer speaks for itself. `target`: path and query of the request. `is_status`: the body was a
// Status, as the API server sends when it knows the resource; a path that it does not know is answered
// with plain text.
std::string remedy_of(int status, std::string_view target, bool is_status);

// What to do about the Warning header of an answer that is a success. Of our own objects the API server warns
// of fields that it drops, because their CRD is older than this program: helm does not upgrade CRDs. Empty
// for any other warning.
std::string remedy_of_warning(std::string_view warning, std::string_view target);

}  // namespace nodeproof::kube
