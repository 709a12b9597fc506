// What reading a boot's event log costs beside its hashing.
#pragma once

namespace nodeproof::bench {

// Registers the benchmarks of attest::read_boot_log.
void add_event_logs();

}  // namespace nodeproof::bench
