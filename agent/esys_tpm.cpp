#include "agent/esys_tpm.hpp"

#include <tss2/tss2_esys.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "base/unique_handle.hpp"

namespace nodeproof::agent {
namespace {

constexpr UINT16 kUserDataSize = 64;
// For the owner and for the index's own empty password, as Azure's tool defines it; the paravisor
// reads it by owner authorization.
constexpr TPMA_NV kUserDataAttributes =
    TPMA_NV_OWNERWRITE | TPMA_NV_OWNERREAD | TPMA_NV_AUTHWRITE | TPMA_NV_AUTHREAD;
constexpr TPMA_NV kUserDataNeeds = TPMA_NV_OWNERWRITE | TPMA_NV_OWNERREAD;

void finalize_tcti(TSS2_TCTI_CONTEXT* context) {
  Tss2_TctiLdr_Finalize(&context);
}
void finalize_esys(ESYS_CONTEXT* context) {
  Esys_Finalize(&context);
}

template <typename T>
using Returned = UniqueHandle<T, Esys_Free>;  // what an Esys_ call allocated

std::string hex32(std::uint32_t value) {
  char text[16];
  (void)std::snprintf(text, sizeof text, "0x%08x", value);
  return text;
}

// The layer byte is 0 for codes of the TPM itself, another for those of the software stack.
bool is_tpm_code(TSS2_RC code) {
  return (code & TSS2_RC_LAYER_MASK) == TSS2_TPM_RC_LAYER;
}

// A code without the number of the handle, parameter or session that it is about.
TSS2_RC bare_code(TSS2_RC code) {
  return (code & TPM2_RC_FMT1) != 0 ? code & (TPM2_RC_FMT1 | 0x3fU) : code;
}

void check(TSS2_RC code, TpmSubject subject, const std::string& doing) {
  if (code == TSS2_RC_SUCCESS) return;
  throw TpmError(tpm_error_kind(code, subject),
                 doing + " failed: " + Tss2_RC_Decode(code) + " (" + hex32(code) + ")");
}

// Nothing is wrong with the connection: the thing is not there.
bool is_absence(const TpmError& error) {
  return error.kind() == TpmErrorKind::kNvMissing || error.kind() == TpmErrorKind::kNoAk;
}

// A handle of ESYS for a TPM object: only its metadata is released, the object stays.
class Object {
 public:
  Object(ESYS_CONTEXT* esys, TPM2_HANDLE handle, TpmSubject subject) : esys_(esys) {
    check(Esys_TR_FromTPMPublic(esys, handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &object_), subject,
          (subject == TpmSubject::kNv ? "looking up NV index " : "looking up key ") + hex32(handle));
  }
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;
  ~Object() { Esys_TR_Close(esys_, &object_); }
  ESYS_TR get() const { return object_; }

 private:
  ESYS_CONTEXT* esys_;
  ESYS_TR object_ = ESYS_TR_NONE;
};

struct NvShape {
  UINT16 size;
  TPMA_NV attributes;
};

NvShape nv_shape(ESYS_CONTEXT* esys, const Object& index) {
  TPM2B_NV_PUBLIC* out = nullptr;
  check(Esys_NV_ReadPublic(esys, index.get(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &out, nullptr),
        TpmSubject::kNv, "TPM2_NV_ReadPublic");
  const Returned<TPM2B_NV_PUBLIC> shape(out);
  return {shape->nvPublic.dataSize, shape->nvPublic.attributes};
}

// TPM_PT_NV_BUFFER_MAX: 1024 on Azure and swtpm.
UINT16 nv_chunk(ESYS_CONTEXT* esys) {
  TPMS_CAPABILITY_DATA* out = nullptr;
  check(Esys_GetCapability(esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, TPM2_CAP_TPM_PROPERTIES,
                           TPM2_PT_NV_BUFFER_MAX, 1, nullptr, &out),
        TpmSubject::kOther, "TPM2_GetCapability");
  const Returned<TPMS_CAPABILITY_DATA> data(out);
  const TPML_TAGGED_TPM_PROPERTY& properties = data->data.tpmProperties;
  if (properties.count != 1 || properties.tpmProperty[0].property != TPM2_PT_NV_BUFFER_MAX ||
      properties.tpmProperty[0].value == 0) {
    throw TpmError(TpmErrorKind::kOther, "the TPM does not tell its TPM_PT_NV_BUFFER_MAX");
  }
  return static_cast<UINT16>(std::min<UINT32>(properties.tpmProperty[0].value, TPM2_MAX_NV_BUFFER_SIZE));
}

void define_user_data(ESYS_CONTEXT* esys) {
  const TPM2B_AUTH no_password{};
  TPM2B_NV_PUBLIC shape{};
  shape.nvPublic.nvIndex = kUserDataIndex;
  shape.nvPublic.nameAlg = TPM2_ALG_SHA256;
  shape.nvPublic.attributes = kUserDataAttributes;
  shape.nvPublic.dataSize = kUserDataSize;
  ESYS_TR made = ESYS_TR_NONE;
  check(Esys_NV_DefineSpace(esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                            &no_password, &shape, &made),
        TpmSubject::kNv, "TPM2_NV_DefineSpace " + hex32(kUserDataIndex));
  Esys_TR_Close(esys, &made);
}

// Leaves kUserDataIndex defined so that the owner can write 64 bytes to it.
void ensure_user_data(ESYS_CONTEXT* esys) {
  try {
    const Object index(esys, kUserDataIndex, TpmSubject::kNv);
    const NvShape shape = nv_shape(esys, index);
    if (shape.size == kUserDataSize && (shape.attributes & kUserDataNeeds) == kUserDataNeeds) return;
    check(Esys_NV_UndefineSpace(esys, ESYS_TR_RH_OWNER, index.get(), ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                ESYS_TR_NONE),
          TpmSubject::kNv, "TPM2_NV_UndefineSpace " + hex32(kUserDataIndex));
  } catch (const TpmError& e) {
    if (e.kind() != TpmErrorKind::kNvMissing) throw;
  }
  define_user_data(esys);
}

TPML_PCR_SELECTION to_tpm(attest::PcrSelection selection) {
  TPML_PCR_SELECTION out{};
  out.count = 1;
  out.pcrSelections[0].hash = TPM2_ALG_SHA256;
  out.pcrSelections[0].sizeofSelect = 3;
  for (unsigned i = 0; i < 3; ++i) {
    out.pcrSelections[0].pcrSelect[i] = static_cast<BYTE>(selection.bits() >> (8 * i) & 0xffU);
  }
  return out;
}

attest::PcrSelection from_tpm(const TPML_PCR_SELECTION& selection) {
  if (selection.count != 1 || selection.pcrSelections[0].hash != TPM2_ALG_SHA256) return {};
  std::uint32_t bits = 0;
  for (unsigned i = 0; i < std::min<unsigned>(3, selection.pcrSelections[0].sizeofSelect); ++i) {
    bits |= static_cast<std::uint32_t>(selection.pcrSelections[0].pcrSelect[i]) << (8 * i);
  }
  return attest::PcrSelection(bits);
}

// One TPM2_PCR_Read, which gives at most 8 values; adds them and tells which they were.
attest::PcrSelection read_some_pcrs(ESYS_CONTEXT* esys, attest::PcrSelection wanted,
                                    attest::PcrValues& values) {
  const TPML_PCR_SELECTION in = to_tpm(wanted);
  TPML_PCR_SELECTION* selection_out = nullptr;
  TPML_DIGEST* digests_out = nullptr;
  check(Esys_PCR_Read(esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &in, nullptr, &selection_out,
                      &digests_out),
        TpmSubject::kOther, "TPM2_PCR_Read");
  const Returned<TPML_PCR_SELECTION> selection(selection_out);
  const Returned<TPML_DIGEST> digests(digests_out);
  const attest::PcrSelection read = from_tpm(*selection);
  UINT32 next = 0;
  for (unsigned pcr = 0; pcr < attest::kPcrCount; ++pcr) {
    if (!read.contains(pcr)) continue;
    if (next >= digests->count || digests->digests[next].size != sizeof(Sha256Digest)) return {};
    std::memcpy(values[pcr].data(), digests->digests[next++].buffer, sizeof(Sha256Digest));
  }
  return read;
}

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

// Why a device cannot be opened, which tpm2-tss does not tell; nothing for other TCTIs.
std::optional<TpmError> device_problem(const std::string& tcti) {
  constexpr std::string_view kPrefix = "device:";
  if (!tcti.starts_with(kPrefix)) return std::nullopt;
  const std::string path = tcti.substr(kPrefix.size());
  if (::access(path.c_str(), R_OK | W_OK) == 0) return std::nullopt;
  const int reason = errno;
  const bool absent = reason == ENOENT || reason == ENOTDIR || reason == ENXIO || reason == ENODEV;
  return TpmError(absent ? TpmErrorKind::kNoTpm : TpmErrorKind::kOther, path + ": " + std::strerror(reason));
}

}  // namespace

TpmErrorKind tpm_error_kind(std::uint32_t response_code, TpmSubject subject) {
  if (subject == TpmSubject::kConnection) return TpmErrorKind::kNoTpm;
  if (!is_tpm_code(response_code)) return TpmErrorKind::kOther;
  const TSS2_RC code = bare_code(response_code);
  const bool bad_auth = code == TPM2_RC_BAD_AUTH || code == TPM2_RC_AUTH_FAIL;
  if (code == TPM2_RC_HANDLE && subject == TpmSubject::kAk) return TpmErrorKind::kNoAk;
  if (code == TPM2_RC_HANDLE && subject == TpmSubject::kNv) return TpmErrorKind::kNvMissing;
  if (code == TPM2_RC_NV_UNINITIALIZED) return TpmErrorKind::kNvMissing;
  // NV indices are read and written by the owner's authorization.
  if (bad_auth && subject == TpmSubject::kNv) return TpmErrorKind::kOwnerAuthSet;
  return TpmErrorKind::kOther;
}

// ESYS uses the TCTI until it is finalized, so it is declared last and destroyed first.
struct EsysTpm::Context {
  UniqueHandle<TSS2_TCTI_CONTEXT, finalize_tcti> tcti;
  UniqueHandle<ESYS_CONTEXT, finalize_esys> esys;

  explicit Context(const std::string& name) {
    if (const auto problem = device_problem(name)) throw TpmError(*problem);
    TSS2_TCTI_CONTEXT* tcti_out = nullptr;
    check(Tss2_TctiLdr_Initialize(name.c_str(), &tcti_out), TpmSubject::kConnection,
          "opening the TPM at " + name);
    tcti.reset(tcti_out);
    ESYS_CONTEXT* esys_out = nullptr;
    check(Esys_Initialize(&esys_out, tcti.get(), nullptr), TpmSubject::kConnection,
          "starting ESYS on " + name);
    esys.reset(esys_out);
  }
};

EsysTpm::EsysTpm(std::string tcti) : tcti_(std::move(tcti)) {
  ::setenv("TSS2_LOG", "all+none", 0);
}
EsysTpm::~EsysTpm() = default;

// Absence is an answer; after any other error the connection may be in any state.
template <typename Use>
auto EsysTpm::with_context(Use use) {
  if (!context_) context_ = std::make_unique<Context>(tcti_);
  try {
    return use(context_->esys.get());
  } catch (const TpmError& e) {
    if (!is_absence(e)) context_.reset();
    throw;
  }
}

bool EsysTpm::exists(std::uint32_t handle, TpmSubject subject) {
  return with_context([&](ESYS_CONTEXT* esys) {
    try {
      const Object object(esys, handle, subject);
      return true;
    } catch (const TpmError& e) {
      if (is_absence(e)) return false;
      throw;
    }
  });
}

bool EsysTpm::has_ak() {
  return exists(kAkHandle, TpmSubject::kAk);
}
bool EsysTpm::has_nv(std::uint32_t index) {
  return exists(index, TpmSubject::kNv);
}

Bytes EsysTpm::read_nv(std::uint32_t index) {
  return with_context([index](ESYS_CONTEXT* esys) {
    const Object object(esys, index, TpmSubject::kNv);
    const std::size_t size = nv_shape(esys, object).size;
    const std::size_t chunk = nv_chunk(esys);
    Bytes out;
    while (out.size() < size) {
      const std::size_t want = std::min(chunk, size - out.size());
      TPM2B_MAX_NV_BUFFER* data_out = nullptr;
      check(Esys_NV_Read(esys, ESYS_TR_RH_OWNER, object.get(), ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                         static_cast<UINT16>(want), static_cast<UINT16>(out.size()), &data_out),
            TpmSubject::kNv, "TPM2_NV_Read " + hex32(index));
      const Returned<TPM2B_MAX_NV_BUFFER> data(data_out);
      if (data->size != want)
        throw TpmError(TpmErrorKind::kOther, "TPM2_NV_Read " + hex32(index) + " came short");
      append(out, {data->buffer, data->size});
    }
    return out;
  });
}

void EsysTpm::write_user_data(const Sha512Digest& value) {
  with_context([&value](ESYS_CONTEXT* esys) {
    ensure_user_data(esys);
    const Object index(esys, kUserDataIndex, TpmSubject::kNv);
    TPM2B_MAX_NV_BUFFER data{};
    static_assert(sizeof value == kUserDataSize);
    data.size = kUserDataSize;
    std::memcpy(data.buffer, value.data(), value.size());
    check(Esys_NV_Write(esys, ESYS_TR_RH_OWNER, index.get(), ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                        &data, 0),
          TpmSubject::kNv, "TPM2_NV_Write " + hex32(kUserDataIndex));
    return Ok{};
  });
}

attest::PcrValues EsysTpm::read_pcrs(attest::PcrSelection selection) {
  return with_context([selection](ESYS_CONTEXT* esys) {
    attest::PcrValues values;
    for (std::uint32_t left = selection.bits(); left != 0;) {
      const attest::PcrSelection read = read_some_pcrs(esys, attest::PcrSelection(left), values);
      if ((read.bits() & left) == 0) {
        throw TpmError(TpmErrorKind::kOther, "TPM2_PCR_Read gave no values: is the SHA-256 bank allocated?");
      }
      left &= ~read.bits();
    }
    return values;
  });
}

RawQuote EsysTpm::quote(attest::PcrSelection selection, const Sha256Digest& qualifying_data) {
  return with_context([&](ESYS_CONTEXT* esys) {
    const Object ak(esys, kAkHandle, TpmSubject::kAk);
    TPM2B_DATA qualifying{};
    qualifying.size = static_cast<UINT16>(qualifying_data.size());
    std::memcpy(qualifying.buffer, qualifying_data.data(), qualifying_data.size());
    TPMT_SIG_SCHEME scheme{};
    scheme.scheme = TPM2_ALG_NULL;  // the key's own
    const TPML_PCR_SELECTION pcrs = to_tpm(selection);
    TPM2B_ATTEST* attest_out = nullptr;
    TPMT_SIGNATURE* signature_out = nullptr;
    check(Esys_Quote(esys, ak.get(), ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &qualifying, &scheme,
                     &pcrs, &attest_out, &signature_out),
          TpmSubject::kAk, "TPM2_Quote");
    const Returned<TPM2B_ATTEST> attest(attest_out);
    const Returned<TPMT_SIGNATURE> signature(signature_out);
    if (signature->sigAlg != TPM2_ALG_RSASSA || signature->signature.rsassa.hash != TPM2_ALG_SHA256) {
      throw TpmError(TpmErrorKind::kOther,
                     "the key at " + hex32(kAkHandle) +
                         " does not sign by RSASSA with SHA-256: it is not the platform's AK");
    }
    const TPM2B_PUBLIC_KEY_RSA& raw = signature->signature.rsassa.sig;
    return RawQuote{to_bytes({attest->attestationData, attest->size}), to_bytes({raw.buffer, raw.size})};
  });
}

ByteArray<32> EsysTpm::activate(const attest::Credential& credential) {
  TPM2B_ID_OBJECT id_object{};
  TPM2B_ENCRYPTED_SECRET seed{};
  if (!fill(id_object, id_object.credential, credential.id_object) ||
      !fill(seed, seed.secret, credential.encrypted_seed)) {
    throw TpmError(TpmErrorKind::kOther, "the credential is longer than any of a TPM");
  }
  return with_context([&](ESYS_CONTEXT* esys) {
    const Object ak(esys, kAkHandle, TpmSubject::kAk);
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
  });
}

}  // namespace nodeproof::agent
