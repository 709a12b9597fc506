#include "attest/revocation_list.hpp"

#include <openssl/objects.h>
#include <openssl/rsa.h>

#include <algorithm>

#include "attest/der.hpp"
#include "attest/openssl_scope.hpp"

namespace nodeproof::attest {
namespace {

using PssParameters = UniqueHandle<RSA_PSS_PARAMS, RSA_PSS_PARAMS_free>;
using ListHandle = UniqueHandle<X509_CRL, X509_CRL_free>;

int hash_of(const X509_ALGOR* algorithm) {
  const ASN1_OBJECT* object = nullptr;
  X509_ALGOR_get0(&object, nullptr, nullptr, algorithm);
  return OBJ_obj2nid(object);
}

// The hash under a signature. RSASSA-PSS names it in its parameters, the others in their own name.
int hash_under(const X509_ALGOR* algorithm) {
  const ASN1_OBJECT* object = nullptr;
  int type = V_ASN1_UNDEF;
  const void* value = nullptr;
  X509_ALGOR_get0(&object, &type, &value, algorithm);
  const int scheme = OBJ_obj2nid(object);
  int hash = NID_undef;
  if (scheme != NID_rsassaPss) return OBJ_find_sigid_algs(scheme, &hash, nullptr) == 1 ? hash : NID_undef;
  if (type != V_ASN1_SEQUENCE) return NID_undef;
  const PssParameters parameters(static_cast<RSA_PSS_PARAMS*>(
      ASN1_item_unpack(static_cast<const ASN1_STRING*>(value), ASN1_ITEM_rptr(RSA_PSS_PARAMS))));
  if (parameters == nullptr || parameters->hashAlgorithm == nullptr) return NID_undef;
  return hash_of(parameters->hashAlgorithm);
}

std::size_t der_header_size(ByteView der) {
  return der[1] < 0x80 ? 2 : 2 + (der[1] & 0x7fU);
}

// The algorithm stands under the signature and again beside it; for lists OpenSSL 3.0 leaves it to us to
// compare the two (RFC 5280 5.1.1.2). `der`: a list of version 2 that d2i_X509_CRL took.
bool names_one_algorithm(ByteView der, const X509_CRL* crl) {
  const X509_ALGOR* beside = nullptr;
  X509_CRL_get0_signature(crl, nullptr, &beside);
  std::uint8_t* raw = nullptr;
  const int size = i2d_X509_ALGOR(beside, &raw);
  const UniqueHandle<std::uint8_t, [](void* memory) { OPENSSL_free(memory); }> owner(raw);
  require_openssl(size > 0, "i2d_X509_ALGOR");
  constexpr std::size_t kVersionSize = 3;  // INTEGER 1
  const ByteView tbs = der.subspan(der_header_size(der));
  const ByteView under = tbs.subspan(der_header_size(tbs) + kVersionSize);
  const auto length = static_cast<std::size_t>(size);
  return under.size() >= length && equal(under.first(length), {raw, length});
}

bool has_critical(const STACK_OF(X509_EXTENSION) * extensions) {
  for (int i = 0; i < sk_X509_EXTENSION_num(extensions); ++i) {
    if (X509_EXTENSION_get_critical(sk_X509_EXTENSION_value(extensions, i)) != 0) return true;
  }
  return false;
}

std::string quoted(const std::string& name) {
  return "'" + name + "'";
}

// The lists of one CA of the chain, in the order in which they were supplied.
using ListsOfIssuer = std::vector<const RevocationList*>;

ListsOfIssuer lists_of(const Certificate& ca, std::span<const RevocationList> lists) {
  ListsOfIssuer out;
  for (const RevocationList& list : lists) {
    if (list.names_as_issuer(ca)) out.push_back(&list);
  }
  return out;
}

std::optional<RevocationProblem> not_authentic(const ListsOfIssuer& lists, const Certificate& ca,
                                               std::string_view address) {
  const std::string remedy =
      "supply the list that " + quoted(ca.subject_common_name()) + " publishes at " + std::string(address);
  if (!lists.empty() && !ca.may_sign_lists()) {
    return RevocationProblem{"crl-issuer",
                             quoted(ca.subject()) + " is not a CA that may sign revocation lists",
                             "take the list that names it as issuer away"};
  }
  for (const RevocationList* list : lists) {
    if (list->is_signed_by(ca)) continue;
    return RevocationProblem{
        "crl-signature-invalid",
        "the revocation list of " + quoted(list->issuer()) + " was not signed by its key", remedy};
  }
  return std::nullopt;
}

std::optional<RevocationProblem> revoked(const ListsOfIssuer& lists, const Certificate& certificate) {
  for (const RevocationList* list : lists) {
    const auto since = list->revoked_at(certificate);
    if (!since) continue;
    return RevocationProblem{"revoked",
                             quoted(certificate.subject_common_name()) + " (serial " +
                                 certificate.serial_hex() + ") was revoked at " + to_rfc3339(*since) +
                                 " by " + quoted(list->issuer()),
                             "use the certificates that replaced it; what it signed proves nothing"};
  }
  return std::nullopt;
}

const RevocationList& newest_of(const ListsOfIssuer& lists) {
  return **std::max_element(lists.begin(), lists.end(),
                            [](const auto* a, const auto* b) { return a->this_update() < b->this_update(); });
}

std::optional<RevocationProblem> out_of_date(const ListsOfIssuer& lists, UnixTime now,
                                             std::string_view address) {
  const RevocationList& newest = newest_of(lists);
  const std::string name = "the revocation list of " + quoted(newest.issuer());
  if (now < newest.this_update()) {
    return RevocationProblem{"crl-not-yet-valid", name + " is of " + to_rfc3339(newest.this_update()),
                             "check the clock of the verifier"};
  }
  if (now > newest.next_update()) {
    return RevocationProblem{
        "crl-expired", name + " was to be replaced by " + to_rfc3339(newest.next_update()),
        "fetch it anew from " + std::string(address) + ", or take it away to verify without it"};
  }
  return std::nullopt;
}

}  // namespace

Result<RevocationList> RevocationList::parse_der(ByteView der, std::string_view where) {
  const OpensslScope scope;
  const auto bad = [&](Errc code, std::string detail) {
    return Error{code, std::string(where), std::move(detail)};
  };
  NODEPROOF_CHECK(single_object(der, where));
  const std::uint8_t* position = der.data();
  ListHandle crl(d2i_X509_CRL(nullptr, &position, static_cast<long>(der.size())));
  if (crl == nullptr || position != der.data() + der.size()) {
    return bad(Errc::kBadValue, "is not an X.509 revocation list");
  }
  if (X509_CRL_get_version(crl.get()) != X509_CRL_VERSION_2) {
    return bad(Errc::kUnsupported, "is not of version 2");
  }
  if (!names_one_algorithm(der, crl.get())) {
    return bad(Errc::kBadValue, "names two different signature algorithms");
  }
  const auto this_update = to_time(X509_CRL_get0_lastUpdate(crl.get()));
  if (!this_update) return bad(Errc::kBadValue, "has a thisUpdate that is no time");
  if (X509_CRL_get0_nextUpdate(crl.get()) == nullptr) return bad(Errc::kMissing, "has no nextUpdate");
  const auto next_update = to_time(X509_CRL_get0_nextUpdate(crl.get()));
  if (!next_update) return bad(Errc::kBadValue, "has a nextUpdate that is no time");
  if (has_critical(X509_CRL_get0_extensions(crl.get()))) {
    return bad(Errc::kUnsupported, "has a critical extension: it is a partial or indirect list");
  }
  const STACK_OF(X509_REVOKED)* entries = X509_CRL_get_REVOKED(crl.get());
  for (int i = 0; i < sk_X509_REVOKED_num(entries); ++i) {
    const X509_REVOKED* entry = sk_X509_REVOKED_value(entries, i);
    const std::string name = "entry " + std::to_string(i + 1);
    if (!to_time(X509_REVOKED_get0_revocationDate(entry))) {
      return bad(Errc::kBadValue, name + " has a date that is no time");
    }
    if (has_critical(X509_REVOKED_get0_extensions(entry))) {
      return bad(Errc::kUnsupported, name + " has a critical extension");
    }
  }
  RevocationList list;
  list.der_ = to_bytes(der);
  list.crl_ = std::move(crl);
  list.this_update_ = *this_update;
  list.next_update_ = *next_update;
  return list;
}

std::string RevocationList::issuer() const {
  return to_text(X509_CRL_get_issuer(crl_.get()));
}

bool RevocationList::names_as_issuer(const Certificate& ca) const {
  return X509_NAME_cmp(X509_CRL_get_issuer(crl_.get()), X509_get_subject_name(ca.handle())) == 0;
}

bool RevocationList::is_signed_by(const Certificate& ca) const {
  const OpensslScope scope;
  if (!names_as_issuer(ca)) return false;
  const X509_ALGOR* algorithm = nullptr;
  X509_CRL_get0_signature(crl_.get(), nullptr, &algorithm);
  return is_accepted_hash(hash_under(algorithm)) &&
         X509_CRL_verify(crl_.get(), X509_get0_pubkey(ca.handle())) == 1;
}

std::optional<UnixTime> RevocationList::revoked_at(const Certificate& certificate) const {
  const OpensslScope scope;
  const ASN1_INTEGER* serial = X509_get0_serialNumber(certificate.handle());
  const STACK_OF(X509_REVOKED)* entries = X509_CRL_get_REVOKED(crl_.get());
  for (int i = 0; i < sk_X509_REVOKED_num(entries); ++i) {
    const X509_REVOKED* entry = sk_X509_REVOKED_value(entries, i);
    if (ASN1_INTEGER_cmp(X509_REVOKED_get0_serialNumber(entry), serial) == 0) {
      return to_time(X509_REVOKED_get0_revocationDate(entry));  // parse_der has made sure that it is one
    }
  }
  return std::nullopt;
}

Result<std::vector<RevocationList>> parse_revocation_lists(ByteView pem_or_der, std::string_view where) {
  NODEPROOF_TRY(objects,
                split_objects(pem_or_der, {"X509 CRL", "revocation list", kMaxRevocationLists}, where));
  std::vector<RevocationList> lists;
  for (const LocatedDer& object : objects) {
    NODEPROOF_TRY(list, RevocationList::parse_der(object.der, object.where));
    lists.push_back(std::move(list));
  }
  return lists;
}

bool blames_lists(std::string_view code) {
  return code.starts_with("crl-");
}

RevocationState revocation_of(std::span<const Certificate> chain, std::span<const RevocationList> lists,
                              UnixTime now, std::string_view address) {
  RevocationState out;
  for (std::size_t i = 1; i < chain.size(); ++i) {
    const Certificate& ca = chain[i];
    const ListsOfIssuer counting = lists_of(ca, lists);
    if (counting.empty()) continue;
    out.problem = not_authentic(counting, ca, address);
    if (!out.problem) out.problem = revoked(counting, chain[i - 1]);
    if (!out.problem && ca.is_self_issued()) out.problem = revoked(counting, ca);
    if (!out.problem) out.problem = out_of_date(counting, now, address);
    if (out.problem) return out;
    out.lists += counting.size();
    const UnixTime next_update = newest_of(counting).next_update();
    out.next_update = std::min(out.next_update.value_or(next_update), next_update);
  }
  return out;
}

}  // namespace nodeproof::attest
