// Number 13: the state of Secure Boot from PCR 7 (azure-evidence 8.5; PC Client Platform Firmware Profile
// 1.05, 3.3.4.8). The grammar, other events being none of PCR 7's:
//
//   before the separator  EV_EFI_VARIABLE_DRIVER_CONFIG of SecureBoot, PK, KEK, db and dbx, each once and in
//                         this order, then of dbt, dbr, AuditMode and DeployedMode, each at most once
//   the separator         once, of four zero bytes
//   anywhere              EV_EFI_VARIABLE_AUTHORITY; EV_EFI_ACTION "DMA Protection Disabled"
//
// Every digest is that of the event's data. What does not fit is unprovable, never disabled: whoever could
// bend the log would choose what the policy likes best.
#include <algorithm>
#include <array>

#include "attest/measurement.hpp"
#include "base/uuid.hpp"

namespace nodeproof::attest {
namespace {

constexpr unsigned kPcr = 7;
constexpr std::string_view kGlobalVariable = "8be4df61-93ca-11d2-aa0d-00e098032b8c";
constexpr std::string_view kImageSecurity = "d719b2cb-3d3a-4596-a3bc-dad00e67656f";

struct Variable {
  std::string_view name;
  std::string_view guid;
};
constexpr std::array kVariables{
    Variable{"SecureBoot", kGlobalVariable},   Variable{"PK", kGlobalVariable},
    Variable{"KEK", kGlobalVariable},          Variable{"db", kImageSecurity},
    Variable{"dbx", kImageSecurity},           Variable{"dbt", kImageSecurity},
    Variable{"dbr", kImageSecurity},           Variable{"AuditMode", kGlobalVariable},
    Variable{"DeployedMode", kGlobalVariable},
};
constexpr std::size_t kRequired = 5;  // of them, in their order

class Grammar {
 public:
  explicit Grammar(BankHash& hash) : hash_(hash) {}

  SecureBootVerdict judge(std::span<const Measurement> log) {
    for (const Measurement& event : log) {
      if (event.pcr != kPcr || !event.extends()) continue;
      take(event);
      if (!unprovable_.empty()) return {SecureBootState::kUnprovable, unprovable_};
    }
    finish();
    if (!unprovable_.empty()) return {SecureBootState::kUnprovable, unprovable_};
    return {enabled_ ? SecureBootState::kEnabled : SecureBootState::kDisabled, remark_};
  }

 private:
  void take(const Measurement& event) {
    if (event.digest.empty()) return refuse(event, "has no " + hash_name(hash_.bank()) + " digest");
    switch (event.type) {
      case kEvEfiVariableDriverConfig:
        return variable(event);
      case kEvEfiVariableAuthority:
        return authority(event);
      case kEvSeparator:
        return separator(event);
      case kEvEfiAction:
        return action(event);
      default:
        return refuse(event, "is of a type that PCR 7 does not have");
    }
  }

  void variable(const Measurement& event) {
    const auto parsed = parse_uefi_variable(event.data);
    if (!parsed) return refuse(event, to_string(parsed.error()));
    if (separated_) return refuse(event, parsed->name + " is measured after the separator");
    const auto known = std::find_if(kVariables.begin(), kVariables.end(),
                                    [&](const Variable& one) { return one.name == parsed->name; });
    if (known == kVariables.end() || known->guid != parsed->guid)
      return refuse(event, parsed->name + "-" + parsed->guid + " is no variable of PCR 7");
    if (!in_order(static_cast<std::size_t>(known - kVariables.begin())))
      return refuse(event, parsed->name + " is measured twice or out of order");
    if (!hash_.covers(event.digest, event.data))
      return refuse(event, "the digest of " + parsed->name + " is not that of its data");
    if (event.data.size() != 32 + 2 * parsed->name.size() + parsed->data.size())
      return refuse(event, "bytes follow the data of " + parsed->name);
    value_of(event, *parsed);
  }

  // The required ones in their order, the others once each behind them.
  bool in_order(std::size_t index) {
    if (index < kRequired ? index != variables_ : variables_ < kRequired || seen_[index]) return false;
    seen_[index] = true;
    ++variables_;
    return true;
  }

  void value_of(const Measurement& event, const UefiVariable& variable) {
    const bool is_keys = variable.name == "PK" || variable.name == "KEK" || variable.name == "db";
    if (is_keys && variable.data.empty())
      without_keys_ += (without_keys_.empty() ? "" : ", ") + variable.name;
    if (variable.name != "SecureBoot") return;
    // A variable that does not exist is measured without data.
    if (variable.data.size() > 1 || (variable.data.size() == 1 && variable.data[0] > 1))
      return refuse(event, "SecureBoot holds " + to_hex(variable.data) + ", neither 00 nor 01");
    enabled_ = !variable.data.empty() && variable.data[0] == 1;
  }

  void authority(const Measurement& event) {
    const auto parsed = parse_uefi_variable(event.data);
    if (!parsed) return refuse(event, to_string(parsed.error()));
    if (!hash_.covers(event.digest, event.data)) {
      // Older shims log a byte more than they measure (azure-evidence 8.5).
      const ByteView measured = event.data.first(event.data.size() - 1);
      if (!parse_uefi_variable(measured) || !hash_.covers(event.digest, measured))
        return refuse(event, "the digest of authority " + parsed->name + " is not that of its data");
      remark(event, "authority digest covers event data minus its last byte (old shim)");
    }
    authorities_ = true;
  }

  void separator(const Measurement& event) {
    if (separated_) return refuse(event, "is a second separator");
    separated_ = true;
    if (event.data.size() != 4 || !all_zero(event.data))
      return refuse(event, "the separator is " +
                               to_hex(event.data.first(std::min<std::size_t>(event.data.size(), 8))) +
                               ", not 00000000: firmware met an error");
    if (!hash_.covers(event.digest, event.data))
      refuse(event, "the digest of the separator is not that of its data");
  }

  void action(const Measurement& event) {
    if (!hash_.covers(event.digest, event.data))
      return refuse(event, "the digest of the action is not that of its data");
    if (as_text(event.data) != "DMA Protection Disabled")
      return refuse(event, "the action \"" + describe_data(event.type, event.data, 64) +
                               "\" leaves nothing to be said of Secure Boot");
    remark(event, "EFI_ACTION DMA Protection Disabled");
  }

  void finish() {
    if (!separated_) {
      unprovable_ = "no PCR 7 separator";
    } else if (variables_ < kRequired) {
      unprovable_ = "PCR 7 has no " + std::string(kVariables[variables_].name) + " before its separator";
    } else if (enabled_ && !without_keys_.empty()) {
      unprovable_ = "SecureBoot is 01, but without keys in " + without_keys_;
    } else if (enabled_ && !authorities_) {
      unprovable_ = "SecureBoot is 01, but PCR 7 has no authority that an image was verified with";
    }
  }

  void refuse(const Measurement& event, const std::string& why) {
    unprovable_ = "event " + std::to_string(event.number) + ": " + why;
  }
  // Each remark once, with the first event that gives rise to it.
  void remark(const Measurement& event, const std::string& what) {
    if (remark_.find(what) != std::string::npos) return;
    remark_ += (remark_.empty() ? "" : "; ") + what + ": event " + std::to_string(event.number);
  }

  BankHash& hash_;
  std::size_t variables_ = 0;  // seen so far
  std::array<bool, kVariables.size()> seen_{};
  bool separated_ = false;
  bool enabled_ = false;
  bool authorities_ = false;
  std::string without_keys_;
  std::string remark_;
  std::string unprovable_;
};

// "UUID: " and the id in upper case, as Azure's firmware measures it (azure-evidence 9).
constexpr std::string_view kVmIdPrefix = "UUID: ";

}  // namespace

std::string_view to_string(SecureBootState state) {
  switch (state) {
    case SecureBootState::kEnabled:
      return "enabled";
    case SecureBootState::kDisabled:
      return "disabled";
    case SecureBootState::kUnprovable:
      break;
  }
  return "unprovable";
}

SecureBootVerdict judge_secure_boot(std::span<const Measurement> log, BankHash& hash) {
  return Grammar(hash).judge(log);
}

SecureBootVerdict judge_secure_boot(const EventLog& log, std::uint16_t bank) {
  const OpensslScope scope;
  const auto measurements = measurements_of(log, bank);
  if (!measurements) return {SecureBootState::kUnprovable, to_string(measurements.error())};
  auto hash = BankHash::make(bank);
  if (!hash) return {SecureBootState::kUnprovable, to_string(hash.error())};
  return judge_secure_boot(*measurements, *hash);
}

std::optional<std::string> measured_vm_id(std::span<const Measurement> log, BankHash& hash) {
  const Measurement* found = nullptr;
  for (const Measurement& event : log) {
    const bool names_vm =
        event.pcr == kVmIdPcr && event.type == kEvCompactHash && as_text(event.data).starts_with(kVmIdPrefix);
    if (!names_vm) continue;
    if (found != nullptr) return std::nullopt;
    found = &event;
  }
  if (found == nullptr || found->digest.empty() || !hash.covers(found->digest, found->data))
    return std::nullopt;
  auto id = uuid_any_case(as_text(found->data).substr(kVmIdPrefix.size()), "event_log");
  if (!id || is_nil_uuid(*id)) return std::nullopt;
  return *std::move(id);
}

std::optional<std::string> measured_vm_id(const EventLog& log, std::uint16_t bank) {
  const OpensslScope scope;
  const auto measurements = measurements_of(log, bank);
  auto hash = BankHash::make(bank);
  if (!measurements || !hash) return std::nullopt;
  return measured_vm_id(*measurements, *hash);
}

}  // namespace nodeproof::attest
