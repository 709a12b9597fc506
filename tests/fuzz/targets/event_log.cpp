#include "attest/event_log.hpp"

#include "tests/fuzz/target.hpp"

bool nodeproof::fuzz::one_input(ByteView input) {
  const auto log = attest::parse_event_log(input);
  if (!accepted(log)) return false;
  require(equal(attest::serialize_event_log(*log), input), "a log has one encoding");
  for (const attest::LogEvent& event : log->events) accepted(attest::parse_uefi_variable(event.data));
  return true;
}
