#include "agent/endorsements.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.hpp"
#include "tests/support/forge.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/support/vectors.hpp"

namespace nodeproof::agent {
namespace {

using testing::HasSubstr;

std::string json_pem(ByteView pem) {
  std::string out;
  for (const char c : as_text(pem)) out += c == '\n' ? std::string("\\n") : std::string(1, c);
  return out;
}

struct Thim {
  attest::Certificate vcek;
  std::string vcek_pem;
  std::string chain_pem;

  explicit Thim(const forge::VcekOptions& options = {})
      : vcek(forge::issue_vcek(forge::shared_world().amd, options).certificate),
        vcek_pem(json_pem(forge::to_pem(vcek))),
        chain_pem(json_pem(forge::to_pem(forge::shared_world().amd.ask.certificate)) +
                  json_pem(forge::to_pem(forge::shared_world().amd.ark.certificate))) {}

  std::string reply() const {
    return R"({"vcekCert":")" + vcek_pem + R"(","tcbm":"DB18000000000004","certificateChain":")" + chain_pem +
           R"(","cacheControl":"86400"})";
  }
};

const EndorsementKey kKey{forge::default_chip_id(), forge::kTcb};

TEST(ThimReply, GivesTheVcekThenItsChainAndToleratesUnknownMembers) {
  const Thim thim;
  const auto certificates = parse_thim_reply(as_bytes(thim.reply()));
  ASSERT_TRUE(certificates) << to_string(certificates.error());
  const auto& amd = forge::shared_world().amd;
  EXPECT_EQ(*certificates,
            (std::vector<Bytes>{thim.vcek.der(), amd.ask.certificate.der(), amd.ark.certificate.der()}));
}

TEST(ThimReply, OfARealHostIsRead) {
  NODEPROOF_NEED_VECTORS();
  const auto certificates =
      parse_thim_reply(vectors::file("azure-snp/thim-reply-example/thim-amd-certification.json"));
  ASSERT_TRUE(certificates) << to_string(certificates.error());
  EXPECT_EQ(certificates->size(), 3U);
}

TEST(ThimReply, EveryPrefixIsRefused) {
  const std::string reply = Thim().reply();
  for (std::size_t size = 0; size < reply.size(); ++size) {
    ASSERT_FALSE(parse_thim_reply(as_bytes(std::string_view(reply).substr(0, size)))) << size;
  }
}

TEST(ThimReply, IsRefusedByName) {
  const Thim thim;
  const std::string vcek = R"("vcekCert":")" + thim.vcek_pem + "\"";
  const std::string chain = R"("certificateChain":")" + thim.chain_pem + "\"";
  std::string long_chain;
  for (int i = 0; i < 4; ++i) long_chain += thim.chain_pem;
  const struct {
    const char* name;
    std::string reply;
    const char* where;
  } cases[] = {
      {"not JSON", "<html>", "THIM reply"},
      {"a list", "[]", "THIM reply"},
      {"no VCEK", "{" + chain + "}", "vcekCert"},
      {"no chain", "{" + vcek + "}", "certificateChain"},
      {"VCEK twice", "{" + vcek + "," + vcek + "," + chain + "}", "vcekCert"},
      {"VCEK a number", R"({"vcekCert":1,)" + chain + "}", "vcekCert"},
      {"two VCEKs", R"({"vcekCert":")" + thim.vcek_pem + thim.vcek_pem + "\"," + chain + "}", "vcekCert"},
      {"VCEK empty", R"({"vcekCert":"",)" + chain + "}", "vcekCert"},
      {"chain not PEM", "{" + vcek + R"(,"certificateChain":"none"})", "certificateChain"},
      {"chain too long", "{" + vcek + R"(,"certificateChain":")" + long_chain + "\"}", "THIM reply"},
      {"too large", "{" + vcek + "," + chain + R"(,"x":")" + std::string(kThimReplyLimit, 'x') + "\"}",
       "THIM reply"},
  };
  for (const auto& [name, reply, where] : cases) {
    const auto certificates = parse_thim_reply(as_bytes(reply));
    ASSERT_FALSE(certificates) << name;
    EXPECT_THAT(certificates.error().where, HasSubstr(where)) << name;
  }
}

class CachedEndorsementsTest : public testing::Test {
 protected:
  CachedEndorsements source() {
    return CachedEndorsements(
        [this](const std::stop_token&) {
          ++fetches_;
          if (!reachable_) throw EndorsementError("THIM is away");
          return to_bytes(as_bytes(reply_));
        },
        folder_ / "made" / "below");
  }
  // As the first question of a new start.
  std::vector<Bytes> ask(const EndorsementKey& key = kKey) { return source().endorsements(key, {}); }
  std::filesystem::path cache_file() const {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path())) {
      if (entry.is_regular_file()) return entry.path();
    }
    return {};
  }

  test::TemporaryFolder folder_;
  std::string reply_ = Thim().reply();
  bool reachable_ = true;
  int fetches_ = 0;
};

TEST_F(CachedEndorsementsTest, FetchesOnceAndThenAsksTheDisk) {
  const auto first = ask();
  EXPECT_EQ(first.size(), 3U);
  reachable_ = false;
  EXPECT_EQ(ask(), first);
  EXPECT_EQ(fetches_, 1);
}

TEST_F(CachedEndorsementsTest, AnotherTcbOrChipIsAnotherEntry) {
  ask();
  EndorsementKey updated = kKey;
  ++updated.tcb.microcode;
  forge::VcekOptions options;
  options.tcb = updated.tcb;
  reply_ = Thim(options).reply();
  ask(updated);
  ask();
  EXPECT_EQ(fetches_, 2);
}

TEST_F(CachedEndorsementsTest, RefusesAndDoesNotKeepACertificateForAnotherTcbOrChip) {
  forge::VcekOptions lagging;
  --lagging.tcb.snp;
  forge::VcekOptions elsewhere;
  elsewhere.chip_id[0] ^= 1U;
  const struct {
    forge::VcekOptions options;
    const char* message;
  } cases[] = {{lagging, "is for TCB"}, {elsewhere, "is for another chip"}};
  for (const auto& [options, message] : cases) {
    reply_ = Thim(options).reply();
    try {
      ask();
      FAIL() << message;
    } catch (const EndorsementError& e) {
      EXPECT_THAT(e.what(), HasSubstr(message));
      EXPECT_THAT(e.what(), HasSubstr("Remedy: "));
    }
    EXPECT_EQ(cache_file(), "");
  }
  // THIM has caught up.
  reply_ = Thim().reply();
  EXPECT_EQ(ask().size(), 3U);
}

TEST_F(CachedEndorsementsTest, RefusesARefusedReply) {
  reply_ = "{}";
  EXPECT_THROW(ask(), EndorsementError);
  EXPECT_EQ(cache_file(), "");
}

TEST_F(CachedEndorsementsTest, IgnoresAndReplacesACorruptFile) {
  const auto whole = ask();
  const Bytes file = read_file(cache_file(), 1U << 20U);
  int expected = 1;
  const auto corrupted = [&](const Bytes& content) {
    write_file(cache_file(), content);
    EXPECT_EQ(ask(), whole);
    EXPECT_EQ(fetches_, ++expected);
    EXPECT_EQ(read_file(cache_file(), 1U << 20U), file);
  };
  corrupted({});
  corrupted(Bytes(file.begin(), file.end() - 1));
  corrupted(Bytes(file.begin(), file.begin() + 64));
  for (const std::size_t position : {std::size_t{0}, std::size_t{64}, std::size_t{65}, file.size() / 2}) {
    Bytes flipped = file;
    flipped[position] ^= 1U;
    corrupted(flipped);
  }
}

TEST_F(CachedEndorsementsTest, LivesWithoutADiskThatWorks) {
  write_file(folder_ / "made", as_bytes("a file where a folder should be"));
  CachedEndorsements running = source();
  const auto first = running.endorsements(kKey, {});
  EXPECT_EQ(first.size(), 3U);
  reachable_ = false;
  EXPECT_EQ(running.endorsements(kKey, {}), first);
  EXPECT_EQ(fetches_, 1);
  EXPECT_THROW(ask(), EndorsementError);
}

}  // namespace
}  // namespace nodeproof::agent
