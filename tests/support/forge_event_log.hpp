// Forged event logs: what the firmware of an Azure VM, shim and GRUB measure and write down on the way to a
// Linux kernel (azure-evidence 8, 9), and what a TPM holds afterwards. As elsewhere here everything is right
// by default; log and PCRs that disagree come from two calls, the log of one and the PCRs of the other.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "attest/event_log.hpp"
#include "tests/support/forge.hpp"

namespace nodeproof::forge {

struct EventLogOptions {
  std::string vm_id{kVmId};               // measured in upper case, as firmware does
  bool with_architecture_event = true;    // what newer firmware adds to PCR 6
  bool secure_boot = true;                // off: the same keys are enrolled, and nobody asks them
  std::string kernel = "as distributed";  // its content: another one gives PCRs 4 and 9 other digests
  std::string command_line = "root=LABEL=cloudimg-rootfs ro console=ttyS0";  // the kernel's, in PCR 8
  std::function<void(attest::EventLog&)> edit;  // before bytes and extends are made of it; may be empty
};

struct PcrExtend {
  unsigned pcr;
  Sha256Digest digest;
};

struct ForgedEventLog {
  Bytes log;                       // crypto-agile, the SHA-256 bank alone
  std::vector<PcrExtend> extends;  // in the order of the log
  attest::PcrValues pcrs;          // of a TPM that was reset and then extended so, all 24
};
ForgedEventLog make_event_log(const EventLogOptions& options = {});

// Where PCRs start (zeros, 17-22 ones) and what they hold after `extends`.
attest::PcrValues extended_pcrs(const std::vector<PcrExtend>& extends);

}  // namespace nodeproof::forge
