// The TPM 2.0 commands that firmware and paravisor give before a guest runs (TPM 2.0 part 3;
// azure-evidence 6.6), as raw bytes: the emulator shares one connection between these and the
// guest's own commands. Empty-password authorization throughout.
#pragma once

#include <functional>
#include <optional>
#include <stdexcept>
#include <string>

#include "base/bytes.hpp"

namespace nodeproof::emulator {

// Where Azure keeps things in a VM's TPM (azure-evidence 1.2, 1.3).
inline constexpr std::uint32_t kHclReportIndex = 0x01400001;
inline constexpr std::uint32_t kUserDataIndex = 0x01400002;
inline constexpr std::uint32_t kAkCertificateIndex = 0x01C101D0;
inline constexpr std::uint32_t kAkHandle = 0x81000003;
inline constexpr std::size_t kNvSizeLimit = 2048;  // libtpms' TPM_PT_NV_INDEX_MAX

// True for a TPM2_NV_Read of this index at offset 0, whoever authorizes it and however.
bool reads_from_start(ByteView command, std::uint32_t index);

// The TPM refused a command.
class TpmRefusal : public std::runtime_error {
 public:
  TpmRefusal(const std::string& what, std::uint32_t code) : std::runtime_error(what), code_(code) {}
  std::uint32_t code() const { return code_; }

 private:
  std::uint32_t code_;
};

// Each throws TpmRefusal, or whatever `transmit` throws. One thread at a time.
class TpmCommands {
 public:
  using Transmit = std::function<Bytes(ByteView)>;
  explicit TpmCommands(Transmit transmit) : transmit_(std::move(transmit)) {}

  // Modulus of the RSA key at a persistent handle; nothing when there is none.
  std::optional<Bytes> rsa_modulus(std::uint32_t handle);
  // Makes a primary of the endorsement hierarchy by Azure's AK template and puts it at `handle`,
  // in the place of what was there. Another `unique` gives another key.
  void make_ak(std::uint32_t handle, ByteView unique);

  // Modulus of the EK by the RSA-2048 template of the TCG's EK profile; leaves nothing behind.
  Bytes ek_modulus();

  // Size in bytes; nothing when the index is not defined.
  std::optional<std::size_t> nv_size(std::uint32_t index);
  Bytes read_nv(std::uint32_t index);
  // Defines the index with kNvSizeLimit bytes as the platform's own (owner reads, platform writes)
  // when it is absent, and writes `content` padded with zeros.
  void write_platform_nv(std::uint32_t index, ByteView content);
  void undefine_platform_nv(std::uint32_t index);

  void extend_pcr(unsigned pcr, const Sha256Digest& digest);
  void shut_down();

 private:
  // Response parameters, after the parameter size where there is one.
  Bytes run(std::uint32_t code, ByteView handles, bool authorized, ByteView parameters);

  Transmit transmit_;
};

}  // namespace nodeproof::emulator
