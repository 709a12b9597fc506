#include "tests/emulator/machine.hpp"

#include <algorithm>

#include "base/file.hpp"
#include "base/or_throw.hpp"
#include "tests/emulator/random.hpp"

namespace nodeproof::emulator {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFileLimit = 1U << 20U;
constexpr unsigned kOwnerOnly = 0600;
constexpr auto kClockSlack = std::chrono::hours(1);
constexpr auto kVcekLifetime = std::chrono::hours(24 * 365 * 7);

attest::Certificate first_certificate(ByteView pem, const std::string& where) {
  return or_throw(attest::parse_certificates(pem, where)).front();
}

Chip make_chip(const fs::path& folder, const forge::AmdAuthority& amd, UnixTime now) {
  forge::VcekOptions options;
  const Bytes id = random_bytes(options.chip_id.size());
  std::copy(id.begin(), id.end(), options.chip_id.begin());
  options.validity = {now - kClockSlack, now + kVcekLifetime};
  forge::CertifiedKey vcek = forge::issue_vcek(amd, options);
  write_file(folder / "vcek-key.pem", vcek.key.to_pem(), kOwnerOnly);
  write_file(folder / "vcek.pem", forge::to_pem(vcek.certificate));
  return {amd.product, options.chip_id, std::move(vcek)};
}

Chip load_chip(const fs::path& folder, const forge::AmdAuthority& amd) {
  auto vcek = first_certificate(read_file(folder / "vcek.pem", kFileLimit), (folder / "vcek.pem").string());
  const auto extensions = attest::parse_vcek_extensions(vcek);
  if (!extensions || !vcek.is_signed_by(amd.ask.certificate)) {
    throw std::runtime_error(folder.string() +
                             " was made under another authority: name that one by --authority, or "
                             "delete the folder to make a new machine");
  }
  return {amd.product,
          extensions->hwid,
          {forge::PrivateKey::from_pem(read_file(folder / "vcek-key.pem", kFileLimit)), std::move(vcek)}};
}

}  // namespace

Machine open_machine(const fs::path& folder, const std::string& vm_id, NodeClass node_class,
                     const Authority& authority, UnixTime now) {
  const bool confidential = node_class == NodeClass::kConfidential;
  const std::string kind = confidential ? std::string(to_string(authority.amd.product)) : "trusted-launch";
  const std::string identity = vm_id + " " + kind + "\n";
  fs::create_directories(folder);
  const auto known = read_file_if_exists(folder / "machine", kFileLimit);
  if (known && as_text(*known) != identity) {
    throw std::runtime_error(folder.string() + " is the machine " + std::string(as_text(*known)) +
                             "start it as that, or choose another folder by --state");
  }
  Machine machine{vm_id, node_class, std::nullopt};
  if (confidential)
    machine.chip = known ? load_chip(folder, authority.amd) : make_chip(folder, authority.amd, now);
  // Last: its presence says that the folder is whole.
  if (!known) write_file(folder / "machine", as_bytes(identity));
  return machine;
}

}  // namespace nodeproof::emulator
