#include "wire/objects.hpp"

#include "tests/unit/wire/json_text.hpp"

namespace nodeproof::wire {
namespace {

const std::string kPod = R"({"metadata": {"name": "p", "namespace": "n", "uid": "u", "resourceVersion": "7",
  "labels": {"a": "1"}, "annotations": {"nodeproof.dev/policy": "payments"}, "managedFields": [{}]},
  "spec": {"nodeName": "node-a", "containers": []}, "status": {}})";

TEST(Objects, PodIsRead) {
  const auto pod = parsed(kPod, parse_pod);
  ASSERT_TRUE(pod) << to_string(pod.error());
  EXPECT_EQ(pod->meta.name, "p");
  EXPECT_EQ(pod->meta.ns, "n");
  EXPECT_EQ(pod->meta.uid, "u");
  EXPECT_EQ(pod->meta.resource_version, "7");
  EXPECT_EQ(pod->meta.labels, (std::map<std::string, std::string>{{"a", "1"}}));
  EXPECT_EQ(pod->meta.annotations.at(std::string(kPolicyAnnotation)), "payments");
  EXPECT_FALSE(pod->meta.deleting);
  EXPECT_EQ(pod->node_name, "node-a");
}

TEST(Objects, PodIsSummarized) {
  const auto document = attest::JsonDocument::parse(as_bytes(kPod), 1U << 16U, "Pod");
  ASSERT_TRUE(document);
  const auto pod = summarize_pod(document->root());
  ASSERT_TRUE(pod) << to_string(pod.error());
  EXPECT_EQ(pod->name, "p");
  EXPECT_EQ(pod->ns, "n");
  EXPECT_EQ(pod->uid, "u");
  EXPECT_EQ(pod->node_name, "node-a");
  ASSERT_EQ(pod->markers.size(), 1U);
  EXPECT_EQ(pod->markers[0].first, kPolicyAnnotation);
  EXPECT_EQ(pod->markers[0].second, "payments");
}

TEST(Objects, NullsAndAbsenceReadAsEmpty) {
  const auto pod = parsed(R"({"metadata": {"labels": null}, "spec": {"nodeName": null}})", parse_pod);
  ASSERT_TRUE(pod) << to_string(pod.error());
  EXPECT_TRUE(pod->meta.name.empty());
  EXPECT_TRUE(pod->meta.labels.empty());
  EXPECT_TRUE(pod->node_name.empty());
}

TEST(Objects, DeletionIsSeen) {
  const auto pod =
      parsed(edited(kPod, R"("uid": "u")", R"("deletionTimestamp": "2026-11-24T00:00:00Z")"), parse_pod);
  ASSERT_TRUE(pod);
  EXPECT_TRUE(pod->meta.deleting);
}

TEST(Objects, WrongTypesAreRefused) {
  const Refusal cases[] = {
      {R"("name": "p")", R"("name": 1)", Errc::kWrongType, "metadata.name"},
      {R"("a": "1")", R"("a": 1)", Errc::kWrongType, "metadata.labels"},
      {R"("a": "1")", R"("a": null)", Errc::kWrongType, "metadata.labels"},
      {R"({"a": "1"})", R"(["a"])", Errc::kWrongType, "metadata.labels"},
      {R"("payments")", R"({})", Errc::kWrongType, "metadata.annotations"},
      {R"("a": "1")", R"("a": "1", "a": "2")", Errc::kDuplicate, "metadata.labels"},
      {R"("nodeName": "node-a")", R"("nodeName": ["node-a"])", Errc::kWrongType, "spec.nodeName"},
      {R"("spec")", R"("specification")", Errc::kMissing, "spec"},
      {R"("metadata")", R"("meta")", Errc::kMissing, "metadata"},
  };
  expect_refusals(kPod, parse_pod, cases);
}

TEST(Objects, WrongTypesAreRefusedInASummaryToo) {
  const Refusal cases[] = {
      {R"("name": "p")", R"("name": 1)", Errc::kWrongType, "metadata.name"},
      {R"("name": "p")", R"("name": null)", Errc::kMissing, "metadata.name"},
      {R"("namespace": "n")", R"("namespace": [])", Errc::kWrongType, "metadata.namespace"},
      {R"("uid": "u")", R"("uid": true)", Errc::kWrongType, "metadata.uid"},
      {R"("payments")", R"({})", Errc::kWrongType, "metadata.annotations"},
      {R"({"nodeproof.dev/policy": "payments"})", R"([])", Errc::kWrongType, "metadata.annotations"},
      {R"("nodeName": "node-a")", R"("nodeName": ["node-a"])", Errc::kWrongType, "spec.nodeName"},
      {R"("spec")", R"("specification")", Errc::kMissing, "spec"},
      {R"("metadata")", R"("meta")", Errc::kMissing, "metadata"},
  };
  expect_refusals(kPod, summarize_pod, cases);
}

TEST(Objects, NodeIsRead) {
  const std::string json = R"({"metadata": {"name": "node-a"}, "status": {"nodeInfo":
    {"bootID": "b", "systemUUID": "S", "kernelVersion": "6"}}})";
  const auto node = parsed(json, parse_node);
  ASSERT_TRUE(node) << to_string(node.error());
  EXPECT_EQ(node->boot_id, "b");
  EXPECT_EQ(node->system_uuid, "S");
  const Refusal cases[] = {
      {R"("name": "node-a")", R"("uid": "u")", Errc::kMissing, "metadata.name"},
      {R"("bootID": "b")", R"("bootID": 7)", Errc::kWrongType, "bootID"},
  };
  expect_refusals(json, parse_node, cases);
}

TEST(Objects, TaintsOfOurPrefixAreReadFromTheNode) {
  const std::string json = R"({"metadata": {"name": "n"}, "spec": {"taints": [
    {"key": "nodeproof.dev/failed", "effect": "NoExecute", "timeAdded": "2026-08-25T00:00:00Z"},
    {"key": "example.com/x", "effect": "NoExecute"},
    {"key": "nodeproof.dev/unverified", "value": "1", "effect": "NoSchedule"}]}})";
  const auto node = parsed(json, parse_node);
  ASSERT_TRUE(node) << to_string(node.error());
  EXPECT_EQ(node->taints, (std::vector<Taint>{{"nodeproof.dev/failed", "NoExecute"},
                                              {"nodeproof.dev/unverified", "NoSchedule"}}));
  const Refusal cases[] = {
      {R"("nodeproof.dev/failed")", "7", Errc::kWrongType, "spec.taints[0].key"},
      {R"("value": "1", "effect": "NoSchedule")", R"("effect": {})", Errc::kWrongType,
       "spec.taints[2].effect"},
  };
  expect_refusals(json, parse_node, cases);
}

TEST(Objects, NodeThatNoKubeletReportedYet) {
  const auto node = parsed(R"({"metadata": {"name": "node-a"}})", parse_node);
  ASSERT_TRUE(node);
  EXPECT_TRUE(node->boot_id.empty());
}

TEST(Objects, BindingIsRead) {
  const std::string json = R"({"metadata": {"name": "p"}, "target": {"kind": "Node", "name": "node-a"}})";
  const auto binding = parsed(json, parse_binding);
  ASSERT_TRUE(binding) << to_string(binding.error());
  EXPECT_TRUE(binding->meta.uid.empty());
  EXPECT_EQ(binding->target_kind, "Node");
  EXPECT_EQ(binding->target_name, "node-a");
  const Refusal cases[] = {
      {R"("target")", R"("aim")", Errc::kMissing, "target"},
      {R"("name": "node-a")", R"("name": 1)", Errc::kWrongType, "target.name"},
  };
  expect_refusals(json, parse_binding, cases);
}

TEST(Objects, NamespaceNeedsAName) {
  EXPECT_TRUE(parsed(R"({"metadata": {"name": "n"}})", parse_namespace));
  EXPECT_FALSE(parsed(R"({"metadata": {}})", parse_namespace));
}

TEST(Objects, EveryPrefixIsRefused) {
  expect_prefixes_refused(kPod, parse_pod);
  expect_prefixes_refused(R"({"metadata":{"name":"n"},"status":{"nodeInfo":{"bootID":"b"}}})", parse_node);
  expect_prefixes_refused(R"({"metadata":{"name":"n","labels":{"a":"1"}}})", parse_namespace);
  expect_prefixes_refused(R"({"metadata":{"name":"p"},"target":{"kind":"Node","name":"n"}})", parse_binding);
}

}  // namespace
}  // namespace nodeproof::wire
