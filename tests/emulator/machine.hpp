// The VM that a node emulates, kept in a folder: the same at every start.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "tests/emulator/authority.hpp"

namespace nodeproof::emulator {

enum class NodeClass { kConfidential, kTrustedLaunch };

// The processor of a confidential VM.
struct Chip {
  attest::Product product;
  ByteArray<64> id{};
  forge::CertifiedKey vcek;
};

struct Machine {
  std::string vm_id;  // canonical
  NodeClass node_class;
  std::optional<Chip> chip;  // of a confidential one
};

// Makes the machine and keeps it in `folder`, or finds it there. Throws std::runtime_error when the
// folder belongs to another VM, class, product or authority.
Machine open_machine(const std::filesystem::path& folder, const std::string& vm_id, NodeClass node_class,
                     const Authority& authority, UnixTime now);

}  // namespace nodeproof::emulator
