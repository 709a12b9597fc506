#include <gtest/gtest.h>

#include "tests/support/vectors.hpp"
#include "tests/unit/webhook/cluster_picture.hpp"

namespace nodeproof::webhook {
namespace {

using testing::kNow;
using testing::picture;
using testing::summary;

// What a real API server sends, as parsed from its own words.
struct Recorded {
  std::string file;
  std::string want;
};

class DecideRecorded : public ::testing::TestWithParam<Recorded> {};

TEST_P(DecideRecorded, IsUnderstood) {
  NODEPROOF_NEED_VECTORS();
  const auto request = wire::parse_admission_review(vectors::file("admission/" + GetParam().file));
  ASSERT_TRUE(request) << to_string(request.error());
  Snapshot snapshot = picture();
  snapshot.namespaces = std::make_shared<const NamespaceMap>(
      NamespaceMap{{"demo", {"all-pods", "confidential"}}, {"demo2", {"all-pods", "confidential"}}});
  PodEntry found;
  found.ns = request->ns;
  found.name = request->name;
  found.uid = request->binding ? request->binding->meta.uid : "";
  EXPECT_EQ(summary(decide(*request, snapshot, found, kNow, std::nullopt)), GetParam().want);
}

INSTANTIATE_TEST_SUITE_P(
    All, DecideRecorded,
    ::testing::Values(Recorded{"pod-create.json", "pod-create allowed valid"},
                      Recorded{"pod-create-generatename.json", "pod-create allowed valid"},
                      Recorded{"pod-create-dryrun.json", "pod-create allowed valid"},
                      Recorded{"pod-create-nodename.json", "pod-on-node denied unknown-node"},
                      Recorded{"pod-create-mirror.json", "mirror-pod allowed mirror-pod"},
                      Recorded{"pod-create-mirror-real-kubelet.json", "mirror-pod allowed mirror-pod"},
                      Recorded{"pod-update-annotation.json", "pod-update allowed unchanged"},
                      Recorded{"pod-status-kubelet.json", "pod-update allowed unchanged"},
                      Recorded{"pod-ephemeralcontainers.json", "ephemeral-containers denied unknown-node"},
                      Recorded{"binding-scheduler.json", "binding denied unknown-node"},
                      Recorded{"binding-by-user.json", "binding denied unknown-node"},
                      Recorded{"binding-legacy-resource.json", "binding denied unknown-node"},
                      Recorded{"pod-delete.json", "unknown denied not-understood"},
                      Recorded{"pod-eviction.json", "unknown denied not-understood"},
                      Recorded{"pod-exec-connect.json", "unknown denied not-understood"},
                      Recorded{"node-update-taint.json", "unknown denied not-understood"}),
    [](const auto& param) {
      std::string name = param.param.file.substr(0, param.param.file.find('.'));
      std::replace(name.begin(), name.end(), '-', '_');
      return name;
    });

}  // namespace
}  // namespace nodeproof::webhook
