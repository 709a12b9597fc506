#include "attest/bank_hash.hpp"

#include <algorithm>
#include <array>

namespace nodeproof::attest {
namespace {

struct OpensslName {
  std::uint16_t bank;
  const char* name;
};
constexpr std::array kNames{
    OpensslName{kTpmAlgSha1, "SHA1"},
    OpensslName{kTpmAlgSha256, "SHA256"},
    OpensslName{kTpmAlgSha384, "SHA384"},
    OpensslName{kTpmAlgSha512, "SHA512"},
    OpensslName{kTpmAlgSm3, "SM3"},
    OpensslName{kTpmAlgSha3With256, "SHA3-256"},
    OpensslName{kTpmAlgSha3With384, "SHA3-384"},
    OpensslName{kTpmAlgSha3With512, "SHA3-512"},
};

}  // namespace

Result<BankHash> BankHash::make(std::uint16_t bank) {
  const auto named = std::find_if(kNames.begin(), kNames.end(),
                                  [bank](const OpensslName& name) { return name.bank == bank; });
  BankHash out;
  if (named != kNames.end()) out.algorithm_.reset(EVP_MD_fetch(nullptr, named->name, nullptr));
  if (out.algorithm_ == nullptr)
    return Error{Errc::kUnsupported, "bank", "the hash " + hash_name(bank) + " cannot be computed here"};
  out.bank_ = bank;
  out.size_ = hash_size(bank).value();
  out.context_.reset(EVP_MD_CTX_new());
  require_openssl(out.context_ != nullptr, "EVP_MD_CTX_new");
  return out;
}

HashValue BankHash::of(ByteView first, ByteView second) {
  HashValue out(size_);
  unsigned size = 0;
  require_openssl(
      EVP_DigestInit_ex2(context_.get(), algorithm_.get(), nullptr) == 1 &&
          EVP_DigestUpdate(context_.get(), first.data(), first.size()) == 1 &&
          (second.empty() || EVP_DigestUpdate(context_.get(), second.data(), second.size()) == 1) &&
          EVP_DigestFinal_ex(context_.get(), out.data(), &size) == 1 && size == size_,
      "EVP_Digest");
  return out;
}

}  // namespace nodeproof::attest
