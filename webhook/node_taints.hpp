// How a taint of ours is put on a Node and taken off without touching anybody else's. spec.taints is one list
// to merge patches and server-side apply, and a strategic merge knows taints by their key alone, though two
// of one key may differ in effect: so a JSON patch of the one place, with tests that it still is what was
// read. Pure.
#pragma once

#include <optional>
#include <string>

#include "wire/objects.hpp"

namespace nodeproof::webhook {

// Makes `node`, as GET gave it, have `taint` or not. Nothing when that is so, or when its UID is another. The
// API server refuses the patch with 422 when the Node changed meanwhile in what matters.
Result<std::optional<std::string>> taint_patch(const attest::JsonValue& node, std::string_view node_uid,
                                               const wire::Taint& taint, bool wanted);

}  // namespace nodeproof::webhook
