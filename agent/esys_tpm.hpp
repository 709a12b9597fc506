// The one place that talks to a TPM: tpm2-tss' ESYS, in process.
#pragma once

#include <memory>
#include <string>

#include "agent/tpm.hpp"

namespace nodeproof::agent {

// What a failed command was about: the same response code means another thing for each.
enum class TpmSubject { kConnection, kAk, kNv, kOther };

// The meaning of a TSS2 or TPM response code (TPM 2.0 part 2, 6.6; azure-evidence 6.6).
TpmErrorKind tpm_error_kind(std::uint32_t response_code, TpmSubject subject);

// Opens the TPM at the first use and again after every error, so that a TPM which comes back is
// found. Sends nothing at construction. Not thread-safe.
class EsysTpm final : public Tpm {
 public:
  // `tcti` as tpm2-tss takes it: "device:/dev/tpmrm0", "swtpm:host=127.0.0.1,port=2321". Silences
  // tpm2-tss' own log unless TSS2_LOG is set, so construct it before starting threads.
  explicit EsysTpm(std::string tcti);
  ~EsysTpm() override;

  bool has_ak() override;
  bool has_nv(std::uint32_t index) override;
  Bytes read_nv(std::uint32_t index) override;
  void write_user_data(const Sha512Digest& value) override;
  attest::PcrValues read_pcrs(attest::PcrSelection selection) override;
  RawQuote quote(attest::PcrSelection selection, const Sha256Digest& qualifying_data) override;
  ByteArray<32> activate(const attest::Credential& credential) override;

 private:
  struct Context;
  template <typename Use>
  auto with_context(Use use);
  bool exists(std::uint32_t handle, TpmSubject subject);

  std::string tcti_;
  std::unique_ptr<Context> context_;
};

}  // namespace nodeproof::agent
