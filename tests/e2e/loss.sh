# What becomes of pods that run when their node loses its proof: taints, eviction, and the brake. Sourced by e2e_test.
# shellcheck shell=bash disable=SC2154

taints_of() { kube get node "$1" -o json | jq -r '[.spec.taints[]? | .key + ":" + .effect] | sort | join(" ")'; }
has_taints() { [[ $(taints_of "$1") == "$2" ]]; }
brake_state() { kube -n "$system" get configmap nodeproof-brake -o "jsonpath={.data.$1}"; }
brake_is() { counts "nodeproof_brake_engaged $1\$" >/dev/null; }
about() { kube -n "$1" get events --field-selector "involvedObject.name=$2" -o json | jq -r '.items[].reason'; }
was_told() { grep -qx "$3" <<<"$(about "$1" "$2")"; }
has_gone() { ! kube -n "$1" get pod "$2" >/dev/null 2>&1; }
pods_left() { [[ $(kube -n "$1" get pods -o name | wc -l) == "$2" ]]; }

# crowd_pods NAMESPACE FROM TO [FIELD]: a pod for each of these nodes, bound before its namespace was enrolled. Nodes
# without a kubelet end none, so that these end at once.
crowd_pods() {
  local i
  for ((i = $2; i <= $3; i++)); do
    echo "---"
    workloads=$1 annotations='' selector='' pod "crowd-$i" "nodeName: crowd-$i" | sed '/^spec:/a\  terminationGracePeriodSeconds: 0'
    if (($# > 3)); then echo "  $4"; fi
  done | kube create -f - >/dev/null
}

# protect NAMESPACE POLICY: all its pods ask for the policy from now on.
protect() {
  kube annotate namespace "$1" "nodeproof.dev/policy=$2"
  kube label namespace "$1" nodeproof.dev/enforce=all-pods
}

# refute FROM TO: the agents of these nodes publish evidence that cannot be read, all at the same time.
refute() {
  local account=system:serviceaccount:$system:nodeproof-agent
  # shellcheck disable=SC2016  # expanded by the inner shell
  kube get nodes -l e2e=crowd -o json |
    jq -r --argjson from "$1" --argjson to "$2" '.items[].metadata | (.name | ltrimstr("crowd-") | tonumber) as $n | select($n >= $from and $n <= $to) | .name + " " + .uid' |
    xargs -P 4 -L 1 bash -c 'curl -sS --max-time 60 --fail-with-body -o /dev/null --cacert "$0/pki/ca.crt" --cert "$0/pki/admin.crt" --key "$0/pki/admin.key" \
      -H "Impersonate-User: $2" -H "Impersonate-Group: system:authenticated" -H "Impersonate-Group: system:serviceaccounts" \
      -H "Impersonate-Extra-authentication.kubernetes.io%2Fnode-name: $3" -H "Impersonate-Extra-authentication.kubernetes.io%2Fnode-uid: $4" \
      -H "Content-Type: application/json" "$1/apis/nodeproof.dev/v1alpha1/nodeevidences" \
      -d "{\"apiVersion\": \"nodeproof.dev/v1alpha1\", \"kind\": \"NodeEvidence\", \"metadata\": {\"name\": \"$3\",
        \"ownerReferences\": [{\"apiVersion\": \"v1\", \"kind\": \"Node\", \"name\": \"$3\", \"uid\": \"$4\"}]},
        \"spec\": {\"nodeUID\": \"$4\", \"bootID\": \"$4\", \"platform\": \"azure-sev-snp\", \"hclReport\": \"!\", \"collection\": {\"code\": \"complete\"}}}"' \
      "$RUN" "$(api_server)" "$account"
}

end_losses() {
  kube delete namespace lost held shunned --ignore-not-found --wait=false >/dev/null
  kube delete attestationpolicy answering held shunning --ignore-not-found >/dev/null
  kube delete node -l e2e=crowd --ignore-not-found >/dev/null
  kube -n "$system" delete configmap nodeproof-brake --ignore-not-found >/dev/null
}

# A pool starts untrusted: the taint goes with the proof, and only that taint.
case_verified_node_loses_the_initialization_taint() {
  local foreign='example.com/maintenance:NoSchedule nodeproof.dev/other:NoSchedule nodeproof.dev/unverified:PreferNoSchedule'
  kube taint node "$good" example.com/maintenance=:NoSchedule nodeproof.dev/unverified=:NoSchedule \
    nodeproof.dev/unverified=:PreferNoSchedule nodeproof.dev/other=:NoSchedule
  kube taint node "$bad" nodeproof.dev/unverified=:NoSchedule
  wait_until 20 "the taint to go from $good" has_taints "$good" "$foreign"
  has_taints "$bad" nodeproof.dev/unverified:NoSchedule
  kube taint node "$good" example.com/maintenance- nodeproof.dev/unverified- nodeproof.dev/other-
  kube taint node "$bad" nodeproof.dev/unverified-
}

end_pool() {
  stop_agent pool-1
  stop_vtpm pool-1
  kube delete node pool-1 >/dev/null
}
waits_for_taint() {  # waits_for_taint POD: the scheduler looked, and says what keeps the pod from its node
  [[ $(kube -n default get pod "$1" -o 'jsonpath={.status.conditions[?(@.type=="PodScheduled")].message}') == *'1 node(s) had untolerated taint'* ]]
}

# A node registers with the taint, as in an AKS pool with node initialization taints: no pod that has nothing to do with
# us gets there before the proof, ours does, and the other taints stay.
case_pool_starts_untrusted() {
  local others='example.com/pool:PreferNoSchedule nodeproof.dev/unverified:PreferNoSchedule'
  trap end_pool EXIT
  taints='[{"key": "example.com/pool", "effect": "PreferNoSchedule"}, {"key": "nodeproof.dev/unverified", "effect": "NoSchedule"},
    {"key": "nodeproof.dev/unverified", "effect": "PreferNoSchedule"}]' add_node pool-1
  start_vtpm pool-1
  workloads=default annotations='' selector='kubernetes.io/hostname: pool-1' create_pod early
  wait_until 20 "the pod to wait for the taint to go" waits_for_taint early
  wait_until 20 "the node to be known" has_label pool-1 pending
  has_taints pool-1 "example.com/pool:PreferNoSchedule nodeproof.dev/unverified:NoSchedule nodeproof.dev/unverified:PreferNoSchedule"
  workloads=default is_unbound early
  start_agent pool-1
  wait_until 60 "the taint to go" has_taints pool-1 "$others"
  wait_until 30 "its label" has_label pool-1 verified
  wait_until 20 "the pod to be placed" is_bound_in default early
  has_taints pool-1 "$others"
  kube -n default delete pod early --grace-period=0 --force
}

# The right to patch Nodes is a right to our labels and taints.
case_webhook_writes_nothing_else_of_a_node() {
  refused_for 'no taints but its own' kube_as_webhook taint node "$bad" example.com/x=:NoSchedule
  refused_for 'no taints but its own' kube_as_webhook taint node "$bad" nodeproof.dev/failed=:NoSchedule
  refused_for 'no labels but its own.*example.com/shelf' kube_as_webhook label node "$bad" example.com/shelf=7
  refused_for 'nothing of a Node but' merge kube_as_webhook node "$bad" '{"spec": {"unschedulable": true}}'
  refused_for 'nothing of a Node but' kube_as_webhook annotate node "$bad" example.com/x=1
  kube_as_webhook taint node "$bad" nodeproof.dev/failed=:NoExecute
  wait_until 20 "the leader to take off what no policy asks for" has_taints "$bad" ''
  refused_for 'Only the nodeproof webhook' kube -n "$system" create configmap nodeproof-brake --from-literal engagedAt=
}

count_pods() { kube -n "$1" get pods -o name | wc -l; }
failed_in_crowd() { [[ $(kube get nodeattestations -o json | jq '[.items[] | select(.metadata.name | startswith("crowd-")) | select(.status.phase == "Failed")] | length') == "$1" ]]; }

end_silence() {
  kube delete namespace unasked asked --ignore-not-found --wait=false >/dev/null
  end_losses
  start_agent "$good"
  start_agent "$trusted"
  wait_until 60 "$good to be verified again" has_label "$good" verified
  wait_until 60 "$trusted to be verified again" has_label "$trusted" verified
}
# pod_on NODE NAMESPACE: bound before the namespace was enrolled.
pod_on() {
  workloads=$2 annotations='' selector='' pod "on-$1" "nodeName: $1" | sed '/^spec:/a\  terminationGracePeriodSeconds: 0' | kube create -f - >/dev/null
}

# Nothing holds the leader back, and a policy that names a grace for silence has its way: pods of one that names none
# stay, whether their node's proof grew old or its evidence went missing.
case_silence_evicts_nobody_unasked() {
  trap end_silence EXIT
  make_namespace unasked
  make_namespace asked
  policy answering 'nodeClass: Any, maxEvidenceAge: 10s, onLoss: {evict: true, gracePeriod: 1s}'
  policy shunning 'nodeClass: Any, maxEvidenceAge: 10s, onLoss: {evict: true, gracePeriod: 1s, staleGracePeriod: 8s}'
  pod_on "$good" unasked
  pod_on "$trusted" unasked
  pod_on "$good" asked
  protect unasked answering
  protect asked shunning
  stop_agent "$good"
  stop_agent "$trusted"
  kube delete nodeevidence "$trusted"
  wait_until 60 "the policy that answers silence to do so" has_gone asked "on-$good"
  wait_until 30 "that to be told" was_told asked "on-$good" Evicted
  wait_until 30 "$good to be stale" has_phase "$good" Stale
  wait_until 30 "$trusted to be stale" has_phase "$trusted" Stale
  pods_left unasked 2
  brake_is 0
}

# Three nodes of fifty fail, and their pods go. Then the others fail at once: no more than five in all lose their
# pods, not under the next leader either, until a person releases the brake.
case_lost_proof_evicts_within_the_brake() {
  local left
  trap end_losses EXIT
  crowd_nodes 50
  make_namespace lost
  policy answering 'nodeClass: Any, maxEvidenceAge: 10s, onLoss: {evict: true, gracePeriod: 4s}'
  crowd_pods lost 1 50
  protect lost answering
  refute 1 3
  wait_until 30 "the pods of the failed nodes to be evicted" pods_left lost 47
  brake_is 0
  wait_until 30 "that to be told" was_told lost crowd-1 Evicted
  refute 4 50
  wait_until 60 "the brake to engage" brake_is 1
  left=$(count_pods lost)
  ((left >= 45))
  wait_until 30 "that to be told" was_told "$system" nodeproof-brake BrakeEngaged
  expect_match "the reason" 'nodes lost their proof within an hour, and maxNodesFraction lets 5 of ' "$(brake_state reason)"
  signal_process "$RUN" webhook KILL
  start_webhook
  wait_until 60 "the next leader to find the brake engaged" brake_is 1
  # Nobody but a person with our verb releases it.
  refused_for 'Only the nodeproof webhook may write' operator -n "$system" delete configmap nodeproof-brake
  refused_for 'Only the nodeproof webhook may write' merge kube configmap nodeproof-brake '{"data": {"engagedAt": ""}}' -n "$system"
  # Silence evicts nobody here: the policy names no grace for it.
  kube delete nodeevidence crowd-{6..50} >/dev/null
  wait_until 60 "the others to be silent" failed_in_crowd 5
  pods_left lost "$left"
  kube -n "$system" delete configmap nodeproof-brake
  wait_until 30 "the pods of the other failed nodes to be evicted" pods_left lost 45
  brake_is 0
}

is_ready_pod() {
  kube -n held patch pod "$1" --subresource status --type merge -p '{"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}'
}
budget_is_known() { [[ $(kube -n held get pdb budget -o 'jsonpath={.status.currentHealthy}') == 1 ]]; }

case_budget_holds_and_deadline_ends() {
  trap end_losses EXIT
  crowd_nodes 2
  make_namespace held
  policy held 'nodeClass: Any, maxEvidenceAge: 10s, onLoss: {evict: true, gracePeriod: 1s, deleteAfter: 8s}'
  crowd_pods held 1 2
  is_ready_pod crowd-1
  kube -n held label pod crowd-1 budget=tight
  kube -n held create poddisruptionbudget budget --selector budget=tight --min-available 1
  wait_until 20 "the budget to be counted" budget_is_known
  protect held held
  refute 1 1
  wait_until 30 "the eviction to be refused by the budget" was_told held crowd-1 EvictionBlocked
  kube -n held get pod crowd-1
  wait_until 30 "the deadline to end it" has_gone held crowd-1
  wait_until 30 "that to be told" was_told held crowd-1 Deleted
  kube -n held get pod crowd-2
}

# The taint ends pods by the hands of Kubernetes; it goes with the reason for it.
case_failed_node_is_tainted_and_freed() {
  trap end_losses EXIT
  crowd_nodes 1
  make_namespace shunned
  policy shunning 'nodeClass: Any, maxEvidenceAge: 10s, onLoss: {taint: true, gracePeriod: 1s}'
  crowd_pods shunned 1 1 'tolerations: [{key: example.com/maintenance, operator: Exists}]'
  kube taint node crowd-1 example.com/maintenance=:NoExecute
  protect shunned shunning
  refute 1 1
  wait_until 30 "the node to be tainted" has_taints crowd-1 'example.com/maintenance:NoExecute nodeproof.dev/failed:NoExecute'
  wait_until 30 "that to be told" was_told default crowd-1 Tainted
  wait_until 30 "its pod to go" has_gone shunned crowd-1
  policy shunning 'nodeClass: Any, maxEvidenceAge: 10s'
  wait_until 30 "our taint to go, and no other" has_taints crowd-1 example.com/maintenance:NoExecute
}
