#include "webhook/kept_status.hpp"

#include <algorithm>
#include <utility>

namespace nodeproof::webhook {
namespace {

bool is_ours(const wire::StatusCondition& condition) {
  return condition.type == wire::kVerifiedCondition || condition.type == wire::kUnprovenPodsCondition;
}

}  // namespace

KeptStatus::KeptStatus(std::string phase, std::string code, std::vector<wire::StatusCondition> conditions,
                       Pool& pool) {
  std::erase_if(conditions, [](const wire::StatusCondition& condition) { return !is_ours(condition); });
  conditions.resize(std::min(conditions.size(), kConditions));
  for (std::size_t i = 0; i < conditions.size(); ++i)
    since_.at(i) = std::exchange(conditions[i].since, UnixTime());
  words_ = pool.share({std::move(phase), std::move(code), std::move(conditions)});
}

std::vector<wire::StatusCondition> KeptStatus::conditions() const {
  std::vector<wire::StatusCondition> out = words_->conditions;
  for (std::size_t i = 0; i < out.size(); ++i) out[i].since = since_.at(i);
  return out;
}

}  // namespace nodeproof::webhook
