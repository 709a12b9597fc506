// The outer shape of DER objects and of the PEM blocks around them. For attest's own .cpp files.
#pragma once

#include <openssl/ossl_typ.h>

#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/time.hpp"

namespace nodeproof::attest {

// The size of the SEQUENCE at the front of `bytes`, header included. DER: the shortest length form.
Result<std::size_t> outer_size(ByteView bytes, std::string_view where);

// As outer_size, but the SEQUENCE must be all there is.
Status single_object(ByteView der, std::string_view where);

// What a file holds one after another, in PEM (with this label) or DER, with white space between.
struct ObjectKind {
  std::string_view pem_label;  // "CERTIFICATE"
  std::string_view name;       // "certificate"
  std::size_t limit;           // of objects
};
struct LocatedDer {
  Bytes der;
  std::string where;  // "FILE certificate 2"
};
Result<std::vector<LocatedDer>> split_objects(ByteView pem_or_der, const ObjectKind& kind,
                                              std::string_view where);

// Under a signature we accept SHA-256, SHA-384 and SHA-512; `nid` is OpenSSL's number of a hash.
bool is_accepted_hash(int nid);

// Nothing when it is no time.
std::optional<UnixTime> to_time(const ASN1_TIME* time);

// A distinguished name in the form of RFC 2253, most specific part first, of bounded length; control
// characters are escaped.
std::string to_text(const X509_NAME* name);

}  // namespace nodeproof::attest
