#include "tests/emulator/authority.hpp"

#include <algorithm>

#include "base/file.hpp"
#include "base/or_throw.hpp"

namespace nodeproof::emulator {
namespace {

namespace fs = std::filesystem;
using attest::Product;

constexpr Product kProducts[] = {Product::kMilan, Product::kGenoa};
constexpr unsigned kVtpmRsaBits = 2048;
constexpr unsigned kOwnerOnly = 0600;
constexpr std::size_t kFileLimit = 1U << 20U;
constexpr auto kLifetime = std::chrono::hours(24 * 3652);
// Clocks of a few machines that run one demo differ a little.
constexpr auto kClockSlack = std::chrono::hours(1);

constexpr std::string_view kReadme =
    "This folder holds the stand-in AMD and Microsoft authorities of Nodeproof's emulated node.\n"
    "Whoever holds it can forge evidence that a verifier which trusts them accepts.\n"
    "For demos and tests only: never give these trust anchors to a cluster that matters.\n";

std::string key_file(Product product, const char* which) {
  return std::string("amd-") + which + "-" + std::string(to_string(product)) + "-key.pem";
}

std::string reference_values() {
  std::string yaml = "# The emulated paravisor. Trusting it means trusting whoever can run the emulator.\n";
  yaml += "paravisors:\n";
  for (const Product product : kProducts) {
    yaml += "  - product: " + std::string(to_string(product)) + "\n";
    yaml += "    idKeyDigest: " + to_hex(forge::emulated_id_key_digest()) + "\n";
    yaml += "    minimumGuestSvn: " + std::to_string(forge::kGuestSvn) + "\n";
    yaml += "    source: \"nodeproof-emulator: not genuine, for demos and tests\"\n";
  }
  return yaml;
}

void save_key(const fs::path& path, const forge::PrivateKey& key) {
  write_file(path, key.to_pem(), kOwnerOnly);
}

forge::PrivateKey load_key(const fs::path& path) {
  return forge::PrivateKey::from_pem(read_file(path, kFileLimit));
}

attest::Certificate load_certificate(const fs::path& path, const std::string& common_name) {
  const std::vector<attest::Certificate> certificates =
      or_throw(attest::parse_certificates(read_file(path, kFileLimit), path.string()));
  for (const attest::Certificate& certificate : certificates) {
    if (common_name.empty() || certificate.subject_common_name() == common_name) return certificate;
  }
  throw std::runtime_error(path.string() + " holds no certificate of '" + common_name + "'");
}

}  // namespace

void make_authority(const fs::path& folder, unsigned amd_rsa_bits, UnixTime now) {
  if (fs::exists(folder / "amd-ark.pem")) {
    throw std::runtime_error(folder.string() +
                             " holds an authority already: use it, or delete it to make another");
  }
  fs::create_directories(folder);
  fs::permissions(folder, fs::perms::owner_all);
  const forge::Validity validity{now - kClockSlack, now + kLifetime};

  Bytes arks;
  Bytes asks;
  for (const Product product : kProducts) {
    const forge::AmdAuthority amd = forge::make_amd_authority(
        {.product = product, .rsa_bits = amd_rsa_bits, .validity = validity, .ask_validity = validity});
    append(arks, forge::to_pem(amd.ark.certificate));
    append(asks, forge::to_pem(amd.ask.certificate));
    save_key(folder / key_file(product, "ark"), amd.ark.key);
    save_key(folder / key_file(product, "ask"), amd.ask.key);
  }
  const forge::VtpmAuthority vtpm = forge::make_vtpm_authority(
      {.rsa_bits = kVtpmRsaBits, .validity = validity, .intermediate_validity = validity});
  const Bytes root = forge::to_pem(vtpm.root.certificate);
  const Bytes intermediate = forge::to_pem(vtpm.intermediate.certificate);
  save_key(folder / "vtpm-root-key.pem", vtpm.root.key);
  save_key(folder / "vtpm-intermediate-key.pem", vtpm.intermediate.key);
  write_file(folder / "vtpm-root.pem", root);
  write_file(folder / "vtpm-intermediate.pem", intermediate);
  Bytes vtpm_anchors = root;
  append(vtpm_anchors, intermediate);
  write_file(folder / "vtpm-trust-anchors.pem", vtpm_anchors);
  write_file(folder / "reference-values.yaml", as_bytes(reference_values()));
  write_file(folder / "README", as_bytes(kReadme));
  write_file(folder / "amd-ask.pem", asks);
  write_file(folder / "amd-ark.pem", arks);  // last: its presence says that the folder is whole
}

Authority load_authority(const fs::path& folder, Product product) {
  if (!fs::exists(folder / "amd-ark.pem")) {
    throw std::runtime_error(folder.string() +
                             " holds no authority: run `nodeproof-emulator make-authority --dir " +
                             folder.string() + "` first");
  }
  const std::string line(to_string(product));
  return {
      {product,
       {load_key(folder / key_file(product, "ark")), load_certificate(folder / "amd-ark.pem", "ARK-" + line)},
       {load_key(folder / key_file(product, "ask")),
        load_certificate(folder / "amd-ask.pem", "SEV-" + line)}},
      {{load_key(folder / "vtpm-root-key.pem"), load_certificate(folder / "vtpm-root.pem", {})},
       {load_key(folder / "vtpm-intermediate-key.pem"),
        load_certificate(folder / "vtpm-intermediate.pem", {})}}};
}

}  // namespace nodeproof::emulator
