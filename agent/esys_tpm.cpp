#include "agent/esys_tpm.hpp"

#include <tss2/tss2_tctildr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "agent/esys_activation.hpp"
#include "agent/esys_command.hpp"

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

// The layer byte is 0 for codes of the TPM itself, another for those of the software stack.
bool is_tpm_code(TSS2_RC code) {
  return (code & TSS2_RC_LAYER_MASK) == TSS2_TPM_RC_LAYER;
}

// A code without the number of the handle, parameter or session that it is about.
TSS2_RC bare_code(TSS2_RC code) {
  return (code & TPM2_RC_FMT1) != 0 ? code & (TPM2_RC_FMT1 | 0x3fU) : code;
}

// Nothing is wrong with the connection: the thing is not there.
bool is_absence(const TpmError& error) {
  return error.kind() == TpmErrorKind::kNvMissing || error.kind() == TpmErrorKind::kNoAk;
}

struct NvShape {
  UINT16 size;
  TPMA_NV attributes;
};

NvShape nv_shape(ESYS_CONTEXT* esys, const EsysObject& index) {
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
    const EsysObject index(esys, kUserDataIndex, TpmSubject::kNv);
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
      const EsysObject object(esys, handle, subject);
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
    const EsysObject object(esys, index, TpmSubject::kNv);
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
    const EsysObject index(esys, kUserDataIndex, TpmSubject::kNv);
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
    const EsysObject ak(esys, kAkHandle, TpmSubject::kAk);
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
  return with_context([&](ESYS_CONTEXT* esys) { return activate_credential(esys, credential); });
}

}  // namespace nodeproof::agent
