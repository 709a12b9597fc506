#include "cli/unverified.hpp"

#include <ostream>

#include "attest/checks.hpp"

namespace nodeproof::cli {
namespace {

using attest::Check;

struct Open {
  Check check;
  const char* detail;
};

constexpr Open kOpen[] = {
    {Check::kEpochOrigin, "who made the nonces that quotes answer, only holders of the epoch key can tell"},
    {Check::kEvidenceAge, "taken as the quote's own epoch says; a quote that was kept passes for a new one"},
    {Check::kEpochFuture, "likewise"},
    {Check::kReportFreshness, "the challenge in a report cannot be recomputed without the epoch key"},
    {Check::kCounters, "needs an earlier quote"},
    {Check::kDuplicateIdentity, "nodes that were not looked at here may hold the same AK"},
};

}  // namespace

void print_unverified(std::ostream& out) {
  out << "Judged from here, not by the webhook. Not verified, for want of the cluster's epoch key, earlier "
      << "quotes and all other nodes:\n";
  for (const Open& open : kOpen) out << "  " << attest::name_of(open.check) << ": " << open.detail << '\n';
}

web::json::value unverified() {
  using web::json::value;
  std::vector<value> out;
  for (const Open& open : kOpen) {
    value item = value::object();
    item["check"] = value::string(std::string(attest::name_of(open.check)));
    item["detail"] = value::string(open.detail);
    out.push_back(std::move(item));
  }
  return value::array(std::move(out));
}

}  // namespace nodeproof::cli
