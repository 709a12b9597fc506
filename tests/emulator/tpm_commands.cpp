#include "tests/emulator/tpm_commands.hpp"

#include "tests/emulator/swtpm.hpp"

namespace nodeproof::emulator {
namespace {

// TPM 2.0 part 2, 6.5.2 and 7.4.
constexpr std::uint32_t kEvictControl = 0x00000120;
constexpr std::uint32_t kNvUndefineSpace = 0x00000122;
constexpr std::uint32_t kNvDefineSpace = 0x0000012A;
constexpr std::uint32_t kCreatePrimary = 0x00000131;
constexpr std::uint32_t kNvWrite = 0x00000137;
constexpr std::uint32_t kNvRead = 0x0000014E;
constexpr std::uint32_t kShutdown = 0x00000145;
constexpr std::uint32_t kFlushContext = 0x00000165;
constexpr std::uint32_t kNvReadPublic = 0x00000169;
constexpr std::uint32_t kReadPublic = 0x00000173;
constexpr std::uint32_t kPcrExtend = 0x00000182;

constexpr std::uint32_t kOwner = 0x40000001;
constexpr std::uint32_t kEndorsement = 0x4000000B;
constexpr std::uint32_t kPlatform = 0x4000000C;

constexpr std::uint32_t kBadFirstHandle = 0x18B;  // TPM_RC_HANDLE of handle 1

// TPMA_NV: PPWRITE, PPREAD, OWNERREAD, AUTHREAD, NO_DA, PLATFORMCREATE. Azure's has AUTHWRITE in
// the place of PPWRITE.
constexpr std::uint32_t kPlatformNvAttributes =
    1U << 0U | 1U << 16U | 1U << 17U | 1U << 18U | 1U << 25U | 1U << 30U;

constexpr std::size_t kNvChunk = 1024;  // TPM_PT_NV_BUFFER_MAX
constexpr std::size_t kRsa2048Size = 256;

// One empty-password authorization: TPM_RS_PW, empty nonce, no attributes, empty password.
constexpr ByteArray<13> kEmptyPassword{0, 0, 0, 9, 0x40, 0, 0, 9, 0, 0, 0, 0, 0};

class Writer {
 public:
  Writer& u16(std::size_t value) {
    bytes_.push_back(static_cast<std::uint8_t>(value >> 8U & 0xffU));
    bytes_.push_back(static_cast<std::uint8_t>(value & 0xffU));
    return *this;
  }
  Writer& u32(std::uint32_t value) {
    append_be32(bytes_, value);
    return *this;
  }
  Writer& raw(ByteView bytes) {
    append(bytes_, bytes);
    return *this;
  }
  // TPM2B: a 16-bit size, then the bytes.
  Writer& sized(ByteView bytes) { return u16(bytes.size()).raw(bytes); }
  const Bytes& bytes() const { return bytes_; }

 private:
  Bytes bytes_;
};

Bytes handles(std::uint32_t first) {
  return Writer().u32(first).bytes();
}
Bytes handles(std::uint32_t first, std::uint32_t second) {
  return Writer().u32(first).u32(second).bytes();
}

std::uint32_t u32_at(ByteView bytes, std::size_t offset) {
  if (bytes.size() < offset + 4) throw std::runtime_error("the TPM's answer is too short");
  std::uint32_t value = 0;
  for (const std::uint8_t byte : bytes.subspan(offset, 4)) value = value << 8U | byte;
  return value;
}

// The TPM2B at `offset`.
ByteView sized_at(ByteView bytes, std::size_t offset) {
  if (bytes.size() >= offset + 2) {
    const std::size_t size = static_cast<std::size_t>(bytes[offset]) << 8U | bytes[offset + 1];
    if (bytes.size() >= offset + 2 + size) return bytes.subspan(offset + 2, size);
  }
  throw std::runtime_error("the TPM's answer is too short");
}

// TPMT_PUBLIC by Azure's AK template (azure-evidence 1.3): RSA, SHA-256, fixedTPM, fixedParent,
// sensitiveDataOrigin, userWithAuth, noDA, restricted, sign; no policy; RSASSA with SHA-256; 2048
// bits; e = 65537.
Bytes ak_template(ByteView unique) {
  return Writer()
      .u16(0x0001)
      .u16(0x000B)
      .u32(0x00050472)
      .u16(0)
      .u16(0x0010)
      .u16(0x0014)
      .u16(0x000B)
      .u16(2048)
      .u32(0)
      .sized(unique)
      .bytes();
}

// Likewise by the TCG's EK template: fixedTPM, fixedParent, sensitiveDataOrigin, adminWithPolicy, restricted,
// decrypt; PolicySecret of the endorsement hierarchy; AES-128-CFB.
Bytes ek_template() {
  const Bytes policy =
      from_hex("837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa", "policy").value();
  return Writer()
      .u16(0x0001)
      .u16(0x000B)
      .u32(0x000300B2)
      .sized(policy)
      .u16(0x0006)
      .u16(128)
      .u16(0x0043)
      .u16(0x0010)
      .u16(2048)
      .u32(0)
      .sized(Bytes(kRsa2048Size))
      .bytes();
}

}  // namespace

// Layout: header, authorizing handle u32, index u32, size of the authorizations u32, those,
// size u16, offset u16.
bool reads_from_start(ByteView command, std::uint32_t index) {
  constexpr std::size_t kParameters = 4;
  constexpr std::size_t kBeforeAuthorizations = kTpmHeaderSize + 12;
  if (command.size() < kBeforeAuthorizations + kParameters) return false;
  if (u32_at(command, 6) != kNvRead || u32_at(command, kTpmHeaderSize + 4) != index) return false;
  const std::size_t authorizations = u32_at(command, kTpmHeaderSize + 8);
  if (command.size() != kBeforeAuthorizations + authorizations + kParameters) return false;
  return all_zero(command.last(2));
}

Bytes TpmCommands::run(std::uint32_t code, ByteView handle_area, bool authorized, ByteView parameters) {
  const std::size_t size =
      kTpmHeaderSize + handle_area.size() + (authorized ? kEmptyPassword.size() : 0) + parameters.size();
  Writer command;
  command.u16(authorized ? 0x8002 : 0x8001).u32(static_cast<std::uint32_t>(size)).u32(code).raw(handle_area);
  if (authorized) command.raw(kEmptyPassword);
  command.raw(parameters);
  const Bytes response = transmit_(command.bytes());
  const std::uint32_t result = u32_at(response, 6);
  if (result != 0) {
    throw TpmRefusal("the TPM refused command 0x" + to_hex(Writer().u32(code).bytes()) + " with code 0x" +
                         to_hex(Writer().u32(result).bytes()),
                     result);
  }
  return Bytes(response.begin() + kTpmHeaderSize, response.end());
}

std::optional<Bytes> TpmCommands::rsa_modulus(std::uint32_t handle) {
  Bytes response;
  try {
    response = run(kReadPublic, handles(handle), false, {});
  } catch (const TpmRefusal& refusal) {
    if (refusal.code() == kBadFirstHandle) return std::nullopt;
    throw;
  }
  // The modulus is what TPMT_PUBLIC of an RSA key ends with.
  const ByteView area = sized_at(response, 0);
  if (area.size() < kRsa2048Size) throw std::runtime_error("the key in the AK's place is not RSA-2048");
  return to_bytes(area.last(kRsa2048Size));
}

void TpmCommands::make_ak(std::uint32_t handle, ByteView unique) {
  const Bytes no_sensitive = Writer().u16(0).u16(0).bytes();
  const Bytes made = run(kCreatePrimary, handles(kEndorsement), true,
                         Writer().sized(no_sensitive).sized(ak_template(unique)).sized({}).u32(0).bytes());
  const std::uint32_t transient = u32_at(made, 0);
  if (rsa_modulus(handle)) run(kEvictControl, handles(kOwner, handle), true, Writer().u32(handle).bytes());
  run(kEvictControl, handles(kOwner, transient), true, Writer().u32(handle).bytes());
  run(kFlushContext, {}, false, Writer().u32(transient).bytes());
}

Bytes TpmCommands::ek_modulus() {
  const Bytes no_sensitive = Writer().u16(0).u16(0).bytes();
  const Bytes made = run(kCreatePrimary, handles(kEndorsement), true,
                         Writer().sized(no_sensitive).sized(ek_template()).sized({}).u32(0).bytes());
  const std::uint32_t transient = u32_at(made, 0);
  const Bytes modulus = rsa_modulus(transient).value();
  run(kFlushContext, {}, false, Writer().u32(transient).bytes());
  return modulus;
}

std::optional<std::size_t> TpmCommands::nv_size(std::uint32_t index) {
  try {
    const Bytes response = run(kNvReadPublic, handles(index), false, {});
    const ByteView area = sized_at(response, 0);  // TPMS_NV_PUBLIC ends with dataSize u16
    return static_cast<std::size_t>(area[area.size() - 2]) << 8U | area[area.size() - 1];
  } catch (const TpmRefusal& refusal) {
    if (refusal.code() == kBadFirstHandle) return std::nullopt;
    throw;
  }
}

Bytes TpmCommands::read_nv(std::uint32_t index) {
  const std::size_t size = nv_size(index).value_or(0);
  Bytes content;
  while (content.size() < size) {
    const std::size_t chunk = std::min(kNvChunk, size - content.size());
    const Bytes response =
        run(kNvRead, handles(kOwner, index), true, Writer().u16(chunk).u16(content.size()).bytes());
    const ByteView data = sized_at(response, 4);
    if (data.empty()) throw std::runtime_error("the TPM gave no data of an NV index");
    append(content, data);
  }
  return content;
}

void TpmCommands::write_platform_nv(std::uint32_t index, ByteView content) {
  if (content.size() > kNvSizeLimit) {
    throw std::runtime_error(std::to_string(content.size()) + " bytes do not fit an NV index of " +
                             std::to_string(kNvSizeLimit));
  }
  if (!nv_size(index)) {
    const Bytes area =
        Writer().u32(index).u16(0x000B).u32(kPlatformNvAttributes).u16(0).u16(kNvSizeLimit).bytes();
    run(kNvDefineSpace, handles(kPlatform), true, Writer().sized({}).sized(area).bytes());
  }
  Bytes padded = to_bytes(content);
  padded.resize(kNvSizeLimit);
  for (std::size_t offset = 0; offset < padded.size(); offset += kNvChunk) {
    run(kNvWrite, handles(kPlatform, index), true,
        Writer().sized(ByteView(padded).subspan(offset, kNvChunk)).u16(offset).bytes());
  }
}

void TpmCommands::undefine_platform_nv(std::uint32_t index) {
  run(kNvUndefineSpace, handles(kPlatform, index), true, {});
}

void TpmCommands::extend_pcr(unsigned pcr, const Sha256Digest& digest) {
  run(kPcrExtend, handles(pcr), true, Writer().u32(1).u16(0x000B).raw(digest).bytes());
}

void TpmCommands::shut_down() {
  run(kShutdown, {}, false, Writer().u16(0).bytes());
}

}  // namespace nodeproof::emulator
