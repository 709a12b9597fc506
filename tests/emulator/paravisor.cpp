#include "tests/emulator/paravisor.hpp"

#include <algorithm>

#include "attest/hcl_report.hpp"

namespace nodeproof::emulator {

Paravisor::Paravisor(TpmCommands& tpm, const Machine& machine, bool secure_boot)
    : tpm_(tpm), machine_(machine), secure_boot_(secure_boot) {
  write_report(user_data());
}

ByteArray<64> Paravisor::user_data() {
  ByteArray<64> value{};
  try {
    const Bytes content = tpm_.read_nv(kUserDataIndex);
    std::copy_n(content.begin(), std::min(content.size(), value.size()), value.begin());
  } catch (const TpmRefusal&) {
    // Defined but never written, or not readable by the owner: a guest's business, reported as zeros.
  }
  return value;
}

void Paravisor::write_report(const ByteArray<64>& user_data) {
  const Chip& chip = machine_.chip.value();
  forge::ClaimsOptions options;
  options.vm_id = machine_.vm_id;
  options.secure_boot = secure_boot_;
  options.user_data = user_data;
  const Bytes claims = forge::make_runtime_claims(tpm_.rsa_modulus(kAkHandle).value(), options);
  attest::SnpReport report = forge::make_report(chip.product, claims);
  report.chip_id = chip.id;
  tpm_.write_platform_nv(kHclReportIndex,
                         attest::serialize_hcl_report(forge::sign_report(report, chip.vcek.key), claims));
  reported_user_data_ = user_data;
}

void Paravisor::before(ByteView command) {
  if (!reporting_ || !reads_from_start(command, kHclReportIndex)) return;
  const ByteArray<64> current = user_data();
  if (current != reported_user_data_ && tpm_.rsa_modulus(kAkHandle)) write_report(current);
}

}  // namespace nodeproof::emulator
