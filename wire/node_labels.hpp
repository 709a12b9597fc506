// Labels of Nodes as the leader writes them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace nodeproof::wire {

// A merge patch of a Node's labels, for the Node of this UID alone; nothing as a value removes the label.
std::string node_label_patch(std::string_view node_uid,
                             const std::map<std::string, std::optional<std::string>>& labels);

}  // namespace nodeproof::wire
