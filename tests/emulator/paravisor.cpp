#include "tests/emulator/paravisor.hpp"

#include <algorithm>
#include <cctype>
#include <random>

#include "attest/hcl_report.hpp"
#include "base/file.hpp"

namespace nodeproof::emulator {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFileLimit = 1U << 20U;
constexpr unsigned kOwnerOnly = 0600;
constexpr auto kClockSlack = std::chrono::hours(1);
constexpr auto kVcekLifetime = std::chrono::hours(24 * 365 * 7);
constexpr auto kAkLifetime = std::chrono::hours(24 * 365);

Bytes random_bytes(std::size_t count) {
  std::random_device random;
  Bytes out(count);
  std::generate(out.begin(), out.end(), [&] { return static_cast<std::uint8_t>(random() & 0xffU); });
  return out;
}

std::string identity_of(const std::string& vm_id, attest::Product product) {
  return vm_id + " " + std::string(to_string(product)) + "\n";
}

attest::Certificate first_certificate(ByteView pem, const std::string& where) {
  auto certificates = attest::parse_certificates(pem, where);
  if (!certificates) throw std::runtime_error(to_string(certificates.error()));
  return certificates->front();
}

Machine make_machine(const fs::path& folder, const std::string& vm_id, const Authority& authority,
                     UnixTime now) {
  forge::VcekOptions options;
  const Bytes chip = random_bytes(options.chip_id.size());
  std::copy(chip.begin(), chip.end(), options.chip_id.begin());
  options.validity = {now - kClockSlack, now + kVcekLifetime};
  forge::CertifiedKey vcek = forge::issue_vcek(authority.amd, options);
  write_file(folder / "vcek-key.pem", vcek.key.to_pem(), kOwnerOnly);
  write_file(folder / "vcek.pem", forge::to_pem(vcek.certificate));
  // Last: its presence says that the folder is whole.
  write_file(folder / "machine", as_bytes(identity_of(vm_id, authority.amd.product)));
  return {vm_id, authority.amd.product, options.chip_id, std::move(vcek)};
}

Machine load_machine(const fs::path& folder, const std::string& vm_id, const Authority& authority) {
  auto vcek = first_certificate(read_file(folder / "vcek.pem", kFileLimit), (folder / "vcek.pem").string());
  const auto extensions = attest::parse_vcek_extensions(vcek);
  if (!extensions || !vcek.is_signed_by(authority.amd.ask.certificate)) {
    throw std::runtime_error(folder.string() +
                             " was made under another authority: name that one by --authority, or "
                             "delete the folder to make a new machine");
  }
  return {vm_id,
          authority.amd.product,
          extensions->hwid,
          {forge::PrivateKey::from_pem(read_file(folder / "vcek-key.pem", kFileLimit)), std::move(vcek)}};
}

Sha256Digest digest_of(std::string_view event) {
  return attest::sha256(as_bytes(event));
}

}  // namespace

Machine open_machine(const fs::path& folder, const std::string& vm_id, const Authority& authority,
                     UnixTime now) {
  fs::create_directories(folder);
  const auto identity = read_file_if_exists(folder / "machine", kFileLimit);
  if (!identity) return make_machine(folder, vm_id, authority, now);
  if (as_text(*identity) != identity_of(vm_id, authority.amd.product)) {
    throw std::runtime_error(folder.string() + " is the machine " + std::string(as_text(*identity)) +
                             "start it as that, or choose another folder by --state");
  }
  return load_machine(folder, vm_id, authority);
}

void Paravisor::measure_boot() {
  const std::string_view separator("\0\0\0\0", 4);
  for (unsigned pcr = 0; pcr <= 7; ++pcr) {
    if (pcr == 6) {
      // azure-evidence 9: the VM id in upper case, and what newer firmware adds.
      std::string id = machine_.vm_id;
      std::transform(id.begin(), id.end(), id.begin(),
                     [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
      tpm_.extend_pcr(pcr, digest_of("UUID: " + id));
      tpm_.extend_pcr(pcr, digest_of(R"({"MachineArchitecture": "X64"})"));
    }
    tpm_.extend_pcr(pcr, digest_of(separator));
  }
}

void Paravisor::provision(const forge::VtpmAuthority& issuer, bool certified, UnixTime now) {
  if (!tpm_.rsa_modulus(kAkHandle)) tpm_.make_ak(kAkHandle, {});
  if (certified) {
    certify(issuer, tpm_.rsa_modulus(kAkHandle).value(), now);
  } else if (tpm_.nv_size(kAkCertificateIndex)) {
    tpm_.undefine_platform_nv(kAkCertificateIndex);
  }
  write_report(user_data());
  reporting_ = true;
}

// Keeps a certificate that is for this key already.
void Paravisor::certify(const forge::VtpmAuthority& issuer, ByteView modulus, UnixTime now) {
  if (tpm_.nv_size(kAkCertificateIndex)) {
    const auto der = attest::cut_der(tpm_.read_nv(kAkCertificateIndex), "AK certificate");
    const auto present = attest::Certificate::parse_der(der ? *der : Bytes{}, "AK certificate");
    if (present && equal(present->key().rsa_modulus(), modulus)) return;
  }
  forge::AkCertificateOptions options;
  options.common_name = to_hex(random_bytes(6)) + std::string(forge::kConfidentialSuffix);
  options.validity = {now - kClockSlack, now + kAkLifetime};
  tpm_.write_platform_nv(kAkCertificateIndex, forge::issue_ak_certificate(issuer, modulus, options).der());
}

void Paravisor::swap_ak() {
  reporting_ = false;
  tpm_.make_ak(kAkHandle, random_bytes(32));
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
  forge::ClaimsOptions options;
  options.vm_id = machine_.vm_id;
  options.user_data = user_data;
  const Bytes claims = forge::make_runtime_claims(tpm_.rsa_modulus(kAkHandle).value(), options);
  attest::SnpReport report = forge::make_report(machine_.product, claims);
  report.chip_id = machine_.chip_id;
  tpm_.write_platform_nv(kHclReportIndex,
                         attest::serialize_hcl_report(forge::sign_report(report, machine_.vcek.key), claims));
  reported_user_data_ = user_data;
}

void Paravisor::before(ByteView command) {
  if (!reporting_ || !reads_from_start(command, kHclReportIndex)) return;
  const ByteArray<64> current = user_data();
  if (current != reported_user_data_ && tpm_.rsa_modulus(kAkHandle)) write_report(current);
}

}  // namespace nodeproof::emulator
