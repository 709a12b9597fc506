#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include "attest/openssl_scope.hpp"
#include "base/or_throw.hpp"
#include "tests/support/forge.hpp"

namespace nodeproof::forge {
namespace {

using attest::Product;
using attest::require_openssl;

using DigestContext = UniqueHandle<EVP_MD_CTX, &EVP_MD_CTX_free>;
using Extension = UniqueHandle<X509_EXTENSION, &X509_EXTENSION_free>;
using OctetString = UniqueHandle<ASN1_OCTET_STRING, &ASN1_OCTET_STRING_free>;
using ParamBuilder = UniqueHandle<OSSL_PARAM_BLD, &OSSL_PARAM_BLD_free>;
using Params = UniqueHandle<OSSL_PARAM, &OSSL_PARAM_free>;
using KeyContext = UniqueHandle<EVP_PKEY_CTX, &EVP_PKEY_CTX_free>;

enum class Scheme { kPssSha384, kPkcs1Sha256 };

struct Name {
  std::string organization;  // empty: the common name alone
  std::string common_name;
};

void fill(X509_NAME* to, const Name& name) {
  const auto add = [to](const char* field, const std::string& value) {
    const ByteView text = as_bytes(value);
    require_openssl(X509_NAME_add_entry_by_txt(to, field, MBSTRING_UTF8, text.data(),
                                               static_cast<int>(text.size()), -1, 0) == 1,
                    "add to a name");
  };
  if (!name.organization.empty()) add("O", name.organization);
  add("CN", name.common_name);
}

// Builds one certificate, field by field.
class Builder {
 public:
  Builder(const Name& subject, const Name& issuer, const Validity& validity) : x509_(X509_new()) {
    require_openssl(x509_ != nullptr && X509_set_version(x509_.get(), X509_VERSION_3) == 1,
                    "make a certificate");
    fill(X509_get_subject_name(x509_.get()), subject);
    fill(X509_get_issuer_name(x509_.get()), issuer);
    require_openssl(ASN1_TIME_set(X509_getm_notBefore(x509_.get()), to_unix(validity.from)) != nullptr &&
                        ASN1_TIME_set(X509_getm_notAfter(x509_.get()), to_unix(validity.until)) != nullptr,
                    "set a validity");
  }

  Builder& serial(ByteView big_endian) {
    const attest::BignumHandle number(
        BN_bin2bn(big_endian.data(), static_cast<int>(big_endian.size()), nullptr));
    require_openssl(
        number != nullptr && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(x509_.get())) != nullptr,
        "set a serial number");
    return *this;
  }

  Builder& public_key(EVP_PKEY* key) {
    require_openssl(X509_set_pubkey(x509_.get(), key) == 1, "set a public key");
    return *this;
  }

  // In the words of OpenSSL's configuration files.
  Builder& extension(int nid, const std::string& value) {
    // certificatePolicies looks for a configuration even when its value refers to none.
    const UniqueHandle<CONF, &NCONF_free> nothing(NCONF_new(nullptr));
    X509V3_CTX context{};
    X509V3_set_nconf(&context, nothing.get());
    const Extension made(X509V3_EXT_nconf_nid(nothing.get(), &context, nid, value.c_str()));
    require_openssl(made != nullptr, "make an extension");
    return add(made.get());
  }

  // `content`: what the extension's OCTET STRING holds.
  Builder& raw_extension(const std::string& oid, ByteView content, bool critical = false) {
    const attest::ObjectHandle object(OBJ_txt2obj(oid.c_str(), 1));
    const OctetString value(ASN1_OCTET_STRING_new());
    require_openssl(
        object != nullptr && value != nullptr &&
            ASN1_OCTET_STRING_set(value.get(), content.data(), static_cast<int>(content.size())) == 1,
        "make an extension");
    const Extension made(X509_EXTENSION_create_by_OBJ(nullptr, object.get(), critical ? 1 : 0, value.get()));
    require_openssl(made != nullptr, "make an extension");
    return add(made.get());
  }

  attest::Certificate sign(const PrivateKey& key, Scheme scheme) {
    const DigestContext context(EVP_MD_CTX_new());
    EVP_PKEY_CTX* settings = nullptr;  // owned by `context`
    const EVP_MD* digest = scheme == Scheme::kPssSha384 ? EVP_sha384() : EVP_sha256();
    require_openssl(context != nullptr &&
                        EVP_DigestSignInit(context.get(), &settings, digest, nullptr, key.handle()) == 1,
                    "start a certificate's signature");
    if (scheme == Scheme::kPssSha384) {
      require_openssl(EVP_PKEY_CTX_set_rsa_padding(settings, RSA_PKCS1_PSS_PADDING) == 1 &&
                          EVP_PKEY_CTX_set_rsa_pss_saltlen(settings, RSA_PSS_SALTLEN_DIGEST) == 1,
                      "choose RSASSA-PSS");
    }
    require_openssl(X509_sign_ctx(x509_.get(), context.get()) > 0, "sign a certificate");
    unsigned char* raw = nullptr;
    const int size = i2d_X509(x509_.get(), &raw);
    require_openssl(size > 0, "encode a certificate");
    const Bytes der(raw, raw + size);
    OPENSSL_free(raw);
    return or_throw(attest::Certificate::parse_der(der, "forged certificate"));
  }

 private:
  Builder& add(X509_EXTENSION* extension) {
    require_openssl(X509_add_ext(x509_.get(), extension, -1) == 1, "add an extension");
    return *this;
  }

  attest::CertificateHandle x509_;
};

Bytes random_serial() {
  Bytes serial(16);
  require_openssl(RAND_bytes(serial.data(), static_cast<int>(serial.size())) == 1, "draw random bytes");
  return serial;
}

// ---- AMD --------------------------------------------------------------------------------------

constexpr const char* kAmdOrganization = "Nodeproof emulation of AMD";
const std::string kAmdArc = "1.3.6.1.4.1.3704.1.";

Name ark_name(Product product) {
  return {kAmdOrganization, "ARK-" + std::string(to_string(product))};
}
Name ask_name(Product product) {
  return {kAmdOrganization, "SEV-" + std::string(to_string(product))};
}
Name asvk_name(Product product) {
  return {kAmdOrganization, "SEV-VLEK-" + std::string(to_string(product))};
}

Bytes der_integer(std::uint8_t value) {
  if (value < 0x80) return {0x02, 0x01, value};
  return {0x02, 0x02, 0x00, value};
}

Bytes der_short(std::uint8_t tag, ByteView content) {
  Bytes out{tag, static_cast<std::uint8_t>(content.size())};
  append(out, content);
  return out;
}

struct AmdExtension {
  std::string suffix;
  Bytes content;
};

// What VCEKs and VLEKs have in common (azure-evidence 4.2).
std::vector<AmdExtension> key_extensions(Product product, const std::string& product_name,
                                         const attest::TcbVersion& tcb) {
  const bool turin = product == Product::kTurin;
  return {{"1", der_integer(turin ? 1 : 0)},
          {"2", der_short(0x16, as_bytes(product_name))},
          {"3.1", der_integer(tcb.bootloader)},
          {"3.2", der_integer(tcb.tee)},
          turin ? AmdExtension{"3.9", der_integer(tcb.fmc)} : AmdExtension{"3.4", der_integer(0)},
          {"3.5", der_integer(0)},
          {"3.6", der_integer(0)},
          {"3.7", der_integer(0)},
          {"3.3", der_integer(tcb.snp)},
          {"3.8", der_integer(tcb.microcode)}};
}

std::vector<AmdExtension> vcek_extensions(const VcekOptions& options, Product product) {
  std::string name = options.product_name;
  if (name.empty()) name = product == Product::kMilan ? "Milan-B0" : std::string(to_string(product));
  const ByteView hwid = ByteView(options.chip_id).first(product == Product::kTurin ? 8 : 64);
  auto extensions = key_extensions(product, name, options.tcb);
  extensions.push_back({"4", options.hwid_as_octet_string ? der_short(0x04, hwid) : to_bytes(hwid)});
  return extensions;
}

attest::Certificate make_ark(const AmdOptions& options, const PrivateKey& key) {
  return Builder(ark_name(options.product), ark_name(options.product), options.validity)
      .serial(ByteArray<3>{1, 0, 0})
      .public_key(key.handle())
      .extension(NID_basic_constraints, "critical,CA:TRUE")
      .extension(NID_key_usage,
                 options.ark_signs_lists ? "critical,keyCertSign,cRLSign" : "critical,keyCertSign")
      .sign(key, Scheme::kPssSha384);
}

attest::Certificate make_ask(const AmdOptions& options, const PrivateKey& key, const PrivateKey& issuer) {
  return Builder(ask_name(options.product), ark_name(options.product), options.ask_validity)
      .serial(ByteArray<3>{1, 0, 1})
      .public_key(key.handle())
      .extension(NID_basic_constraints,
                 options.ask_is_ca ? "critical,CA:TRUE,pathlen:0" : "critical,CA:FALSE")
      .extension(NID_key_usage, "critical,keyCertSign")
      .sign(issuer, Scheme::kPssSha384);
}

// ---- Microsoft --------------------------------------------------------------------------------

const Name kVtpmRoot{"Nodeproof emulation of Microsoft", "Emulated Virtual TPM Root CA"};
const Name kVtpmIntermediate{"", "Emulated Virtual TPM CA - 01"};

UniqueHandle<EVP_PKEY, &EVP_PKEY_free> rsa_public_key(ByteView modulus) {
  const attest::BignumHandle n(BN_bin2bn(modulus.data(), static_cast<int>(modulus.size()), nullptr));
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  require_openssl(n != nullptr && builder != nullptr &&
                      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) == 1 &&
                      OSSL_PARAM_BLD_push_uint(builder.get(), OSSL_PKEY_PARAM_RSA_E, 65537) == 1,
                  "describe an RSA key");
  const Params params(OSSL_PARAM_BLD_to_param(builder.get()));
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* key = nullptr;
  require_openssl(params != nullptr && context != nullptr && EVP_PKEY_fromdata_init(context.get()) == 1 &&
                      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) == 1,
                  "make an RSA public key");
  return UniqueHandle<EVP_PKEY, &EVP_PKEY_free>(key);
}

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : ",") + part;
  return out;
}

}  // namespace

AmdAuthority make_amd_authority(const AmdOptions& options) {
  PrivateKey ark_key = PrivateKey::rsa(options.rsa_bits);
  PrivateKey ask_key = PrivateKey::rsa(options.rsa_bits);
  auto ark = make_ark(options, ark_key);
  auto ask = options.ask_by_stranger ? make_ask(options, ask_key, PrivateKey::rsa(options.rsa_bits))
                                     : make_ask(options, ask_key, ark_key);
  return {options.product, {std::move(ark_key), std::move(ark)}, {std::move(ask_key), std::move(ask)}};
}

CertifiedKey make_asvk(const AmdAuthority& authority) {
  PrivateKey key = PrivateKey::rsa(2048);
  auto certificate = Builder(asvk_name(authority.product), ark_name(authority.product), Validity{})
                         .serial(ByteArray<3>{1, 1, 1})
                         .public_key(key.handle())
                         .extension(NID_basic_constraints, "critical,CA:TRUE,pathlen:0")
                         .extension(NID_key_usage, "critical,keyCertSign")
                         .sign(authority.ark.key, Scheme::kPssSha384);
  return {std::move(key), std::move(certificate)};
}

attest::TcbVersion tcb_for(Product product) {
  attest::TcbVersion tcb = kTcb;
  tcb.layout = attest::tcb_layout_of(product);
  return tcb;
}

ByteArray<64> default_chip_id() {
  ByteArray<64> id{};
  for (std::size_t i = 0; i < id.size(); ++i) id[i] = static_cast<std::uint8_t>(0x40 + i);
  return id;
}

CertifiedKey issue_vcek(const AmdAuthority& authority, const VcekOptions& options) {
  PrivateKey key = PrivateKey::ec_p384();
  Builder builder({kAmdOrganization, options.common_name}, ask_name(authority.product), options.validity);
  builder.serial({}).public_key(key.handle());
  for (const AmdExtension& extension : vcek_extensions(options, authority.product)) {
    if (extension.suffix == options.without_extension) continue;
    builder.raw_extension(kAmdArc + extension.suffix, extension.content,
                          extension.suffix == options.critical_extension);
    if (extension.suffix == options.doubled_extension) {
      builder.raw_extension(kAmdArc + extension.suffix, extension.content);
    }
  }
  auto certificate = options.by_stranger ? builder.sign(PrivateKey::rsa(2048), Scheme::kPssSha384)
                                         : builder.sign(authority.ask.key, Scheme::kPssSha384);
  return {std::move(key), std::move(certificate)};
}

CertifiedKey issue_vlek(const AmdAuthority& authority, const CertifiedKey& asvk, const VlekOptions& options) {
  PrivateKey key = PrivateKey::ec_p384();
  Builder builder({kAmdOrganization, "SEV-VLEK"}, asvk_name(authority.product), options.validity);
  builder.serial({}).public_key(key.handle());
  auto extensions = key_extensions(authority.product, std::string(to_string(authority.product)), options.tcb);
  extensions.push_back({"5", der_short(0x16, as_bytes(options.csp_id))});
  for (const AmdExtension& extension : extensions) {
    if (extension.suffix != options.without_extension)
      builder.raw_extension(kAmdArc + extension.suffix, extension.content);
  }
  auto certificate = builder.sign(asvk.key, Scheme::kPssSha384);
  return {std::move(key), std::move(certificate)};
}

VtpmAuthority make_vtpm_authority(const VtpmOptions& options) {
  PrivateKey root_key = PrivateKey::rsa(options.rsa_bits);
  PrivateKey intermediate_key = PrivateKey::rsa(options.rsa_bits);
  auto root = Builder(kVtpmRoot, kVtpmRoot, options.validity)
                  .serial(random_serial())
                  .public_key(root_key.handle())
                  .extension(NID_basic_constraints, "critical,CA:TRUE")
                  .extension(NID_key_usage, "critical,digitalSignature,keyCertSign,cRLSign")
                  .sign(root_key, Scheme::kPkcs1Sha256);
  auto intermediate = Builder(kVtpmIntermediate, kVtpmRoot, options.intermediate_validity)
                          .serial(random_serial())
                          .public_key(intermediate_key.handle())
                          .extension(NID_basic_constraints, "critical,CA:TRUE,pathlen:0")
                          .extension(NID_key_usage, "critical,digitalSignature,keyCertSign,cRLSign")
                          .extension(NID_ext_key_usage, "2.23.133.8.1,2.23.133.8.3")
                          .sign(root_key, Scheme::kPkcs1Sha256);
  return {{std::move(root_key), std::move(root)}, {std::move(intermediate_key), std::move(intermediate)}};
}

attest::Certificate issue_ak_certificate(const VtpmAuthority& authority, ByteView ak_modulus,
                                         const AkCertificateOptions& options) {
  const auto ak = rsa_public_key(ak_modulus);
  Builder builder({"", options.common_name}, options.by_root ? kVtpmRoot : kVtpmIntermediate,
                  options.validity);
  builder.serial(random_serial())
      .public_key(ak.get())
      .extension(NID_key_usage, "critical," + options.key_usage);
  if (!options.extended_key_usage.empty()) {
    builder.extension(NID_ext_key_usage, joined(options.extended_key_usage));
  }
  if (!options.policy_oid.empty()) builder.extension(NID_certificate_policies, options.policy_oid);
  if (options.by_stranger) return builder.sign(PrivateKey::rsa(2048), Scheme::kPkcs1Sha256);
  const CertifiedKey& issuer = options.by_root ? authority.root : authority.intermediate;
  return builder.sign(issuer.key, Scheme::kPkcs1Sha256);
}

}  // namespace nodeproof::forge
