#include "webhook/counters.hpp"

#include <tuple>

namespace nodeproof::webhook {
namespace {

using attest::Check;
using attest::Finding;

// Replicas' clocks may differ by some seconds, and so may what epoch it is.
constexpr std::uint64_t kEpochSlack = 1;

template <typename Counters>
auto resets(const Counters& of) {
  return std::tuple(of.reset_count, of.restart_count);
}
template <typename Counters>
auto all(const Counters& of) {
  return std::tuple(of.reset_count, of.restart_count, of.clock);
}

template <typename Counters>
std::string describe(const Counters& of) {
  return "resetCount " + std::to_string(of.reset_count) + ", restartCount " +
         std::to_string(of.restart_count) + ", clock " + std::to_string(of.clock) + " ms";
}

}  // namespace

std::optional<Finding> against_mark(const CounterMark& mark, const CountedQuote& quote,
                                    std::optional<std::uint64_t> proven_epoch) {
  if (mark.ak != quote.ak) return std::nullopt;
  const bool later = proven_epoch && *proven_epoch > mark.epoch + kEpochSlack;
  if (later && all(quote.quote) < all(mark)) {
    return attest::failed(Check::kCounters, "went-back",
                          "the TPM shows " + describe(quote.quote) +
                              ", an earlier quote by the same key showed " + describe(mark),
                          "if the VM was restored from a backup or its TPM was cleared, replace the node; "
                          "otherwise treat it as compromised");
  }
  if (quote.boot_id != mark.boot_id) return std::nullopt;
  if (!mark.boot_over && resets(quote.quote) == resets(mark)) return std::nullopt;
  return attest::not_checked(
      Check::kBootChanged, "tpm-reset", "the TPM was reset or resumed since the boot that the Node reports",
      "reboot the node; if it did reboot, find out why its kubelet reports the old boot");
}

CounterMark raised(const std::optional<CounterMark>& mark, const CountedQuote& quote, std::uint64_t now) {
  const CounterMark fresh{
      quote.ak, quote.boot_id, quote.quote.reset_count, quote.quote.restart_count, quote.quote.clock,
      now,      false};
  if (!mark || mark->ak != quote.ak) return fresh;
  const bool same_boot = mark->boot_id == quote.boot_id;
  const bool over = same_boot && (mark->boot_over || resets(*mark) != resets(fresh));
  CounterMark out = all(*mark) < all(fresh) ? fresh : *mark;
  if (same_boot) out.boot_over = over;
  return out;
}

std::optional<CounterMark> joined(const std::optional<CounterMark>& kept,
                                  const std::optional<CounterMark>& stored) {
  if (!kept || !stored || kept->ak != stored->ak) return kept ? kept : stored;
  CounterMark out = all(*kept) < all(*stored) ? *stored : *kept;
  if (kept->boot_id == stored->boot_id)
    out.boot_over = kept->boot_over || stored->boot_over || resets(*kept) != resets(*stored);
  return out;
}

}  // namespace nodeproof::webhook
