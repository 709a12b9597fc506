// Lists that the operator supplies: PEM or DER, any number.
#include "attest/revocation_list.hpp"
#include "tests/fuzz/target.hpp"

namespace nodeproof::fuzz {
namespace {

void check_list(const attest::RevocationList& list) {
  list.issuer();
  const auto back = accepted_again(attest::RevocationList::parse_der(list.der(), "list"));
  require(equal(back.der(), list.der()), "a list keeps its bytes");
  require(back.this_update() == list.this_update() && back.next_update() == list.next_update(),
          "a list's times are those of its bytes");
}

}  // namespace

bool one_input(ByteView input) {
  const auto lists = attest::parse_revocation_lists(input, "lists");
  if (!accepted(lists)) return false;
  require(!lists->empty() && lists->size() <= attest::kMaxRevocationLists,
          "the number of lists is within its limit");
  for (const attest::RevocationList& list : *lists) check_list(list);
  return true;
}

}  // namespace nodeproof::fuzz
