// What a real API server sends, in its own words: each recorded review, of a pod that is marked and of one
// that is not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "attest/strict_json.hpp"
#include "tests/support/vectors.hpp"
#include "tests/unit/webhook/cluster_picture.hpp"

namespace nodeproof::webhook {
namespace {

using testing::kNow;
using testing::picture;
using testing::summary;

struct Recorded {
  std::string file;
  std::string unmarked;  // whatever its node proves
  std::string unproven;  // marked, on nodes without a TPM
  std::string proven;    // marked, on proven nodes
};

// The same whatever the pod asks for.
Recorded always(std::string file, const std::string& want) {
  return {std::move(file), want, want, want};
}
// Decided by its node.
Recorded by_node(std::string file, const std::string& rule) {
  return {std::move(file), rule + " allowed not-sensitive", rule + " denied no-tpm", rule + " allowed met"};
}
// Not placed yet.
Recorded created(std::string file) {
  return {std::move(file), "pod-create allowed not-sensitive", "pod-create allowed valid",
          "pod-create allowed valid"};
}
// No rule of our configuration asks us about it.
Recorded never_asked(std::string file) {
  return always(std::move(file), "unknown denied not-understood");
}

const std::vector<Recorded>& recorded() {
  static const std::vector<Recorded> all{
      by_node("binding-by-user.json", "binding"),
      by_node("binding-legacy-resource.json", "binding"),
      by_node("binding-rejected.json", "binding"),
      by_node("binding-scheduler.json", "binding"),
      by_node("pod-create-nodename.json", "pod-on-node"),
      by_node("pod-ephemeralcontainers.json", "ephemeral-containers"),
      created("pod-create.json"),
      created("pod-create-dryrun.json"),
      created("pod-create-generatename.json"),
      created("pod-create-impersonated.json"),
      created("pod-create-replicaset.json"),
      created("pod-create-schedulinggates.json"),
      always("pod-create-mirror.json", "mirror-pod allowed mirror-pod"),
      always("pod-create-mirror-real-kubelet.json", "mirror-pod allowed mirror-pod"),
      always("pod-status-kubelet.json", "pod-update allowed unchanged"),
      always("pod-status-real-kubelet.json", "pod-update allowed unchanged"),
      always("pod-update-annotation.json", "pod-update allowed unchanged"),
      always("pod-update-annotation-removed.json", "pod-update allowed unchanged"),
      always("pod-update-image.json", "pod-update allowed unchanged"),
      always("pod-update-ungate.json", "pod-update allowed unchanged"),
      never_asked("pod-delete.json"),
      never_asked("pod-deletecollection.json"),
      never_asked("pod-eviction.json"),
      never_asked("pod-exec-connect.json"),
      never_asked("pod-resize.json"),
      never_asked("node-create-kubelet.json"),
      never_asked("node-status-kubelet.json"),
      never_asked("node-status-sa-projected-token.json"),
      never_asked("node-update-kubelet-forged-label.json"),
      never_asked("node-update-kubelet.json"),
      never_asked("node-update-sa-nodebound.json"),
      never_asked("node-update-sa-podbound-other-node.json"),
      never_asked("node-update-sa-podbound-own-node.json"),
      never_asked("node-update-sa-projected-token.json"),
      never_asked("node-update-sa-unbound.json"),
      never_asked("node-update-taint.json")};
  return all;
}

// The recorded nodes, all of one kind, and their namespaces, enrolled.
Snapshot world(bool proven) {
  Snapshot out = picture();
  const auto trust = out.nodes->find(proven ? "cvm-1" : "plain-1")->trust;
  NodeMap nodes;
  for (const char* name : {"node-a", "node-b", "node-c"})
    nodes.put(testing::entry(name, testing::kNodeUid, trust));
  out.nodes = std::make_shared<const NodeMap>(std::move(nodes));
  NamespaceMap namespaces;
  for (const char* name : {"demo", "demo2", "tee"}) namespaces[name] = {"annotated-pods", {}};
  out.namespaces = std::make_shared<const NamespaceMap>(std::move(namespaces));
  return out;
}

std::string decided(wire::AdmissionRequest request, const std::map<std::string, std::string>& marker,
                    bool proven) {
  for (auto* pod : {&request.pod, &request.old_pod}) {
    if (*pod) (*pod)->meta.annotations.insert(marker.begin(), marker.end());
  }
  PodEntry stored;
  stored.ns = request.ns;
  stored.name = request.name;
  stored.uid = request.binding ? request.binding->meta.uid : "";
  stored.markers = marker;
  return summary(decide(request, world(proven), stored, kNow, std::nullopt));
}

class DecideRecorded : public ::testing::TestWithParam<Recorded> {};

TEST_P(DecideRecorded, IsAnsweredAsItsMarkerAndNodeDemand) {
  NODEPROOF_NEED_VECTORS();
  const auto request = wire::parse_admission_review(vectors::file("admission/" + GetParam().file));
  ASSERT_TRUE(request) << to_string(request.error());
  const auto marker = testing::asks_for("confidential");
  EXPECT_EQ(decided(*request, {}, false), GetParam().unmarked);
  EXPECT_EQ(decided(*request, {}, true), GetParam().unmarked);
  EXPECT_EQ(decided(*request, marker, false), GetParam().unproven);
  EXPECT_EQ(decided(*request, marker, true), GetParam().proven);
}

INSTANTIATE_TEST_SUITE_P(All, DecideRecorded, ::testing::ValuesIn(recorded()), [](const auto& param) {
  std::string name = param.param.file.substr(0, param.param.file.find('.'));
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

TEST(DecideRecordings, NoReviewIsLeftOut) {
  NODEPROOF_NEED_VECTORS();
  std::set<std::string> reviews;
  for (const auto& entry : std::filesystem::directory_iterator(vectors::folder() / "admission")) {
    if (entry.path().extension() != ".json") continue;
    const Bytes text = vectors::file(entry.path());
    const auto document = attest::JsonDocument::parse(text, 4U << 20U, "file");
    if (!document || !document->root().is_object()) continue;
    const auto request = document->root().optional("request");
    if (request && *request) reviews.insert(entry.path().filename());
  }
  std::set<std::string> listed;
  for (const Recorded& item : recorded()) listed.insert(item.file);
  EXPECT_EQ(reviews, listed);
}

}  // namespace
}  // namespace nodeproof::webhook
