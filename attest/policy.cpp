#include "attest/policy.hpp"

namespace nodeproof::attest {

std::string_view to_string(EnforcementAction action) {
  switch (action) {
    case EnforcementAction::kDeny:
      return "Deny";
    case EnforcementAction::kWarn:
      return "Warn";
    case EnforcementAction::kDryRun:
      return "DryRun";
  }
  return "Deny";
}

std::string_view to_string(RequiredNodeClass node_class) {
  switch (node_class) {
    case RequiredNodeClass::kConfidential:
      return "Confidential";
    case RequiredNodeClass::kTrustedLaunch:
      return "TrustedLaunch";
    case RequiredNodeClass::kAny:
      return "Any";
  }
  return "Confidential";
}

}  // namespace nodeproof::attest
