# What a real scheduler makes of the chart's pods. Sourced by chart_test.
# shellcheck shell=bash disable=SC2154

# nodes_of COMPONENT: where its pods are bound, one a line, sorted.
nodes_of() {
  kube -n "$system" get pods -l "app.kubernetes.io/component=$1" -o json |
    jq -r '.items[] | select(.metadata.deletionTimestamp == null) | .spec.nodeName // empty' | sort
}
webhook_is_on() { [[ $(nodes_of webhook | xargs) == "$*" ]]; }
trust() { kube label node "$1" trusted.node-restriction.kubernetes.io/nodeproof-webhook=true; }
untrusted_kubelet() {
  refused_for 'is not allowed to modify labels' \
    kube_as_node "$1" label node "$1" trusted.node-restriction.kubernetes.io/nodeproof-webhook=true
}

case_replicas_are_spread_and_kept_off_judged_nodes() {
  local node
  # Both nodes are taken although one is judged: a cluster of such nodes still gets two replicas.
  wait_until 60 "two replicas on two nodes" webhook_is_on "$good" "$bad"
  wait_until 60 "the budget to count them" budget_counts 2
  for node in system-1 system-2 system-3; do add_node "$node"; done
  kube taint node system-1 CriticalAddonsOnly=true:NoSchedule
  trust system-1
  trust system-2
  untrusted_kubelet "$bad"
  deploy upgrade --set-string 'webhook.nodeSelector.trusted\.node-restriction\.kubernetes\.io/nodeproof-webhook=true' >/dev/null
  wait_until 60 "the third replica, on a trusted node" surges
  wait_until 60 "two replicas, on the trusted nodes alone" rolls_on_to system-1 system-2
  kube delete node system-1 system-2 system-3
}
budget_counts() { [[ $(kube -n "$system" get pdb nodeproof-webhook -o 'jsonpath={.status.expectedPods}') == "$1" ]]; }
# No old replica goes before a new one is ready.
surges() { [[ $(nodes_of webhook | xargs) =~ ^"$good $bad system-"[12]$ ]]; }
# Replicas become ready, as kubelets would tell.
rolls_on_to() {
  local pod node
  while read -r pod node; do
    patch_status_as "system:node:$node" system:nodes "/api/v1/namespaces/$system/pods/$pod" \
      '{"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}' >/dev/null
  done < <(kube -n "$system" get pods -l app.kubernetes.io/component=webhook -o json |
    jq -r '.items[] | select(.spec.nodeName and .status.phase == "Pending") | "\(.metadata.name) \(.spec.nodeName)"')
  webhook_is_on "$@"
}

is_bound_to() { [[ $(node_of "$1") == "$2" ]]; }
explained() { kube -n "$workloads" get pod "$1" -o 'jsonpath={.status.conditions[?(@.type=="PodScheduled")].message}'; }
waits_for_a_node() { [[ $(explained "$1") == *"didn't match Pod's node affinity/selector"* ]]; }

# A pool without a node, which the cluster's autoscaler would make one for: it reckons with the labels and taints of the pool, so
# nothing may be asked of the node that only its proof brings. The taint is one that AKS sets at boot and does not
# put back; who takes it off when the node is proven is an admin here.
case_autoscaled_pool_starts_from_nothing() {
  kube apply -f - <<YAML
apiVersion: nodeproof.dev/v1alpha1
kind: AttestationPolicy
metadata: {name: pooled}
spec: {maxEvidenceAge: ${max_age}s, akCertificate: Required, placement: {nodeSelector: {agentpool: cvm}}}
YAML
  wait_until 30 "the policy to be known" pooled_pod --dry-run=server
  pooled_pod
  wait_until 30 "the pod to wait for a node of the pool" waits_for_a_node first-of-pool
  add_node pooled-1
  kube label node pooled-1 agentpool=cvm
  kube taint node pooled-1 nodeproof.dev/unverified=:NoSchedule
  wait_until 60 "an agent on the new node, for all its taint" has_agent_pod pooled-1
  is_unbound first-of-pool
  start_vtpm pooled-1
  start_agent pooled-1
  # The leader takes the taint off once the node is proven.
  wait_until 60 "the new node to prove itself" has_label pooled-1 verified
  wait_until 60 "the pod to be placed on it" is_bound_to first-of-pool pooled-1
  stop_agent pooled-1
  stop_vtpm pooled-1
  kube delete node pooled-1
  kube delete attestationpolicy pooled
}
pooled_pod() { policy=pooled selector='agentpool: cvm' pod first-of-pool | kube create -f - "$@"; }
