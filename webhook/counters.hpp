// Clock and counters of a vTPM as its quotes show them (number 15): they only rise, as long as one AK lives.
// What runs the other way is a quote from another time, or another machine. They find accidents and lazy
// replays; guest root can forge them. Pure.
#pragma once

#include <optional>

#include "attest/checks.hpp"
#include "attest/tpm_quote.hpp"
#include "wire/node_attestation.hpp"

namespace nodeproof::webhook {

using wire::CounterMark;

// A quote whose signature verified, and whose it is.
struct CountedQuote {
  const Sha256Digest& ak;  // the digest in the AK's Name
  const std::string& boot_id;
  const attest::TpmQuote& quote;
};

// What `mark` says against a quote: nothing, or a finding.
//
// counters, failed: the TPM went back. Only a quote that is proven (qualifying data) to be of an epoch that
// had not begun when the mark was seen must be later than it: whatever the order in which objects arrive, and
// whichever of two agents of a node was slow. `proven_epoch`: nothing when the quote proves none.
// boot-changed, not checked: the TPM was reset while the Node reports the same boot.
std::optional<attest::Finding> against_mark(const CounterMark& mark, const CountedQuote& quote,
                                            std::optional<std::uint64_t> proven_epoch);

// The mark after such a quote, seen in epoch `now`. Another AK begins a new one.
CounterMark raised(const std::optional<CounterMark>& mark, const CountedQuote& quote, std::uint64_t now);

// What two marks of one node say together, for the one that this replica kept and the one that the leader
// stored: a stored mark can only make a refusal more likely. `kept` wins when they are of different AKs.
std::optional<CounterMark> joined(const std::optional<CounterMark>& kept,
                                  const std::optional<CounterMark>& stored);

}  // namespace nodeproof::webhook
