// Text for people. What comes from files and clusters is made fit to be shown: no byte of evidence may steer
// a terminal.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace nodeproof::cli {

// Findings and fields quote names from certificates and objects, which may hold anything.
inline constexpr std::size_t kMaxText = 4096;  // bytes of one value that are shown

// Well-formed UTF-8 of at most kMaxText bytes. Control characters (C0, DEL, C1) and those that turn
// the direction of text become '?'.
std::string printable(std::string_view content);

// "a, b, c".
std::string joined(const std::vector<std::string>& texts, std::string_view by = ", ");

}  // namespace nodeproof::cli
