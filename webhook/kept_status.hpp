// What stands in NodeAttestation.status, as far as the next report depends on it.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "base/shared_value.hpp"
#include "base/time.hpp"
#include "wire/node_attestation.hpp"

namespace nodeproof::webhook {

// Phase, code and our conditions of a status. Their words are shared with the nodes of which the same is
// said: thousands are kept.
class KeptStatus {
 public:
  struct Words {
    std::string phase;
    std::string code;
    std::vector<wire::StatusCondition> conditions;  // of ours, without their times
    // NOLINTNEXTLINE(modernize-use-nullptr)
    auto operator<=>(const Words&) const = default;
  };
  using Pool = SharedValues<Words>;

  KeptStatus() = default;
  KeptStatus(std::string phase, std::string code, std::vector<wire::StatusCondition> conditions, Pool& pool);

  const std::string& phase() const { return words_->phase; }
  const std::string& code() const { return words_->code; }
  std::vector<wire::StatusCondition> conditions() const;

 private:
  static constexpr std::size_t kConditions = 2;
  Shared<Words> words_;
  std::array<UnixTime, kConditions> since_;  // of the conditions, in their order
};

}  // namespace nodeproof::webhook
