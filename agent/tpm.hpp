// What the agent needs of a TPM, as an interface: the ESYS adapter implements it, tests fake it.
#pragma once

#include <stdexcept>
#include <string>

#include "attest/activation.hpp"
#include "attest/pcr.hpp"
#include "base/bytes.hpp"

namespace nodeproof::agent {

// Where Azure keeps things in a VM's TPM (azure-evidence 1.2, 1.3).
inline constexpr std::uint32_t kHclReportIndex = 0x01400001;
inline constexpr std::uint32_t kUserDataIndex = 0x01400002;
inline constexpr std::uint32_t kAkCertificateIndex = 0x01C101D0;
inline constexpr std::uint32_t kAkHandle = 0x81000003;

enum class TpmErrorKind {
  kNoTpm,         // nothing there, or nobody answers
  kNoAk,          // no key at kAkHandle
  kOwnerAuthSet,  // the owner hierarchy has a password; Azure leaves it empty
  kNvMissing,     // the index is not defined, or was never written
  kOther,
};

class TpmError : public std::runtime_error {
 public:
  TpmError(TpmErrorKind kind, const std::string& what) : std::runtime_error(what), kind_(kind) {}
  TpmErrorKind kind() const { return kind_; }

 private:
  TpmErrorKind kind_;
};

struct RawQuote {
  Bytes attest;     // TPMS_ATTEST
  Bytes signature;  // RSASSA, without its TPMT_SIGNATURE header
};

// Every call may block for as long as the TPM takes and throws TpmError. One thread at a time.
class Tpm {
 public:
  virtual ~Tpm() = default;

  virtual bool has_ak() = 0;
  virtual bool has_nv(std::uint32_t index) = 0;
  // The whole index, padding and all, by the size that the TPM reports.
  virtual Bytes read_nv(std::uint32_t index) = 0;
  // Writes kUserDataIndex; defines it first when it is absent or not ours to write.
  virtual void write_user_data(const Sha512Digest& value) = 0;
  // SHA-256 bank.
  virtual attest::PcrValues read_pcrs(attest::PcrSelection selection) = 0;
  // By the AK, over the SHA-256 bank.
  virtual RawQuote quote(attest::PcrSelection selection, const Sha256Digest& qualifying_data) = 0;
  // What the credential holds, if it is for the AK and the EK of this TPM.
  virtual ByteArray<32> activate(const attest::Credential& credential) = 0;
};

}  // namespace nodeproof::agent
