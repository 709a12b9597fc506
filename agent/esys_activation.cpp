#include "agent/esys_activation.hpp"

#include <cstring>

#include "agent/esys_command.hpp"

namespace nodeproof::agent {
namespace {

// A transient object or session, flushed at the end.
class Transient {
 public:
  explicit Transient(ESYS_CONTEXT* esys) : esys_(esys) {}
  Transient(const Transient&) = delete;
  Transient& operator=(const Transient&) = delete;
  ~Transient() {
    if (handle != ESYS_TR_NONE) (void)Esys_FlushContext(esys_, handle);
  }
  ESYS_TR handle = ESYS_TR_NONE;

 private:
  ESYS_CONTEXT* esys_;
};

// PolicySecret(TPM_RH_ENDORSEMENT), the policy of EKs by the TCG's RSA-2048 template (azure-evidence 1.3).
constexpr std::uint8_t kEkPolicy[] = {0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xB3, 0xF8, 0x1A, 0x90, 0xCC,
                                      0x8D, 0x46, 0xA5, 0xD7, 0x24, 0xFD, 0x52, 0xD7, 0x6E, 0x06, 0x52,
                                      0x0B, 0x64, 0xF2, 0xA1, 0xDA, 0x1B, 0x33, 0x14, 0x69, 0xAA};
constexpr UINT16 kRsa2048Bytes = 256;

TPM2B_PUBLIC ek_template() {
  TPM2B_PUBLIC out{};
  TPMT_PUBLIC& area = out.publicArea;
  area.type = TPM2_ALG_RSA;
  area.nameAlg = TPM2_ALG_SHA256;
  area.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
                          TPMA_OBJECT_ADMINWITHPOLICY | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT;
  area.authPolicy.size = sizeof kEkPolicy;
  std::memcpy(area.authPolicy.buffer, kEkPolicy, sizeof kEkPolicy);
  TPMS_RSA_PARMS& rsa = area.parameters.rsaDetail;
  rsa.symmetric.algorithm = TPM2_ALG_AES;
  rsa.symmetric.keyBits.aes = 128;
  rsa.symmetric.mode.aes = TPM2_ALG_CFB;
  rsa.scheme.scheme = TPM2_ALG_NULL;
  rsa.keyBits = 2048;
  area.unique.rsa.size = kRsa2048Bytes;
  return out;
}

// Nobody persists the EK of an Azure vTPM, but its template gives the same key each time
// (azure-evidence 1.3).
void make_ek(ESYS_CONTEXT* esys, Transient& ek) {
  const TPM2B_SENSITIVE_CREATE no_sensitive{};
  const TPM2B_PUBLIC shape = ek_template();
  const TPM2B_DATA no_outside_info{};
  const TPML_PCR_SELECTION no_pcrs{};
  check(Esys_CreatePrimary(esys, ESYS_TR_RH_ENDORSEMENT, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                           &no_sensitive, &shape, &no_outside_info, &no_pcrs, &ek.handle, nullptr, nullptr,
                           nullptr, nullptr),
        TpmSubject::kOther, "TPM2_CreatePrimary of the EK");
}

// Fulfils the EK's policy; the endorsement hierarchy has no password on Azure.
void begin_ek_session(ESYS_CONTEXT* esys, Transient& session) {
  TPMT_SYM_DEF no_encryption{};
  no_encryption.algorithm = TPM2_ALG_NULL;
  check(Esys_StartAuthSession(esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                              nullptr, TPM2_SE_POLICY, &no_encryption, TPM2_ALG_SHA256, &session.handle),
        TpmSubject::kOther, "TPM2_StartAuthSession");
  // It is ours to end, whatever becomes of the command that uses it.
  check(Esys_TRSess_SetAttributes(esys, session.handle, TPMA_SESSION_CONTINUESESSION,
                                  TPMA_SESSION_CONTINUESESSION),
        TpmSubject::kOther, "setting the session's attributes");
  const TPM2B_NONCE no_nonce{};
  const TPM2B_DIGEST any_command{};
  const TPM2B_NONCE no_reference{};
  check(Esys_PolicySecret(esys, ESYS_TR_RH_ENDORSEMENT, session.handle, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                          ESYS_TR_NONE, &no_nonce, &any_command, &no_reference, 0, nullptr, nullptr),
        TpmSubject::kOther, "TPM2_PolicySecret");
}

// False when it does not fit.
template <typename Tpm2b, std::size_t N>
bool fill(Tpm2b& out, BYTE (&buffer)[N], ByteView bytes) {
  if (bytes.size() > N) return false;
  out.size = static_cast<UINT16>(bytes.size());
  std::memcpy(buffer, bytes.data(), bytes.size());
  return true;
}

}  // namespace

ByteArray<32> activate_credential(ESYS_CONTEXT* esys, const attest::Credential& credential) {
  TPM2B_ID_OBJECT id_object{};
  TPM2B_ENCRYPTED_SECRET seed{};
  if (!fill(id_object, id_object.credential, credential.id_object) ||
      !fill(seed, seed.secret, credential.encrypted_seed)) {
    throw TpmError(TpmErrorKind::kOther, "the credential is longer than any of a TPM");
  }
  const EsysObject ak(esys, kAkHandle, TpmSubject::kAk);
  Transient ek(esys);
  Transient session(esys);
  make_ek(esys, ek);
  begin_ek_session(esys, session);
  TPM2B_DIGEST* held_out = nullptr;
  check(Esys_ActivateCredential(esys, ak.get(), ek.handle, ESYS_TR_PASSWORD, session.handle, ESYS_TR_NONE,
                                &id_object, &seed, &held_out),
        TpmSubject::kOther, "TPM2_ActivateCredential");
  const Returned<TPM2B_DIGEST> held(held_out);
  ByteArray<32> out{};
  if (held->size != out.size())
    throw TpmError(TpmErrorKind::kOther, "the credential holds something else than 32 bytes");
  std::memcpy(out.data(), held->buffer, out.size());
  return out;
}

}  // namespace nodeproof::agent
