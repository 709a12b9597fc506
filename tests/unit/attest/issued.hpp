// A VCEK of this authority with something changed.
#pragma once

#include <functional>

#include "tests/support/forge.hpp"

namespace nodeproof::attest {

inline Certificate issued(const forge::AmdAuthority& authority,
                          const std::function<void(forge::VcekOptions&)>& edit) {
  forge::VcekOptions options;
  edit(options);
  return forge::issue_vcek(authority, options).certificate;
}

}  // namespace nodeproof::attest
