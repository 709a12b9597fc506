// Names as Kubernetes takes them from DNS (RFC 1123): lower-case letters, digits and '-', a letter or digit
// first and last. Pure.
#pragma once

#include <string_view>

namespace nodeproof::wire {

// 1 to 63 characters: the name of a namespace.
bool is_dns_label(std::string_view text);

// 1 to 253 characters, parts like labels between dots: the name of a Node, and most others. Kubernetes holds
// the single part to no length, so neither do we.
bool is_dns_subdomain(std::string_view text);

}  // namespace nodeproof::wire
