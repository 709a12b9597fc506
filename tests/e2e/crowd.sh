# Many nodes of which few prove themselves, and many sensitive pods. Sourced by e2e_test.
# shellcheck shell=bash disable=SC2154

crowd_nodes=50
crowd_verified=5
crowd_pods=200
# Of the pods that were placed: a binding is refused now and then when a proof ends just as the scheduler
# chose its node. Without steering, nine of ten first choices would be refused.
crowd_most_denials=4

# add_plain_nodes N: Nodes without a vTPM and without an agent's process.
add_plain_nodes() {
  local i resources='{cpu: 8, memory: 32Gi, pods: 100, ephemeral-storage: 100Gi}'
  for ((i = 1; i <= $1; i++)); do
    cat <<YAML
---
{apiVersion: v1, kind: Node, metadata: {name: crowd-plain-$i, labels: {e2e: crowd, e2e-class: plain, kubernetes.io/hostname: crowd-plain-$i, kubernetes.io/os: linux}},
 status: {capacity: $resources, allocatable: $resources, conditions: [{type: Ready, status: "True", reason: KubeletReady, message: emulated}]}}
YAML
  done | kube create -f - >/dev/null
  kube taint node -l e2e-class=plain node.kubernetes.io/not-ready- >/dev/null
}

add_verified_node() {
  add_node "$1"
  kube label node "$1" e2e=crowd >/dev/null
  start_vtpm "$1"
  start_agent "$1"
}

leave_crowd() {
  local i
  kube delete namespace crowd --wait=false
  kube -n crowd delete pods --all --force --grace-period 0 --wait=false
  for ((i = 2; i <= crowd_verified; i++)); do
    stop_agent "crowd-$i"
    stop_vtpm "crowd-$i"
  done
  kube delete node -l e2e=crowd --wait=false
}

# denials: bindings that the webhook has refused since it started.
denials() {
  curl -fsS "$(<"$RUN/webhook.health")/metrics" |
    awk '/^nodeproof_admission_requests_total\{/ && /decision="denied"/ && /rule="binding"/ {sum += $2} END {print sum + 0}'
}

placed_in_crowd() { kube -n crowd get pods -l e2e=crowd -o json | jq '[.items[] | select(.spec.nodeName)] | length'; }
all_are_placed() { (($(placed_in_crowd) == crowd_pods)); }
verified_nodes() { kube get nodes -l "$(policy_label confidential)=met" -o name | wc -l; }
all_are_verified() { (($(verified_nodes) == crowd_verified)); }

case_denials_are_rare_among_many_nodes() {
  local i before denied
  trap leave_crowd EXIT
  for ((i = 2; i <= crowd_verified; i++)); do add_verified_node "crowd-$i"; done
  add_plain_nodes $((crowd_nodes - $(kube get nodes -o name | wc -l)))
  wait_until 60 "five nodes to be verified" all_are_verified
  (($(kube get nodes -o name | wc -l) == crowd_nodes))
  kube create namespace crowd
  kube label namespace crowd nodeproof.dev/enforce=annotated-pods
  wait_until 10 "the namespace to be gated" crowd_is_gated
  before=$(denials)
  workloads=crowd create_unscheduled_pod astray
  workloads=crowd refused_for 'not met' bind astray crowd-plain-1
  (($(denials) == before + 1))  # so that none below means none
  before=$(denials)
  workloads=crowd controller apps/v1 Deployment crowd "replicas: $crowd_pods, selector: {matchLabels: {e2e: crowd}}" "$(sensitive_template crowd)"
  wait_until 120 "$crowd_pods pods to be placed" all_are_placed
  denied=$(($(denials) - before))
  say "        $denied bindings were denied until $crowd_pods pods were placed on $crowd_verified of $crowd_nodes nodes"
  ((denied <= crowd_most_denials))
  [[ $(kube -n crowd get pods -l e2e=crowd -o json | jq -r '[.items[].spec.nodeName] | unique[]') == "$({ echo "$good"; for ((i = 2; i <= crowd_verified; i++)); do echo "crowd-$i"; done; } | sort)" ]]
}
crowd_is_gated() { selector='' workloads=crowd refused_for "$bad.*no-tpm" create_pod asked "nodeName: $bad" >/dev/null 2>&1; }
