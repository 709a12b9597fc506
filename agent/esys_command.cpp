#include "agent/esys_command.hpp"

#include <tss2/tss2_rc.h>

#include <cstdio>

namespace nodeproof::agent {

std::string hex32(std::uint32_t value) {
  char text[16];
  (void)std::snprintf(text, sizeof text, "0x%08x", value);
  return text;
}

void check(TSS2_RC code, TpmSubject subject, const std::string& doing) {
  if (code == TSS2_RC_SUCCESS) return;
  throw TpmError(tpm_error_kind(code, subject),
                 doing + " failed: " + Tss2_RC_Decode(code) + " (" + hex32(code) + ")");
}

EsysObject::EsysObject(ESYS_CONTEXT* esys, TPM2_HANDLE handle, TpmSubject subject) : esys_(esys) {
  check(Esys_TR_FromTPMPublic(esys, handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &object_), subject,
        (subject == TpmSubject::kNv ? "looking up NV index " : "looking up key ") + hex32(handle));
}

}  // namespace nodeproof::agent
