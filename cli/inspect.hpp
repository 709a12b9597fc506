// `nodeproof inspect`: says what a file is and prints it for a person. Nothing is verified.
#pragma once

#include <iosfwd>
#include <string>

#include "cli/description.hpp"
#include "cli/verdict.hpp"

namespace nodeproof::cli {

struct InspectOptions {
  std::string file;  // "-": standard input
  bool json = false;
};

inline constexpr std::string_view kUnknownKind = "unknown";

// What `content` is. Of kind kUnknownKind when nothing recognises it. `name`: of the file, a hint.
Description describe(ByteView content, const std::string& name);

// kVerified (0) when the file was recognised, kUsage when not, kEnvironment when it cannot be read.
ExitCode inspect(const InspectOptions& options, std::ostream& out, std::ostream& err);

}  // namespace nodeproof::cli
