// What Azure does to the TPM of any VM of its: makes the AK and has it certified (azure-evidence 1.3, 7).
#pragma once

#include "tests/emulator/machine.hpp"
#include "tests/emulator/tpm_commands.hpp"

namespace nodeproof::emulator {

// Makes the AK where there is none.
void make_attestation_key(TpmCommands& tpm);
// Puts a certificate for the AK of a VM of this class into NV; keeps one that is for this key already.
void certify_attestation_key(TpmCommands& tpm, const forge::VtpmAuthority& issuer, NodeClass node_class,
                             UnixTime now);
// As on VMs that never got one.
void remove_certificate(TpmCommands& tpm);
// The attack: another key takes the AK's place while report and certificate stay what they were.
void swap_attestation_key(TpmCommands& tpm);

}  // namespace nodeproof::emulator
