// Number 15 by the EK: credentials that only the TPM of an EK can open, and only while it holds an object of
// that Name (TPM 2.0 part 1, 24; TPM2_MakeCredential of part 3, 12.6, done outside a TPM).
#pragma once

#include "attest/crypto.hpp"

namespace nodeproof::attest {

// As TPM2_ActivateCredential takes them: the contents of TPM2B_ID_OBJECT and TPM2B_ENCRYPTED_SECRET.
struct Credential {
  Bytes id_object;
  Bytes encrypted_seed;
};

// Holds `secret` for the object named `name` in the TPM whose EK, by the RSA-2048 template of the TCG's EK
// profile (SHA-256, AES-128 in CFB mode), has this modulus. `seed`: from a generator that nobody can
// foretell, new for each. RSA-OAEP adds randomness of OpenSSL's own.
Result<Credential> make_credential(ByteView ek_modulus, ByteView name, const ByteArray<32>& secret,
                                   const ByteArray<32>& seed);

}  // namespace nodeproof::attest
