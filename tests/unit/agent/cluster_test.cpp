#include "agent/cluster.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.hpp"
#include "tests/unit/agent/fakes.hpp"

namespace nodeproof::agent {
namespace {

using testing::HasSubstr;

template <typename Call>
std::string not_ready(Call call) {
  try {
    call();
    return "";
  } catch (const NotReady& e) {
    EXPECT_THAT(e.what(), HasSubstr("Remedy: "));
    return e.what();
  }
}

class ClusterTest : public testing::Test {
 protected:
  ClusterTest() { api_.fill(); }
  FakeApi api_;
};

TEST_F(ClusterTest, ReadsUidAndEpoch) {
  EXPECT_EQ(node_uid(api_, "node-1"), kNodeUid);
  const wire::PublishedEpoch epoch = current_epoch(api_, "nodeproof-system");
  EXPECT_EQ(epoch.epoch, epoch_of(7).epoch);
  EXPECT_EQ(epoch.nonce, epoch_of(7).nonce);
}

TEST_F(ClusterTest, NamesWhatIsAbsent) {
  api_.objects.clear();
  EXPECT_THAT(not_ready([&] { node_uid(api_, "node-1"); }), HasSubstr("no Node node-1"));
  EXPECT_THAT(not_ready([&] { current_epoch(api_, "nodeproof-system"); }),
              HasSubstr("no ConfigMap nodeproof-system/nodeproof-epoch"));
}

TEST_F(ClusterTest, NamesWhatIsMalformed) {
  for (const char* body : {"", "[]", "{", R"({"metadata":{"name":"node-1"}})",
                           R"({"metadata":{"name":"node-1","uid":"Not-A-Uuid"}})"}) {
    api_.objects[FakeApi::kNode] = body;
    EXPECT_NE(not_ready([&] { node_uid(api_, "node-1"); }), "") << body;
  }
  for (const char* body :
       {"", "{}", R"({"metadata":{},"data":{"kid":"0123456789abcdef","epoch":"-1","nonce":"00"}})"}) {
    api_.objects[FakeApi::kEpoch] = body;
    EXPECT_THAT(not_ready([&] { current_epoch(api_, "nodeproof-system"); }), HasSubstr("nodeproof-epoch"))
        << body;
  }
}

TEST(BootId, IsTheKernels) {
  EXPECT_EQ(read_boot_id("/proc/sys/kernel/random/boot_id").size(), 36U);
}

TEST(BootId, IsRefusedByName) {
  const std::string path = testing::TempDir() + "nodeproof-boot-id";
  for (const std::string_view text :
       {"", "\n", "11111111-2222-4333-8444-55555555555", "11111111-2222-4333-8444-55555555555A\n",
        "11111111-2222-4333-8444-555555555555 \n"}) {
    write_file(path, as_bytes(text));
    EXPECT_THAT(not_ready([&] { read_boot_id(path); }), HasSubstr("bootIdFile")) << text;
  }
  write_file(path, Bytes(100, 'a'));
  EXPECT_THAT(not_ready([&] { read_boot_id(path); }), HasSubstr("larger than"));
  std::filesystem::remove(path);
  EXPECT_THAT(not_ready([&] { read_boot_id(path); }), HasSubstr(path));
}

TEST(Remedies, ExistForWhatAnApiServerSays) {
  const struct {
    int status;
    const char* part;
  } cases[] = {{0, "does not answer"}, {401, "token"},   {403, "RBAC"},   {404, "CRDs"},
               {429, "overloaded"},    {500, "its log"}, {503, "its log"}};
  for (const auto& [status, part] : cases) {
    EXPECT_THAT(remedy_for(kube::ApiError(status, "", "")), HasSubstr(part)) << status;
  }
  EXPECT_EQ(remedy_for(kube::ApiError(422, "Invalid", "spec.bootID: too long")), "");
}

}  // namespace
}  // namespace nodeproof::agent
