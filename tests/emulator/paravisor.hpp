// What Azure's paravisor does in a confidential VM: reports AK and VM as hardware would, anew when a guest
// leaves a challenge.
#pragma once

#include "tests/emulator/machine.hpp"
#include "tests/emulator/tpm_commands.hpp"

namespace nodeproof::emulator {

// One thread at a time.
class Paravisor {
 public:
  // Keeps references: both must outlive it. `machine` has a chip, the TPM an AK. Writes the report.
  Paravisor(TpmCommands& tpm, const Machine& machine, bool secure_boot);

  // The report stays what it is from now on.
  void stop_reporting() { reporting_ = false; }

  // To be called before a guest's command reaches the TPM: a read of the report from its start
  // makes it anew when the challenge in NV changed.
  void before(ByteView command);

 private:
  ByteArray<64> user_data();
  void write_report(const ByteArray<64>& user_data);

  TpmCommands& tpm_;
  const Machine& machine_;
  bool secure_boot_;
  ByteArray<64> reported_user_data_{};
  bool reporting_ = true;
};

}  // namespace nodeproof::emulator
