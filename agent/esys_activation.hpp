// TPM2_ActivateCredential by the platform's AK and the EK of the TCG's template. Internal to esys_*.cpp.
#pragma once

#include <tss2/tss2_esys.h>

#include "attest/activation.hpp"
#include "base/bytes.hpp"

namespace nodeproof::agent {

// What `credential` holds, which only the TPM that it was made for gives away. Makes the EK and flushes it
// again. Throws TpmError: kNoAk without a key at kAkHandle.
ByteArray<32> activate_credential(ESYS_CONTEXT* esys, const attest::Credential& credential);

}  // namespace nodeproof::agent
