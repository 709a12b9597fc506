// What Azure's firmware and paravisor do for a confidential VM's TPM: measure the boot, make the AK,
// have it certified, and report it as hardware would, anew when a guest leaves a challenge.
#pragma once

#include <filesystem>
#include <string>

#include "tests/emulator/authority.hpp"
#include "tests/emulator/tpm_commands.hpp"

namespace nodeproof::emulator {

// The machine that a node emulates; the same at every start with the same state folder.
struct Machine {
  std::string vm_id;  // canonical
  attest::Product product;
  ByteArray<64> chip_id{};
  forge::CertifiedKey vcek;
};

// Makes the machine and keeps it in `folder`, or finds it there. Throws std::runtime_error when the
// folder belongs to another VM, product or authority.
Machine open_machine(const std::filesystem::path& folder, const std::string& vm_id,
                     const Authority& authority, UnixTime now);

// One thread at a time.
class Paravisor {
 public:
  // Keeps references: both must outlive it.
  Paravisor(TpmCommands& tpm, const Machine& machine) : tpm_(tpm), machine_(machine) {}

  // PCRs 0-7 as firmware leaves them for this VM id.
  void measure_boot();
  // AK, its certificate (`certified`; otherwise removed) and the report, each made when missing.
  void provision(const forge::VtpmAuthority& issuer, bool certified, UnixTime now);
  // The attack: another key takes the AK's place while report and certificate stay what they were.
  void swap_ak();

  // To be called before a guest's command reaches the TPM: a read of the report from its start
  // makes it anew when the challenge in NV changed.
  void before(ByteView command);

 private:
  void certify(const forge::VtpmAuthority& issuer, ByteView modulus, UnixTime now);
  ByteArray<64> user_data();
  void write_report(const ByteArray<64>& user_data);

  TpmCommands& tpm_;
  const Machine& machine_;
  ByteArray<64> reported_user_data_{};
  bool reporting_ = false;
};

}  // namespace nodeproof::emulator
