// What the agent must know before it can speak: its Node, its boot and the epoch of the moment.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>

#include "agent/object_api.hpp"
#include "wire/epoch.hpp"

namespace nodeproof::agent {

// Something that must be there is not, yet or any more. The message ends in the remedy.
class NotReady : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// metadata.uid of the Node. Throws NotReady, kube::ApiError.
std::string node_uid(ObjectApi& api, const std::string& node_name);
// What the webhook's leader published last. Throws NotReady, kube::ApiError.
wire::PublishedEpoch current_epoch(ObjectApi& api, const std::string& ns);
// The kernel's boot ID, a canonical UUID. Throws NotReady.
std::string read_boot_id(const std::filesystem::path& file);

}  // namespace nodeproof::agent
