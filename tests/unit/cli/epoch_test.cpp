#include "cli/epoch.hpp"

#include <gmock/gmock.h>

#include "tests/unit/cli/published_cluster.hpp"
#include "wire/epoch.hpp"

namespace nodeproof::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kOld = "00000000000000aa";
constexpr const char* kNew = "00000000000000bb";
constexpr const char* kPath = "/api/v1/namespaces/nodeproof-system/secrets/nodeproof-epoch-key";

// A Secret with the API server's rule: replace only what was read.
class Epoch : public ::testing::Test {
 protected:
  Epoch() {
    for (const char* kid : {kOld, kNew}) {
      wire::EpochKeyGeneration generation;
      generation.kid = kid;
      generation.key.fill(7);
      generation.first = kid == kOld ? testing::kEpoch - 10 : testing::kEpoch + 11;
      generation.last = generation.first + 20;
      generations_.push_back(generation);
    }
  }

  void answer(const test::ScriptedRequest& request, test::ScriptedConnection& to) {
    if (request.target != kPath) return to.reply(404, "{}");
    if (refuse_) return to.reply(403, R"({"message":"Only the nodeproof webhook may write"})");
    if (request.method == "GET")
      return to.reply(200, wire::epoch_secret(generations_, "nodeproof-system", version_));
    if (races_-- > 0) version_ += "1";
    if (request.body.find("\"resourceVersion\":\"" + version_ + "\"") == std::string::npos)
      return to.reply(409, R"({"reason":"Conflict"})");
    const auto document = attest::JsonDocument::parse(as_bytes(request.body), 1U << 20U, "Secret");
    generations_ = *wire::parse_epoch_secret(document->root());
    to.reply(200, request.body);
  }

  ExitCode run(const std::function<ExitCode(const EpochOptions&)>& verb, const std::string& kid = {}) {
    const test::ScriptedHttpServer server(
        [this](const test::ScriptedRequest& request, test::ScriptedConnection& to) { answer(request, to); });
    EpochOptions options;
    options.kid = kid;
    options.json = json_;
    options.kubeconfig = folder_.write(
        "kubeconfig", "current-context: a\nclusters:\n- name: c\n  cluster: {server: \"" + server.url() +
                          "\"}\ncontexts:\n- name: a\n  context: {cluster: c}\n");
    out_.str({});
    err_.str({});
    return verb(options);
  }
  ExitCode revoke(const std::string& kid) {
    return run([this](const EpochOptions& options) { return revoke_generation(options, out_, err_); }, kid);
  }
  ExitCode list() {
    return run(
        [this](const EpochOptions& options) { return list_generations(options, forge::kNow, out_, err_); });
  }

  test::TemporaryFolder folder_;
  std::vector<wire::EpochKeyGeneration> generations_;
  std::string version_ = "5";
  int races_ = 0;
  bool refuse_ = false;
  bool json_ = false;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(Epoch, RevokesOneGenerationAndKeepsTheRest) {
  EXPECT_EQ(revoke(kOld), kVerified) << err_.str();
  EXPECT_TRUE(generations_[0].revoked);
  EXPECT_FALSE(generations_[1].revoked);
  EXPECT_EQ(generations_[0].key[0], 7);
  EXPECT_THAT(out_.str(),
              AllOf(HasSubstr(std::string("Revoked key generation ") + kOld), HasSubstr("Stale")));
  EXPECT_EQ(revoke(kOld), kVerified);
  EXPECT_THAT(out_.str(), HasSubstr("nothing was changed"));
}

TEST_F(Epoch, ChangesNothingThatItHasNotRead) {
  races_ = 2;
  EXPECT_EQ(revoke(kOld), kVerified) << err_.str();
  EXPECT_TRUE(generations_[0].revoked);
  generations_[0].revoked = false;
  races_ = 100;
  EXPECT_EQ(revoke(kOld), kEnvironment);
  EXPECT_FALSE(generations_[0].revoked);
  EXPECT_THAT(err_.str(), HasSubstr("nothing was revoked"));
}

TEST_F(Epoch, AnUnknownGenerationIsNamedWithThoseThereAre) {
  EXPECT_EQ(revoke("0011"), kUsage);
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("'0011'"), HasSubstr(std::string(kOld) + ", " + kNew)));
  EXPECT_FALSE(generations_[0].revoked);
}

TEST_F(Epoch, WithoutTheRightItSaysWhichOne) {
  refuse_ = true;
  EXPECT_EQ(revoke(kOld), kEnvironment);
  EXPECT_THAT(err_.str(), HasSubstr("nodeproof-epoch-revoker"));
}

TEST_F(Epoch, ListsGenerationsWithoutTheirKeys) {
  generations_[1].revoked = true;
  EXPECT_EQ(list(), kVerified) << err_.str();
  EXPECT_THAT(out_.str(), AllOf(HasSubstr(std::string(kOld) + "      current"),
                                HasSubstr(std::string(kNew) + "      revoked"), Not(HasSubstr("Bwc"))));
  json_ = true;
  EXPECT_EQ(list(), kVerified);
  EXPECT_THAT(out_.str(), AllOf(HasSubstr(R"("state":"current")"), HasSubstr(R"("revoked":true)"),
                                Not(HasSubstr("Bwc"))));
}

}  // namespace
}  // namespace nodeproof::cli
