// What every command through tpm2-tss' ESYS needs: its outcome as a TpmError, and owners of what it leaves
// behind. Internal to esys_*.cpp: no other header names a type of tpm2-tss.
#pragma once

#include <tss2/tss2_esys.h>

#include <string>

#include "agent/esys_tpm.hpp"
#include "base/unique_handle.hpp"

namespace nodeproof::agent {

template <typename T>
using Returned = UniqueHandle<T, Esys_Free>;  // what an Esys_ call allocated

// 0x and eight digits, as the tools of a TPM print handles and response codes.
std::string hex32(std::uint32_t value);

// Throws a TpmError of tpm_error_kind(code, subject), unless `code` is success; `doing` names the command.
void check(TSS2_RC code, TpmSubject subject, const std::string& doing);

// A handle of ESYS for a TPM object: only its metadata is released, the object stays. `esys` must outlive it.
class EsysObject {
 public:
  // Throws TpmError: kNoAk or kNvMissing when the TPM has none at `handle`.
  EsysObject(ESYS_CONTEXT* esys, TPM2_HANDLE handle, TpmSubject subject);
  EsysObject(const EsysObject&) = delete;
  EsysObject& operator=(const EsysObject&) = delete;
  ~EsysObject() { Esys_TR_Close(esys_, &object_); }
  ESYS_TR get() const { return object_; }

 private:
  ESYS_CONTEXT* esys_;
  ESYS_TR object_ = ESYS_TR_NONE;
};

}  // namespace nodeproof::agent
