# Sensitive pods are steered to nodes that can take them, by the API server itself. Sourced by e2e_test.
# shellcheck shell=bash disable=SC2154

# selector_of NAME [SPEC-FIELD]: what the API server makes of the nodeSelector of such a pod.
selector_of() { selector=${selector-} pod "$@" | kube create --dry-run=server -o json -f - | jq -cS '.spec.nodeSelector // {}'; }

# policy NAME SPEC
policy() { kube apply -f - >/dev/null <<<"{apiVersion: nodeproof.dev/v1alpha1, kind: AttestationPolicy, metadata: {name: $1}, spec: {$2}}"; }

is_steered_by() {  # is_steered_by POLICY SELECTOR
  [[ $(annotations="nodeproof.dev/policy: $1" selector_of steered 2>/dev/null) == "$2" ]]
}
met() { echo "\"$(policy_label "$1")\":\"met\""; }

case_pod_without_selector_is_steered() {
  selector='' create_pod steered-there
  wait_until 30 "the scheduler to place the pod" is_bound steered-there
  [[ $(node_of steered-there) == "$good" ]]
  # One try was enough.
  [[ -z $(kube -n "$workloads" get events --field-selector "involvedObject.name=steered-there,reason=FailedScheduling" -o name) ]]
  [[ $(annotations='' selector_of left-alone) == '{}' ]]
}

case_steering_adds_and_never_widens() {
  [[ $(selector='disk: ssd' selector_of kept) == "{\"disk\":\"ssd\",$(met confidential)}" ]]
  [[ $(selector="$(policy_label confidential): met" selector_of idempotent) == "{$(met confidential)}" ]]
  # Not overwritten: whoever asks for something else is told.
  selector="$(policy_label confidential): unmet" refused_for "Policy confidential demands a nodeSelector.*$(policy_label confidential): met" create_pod contrary
}

case_policies_say_how_they_steer() {
  policy warning 'enforcementAction: Warn'
  policy trying 'enforcementAction: DryRun'
  wait_until 30 "a Warn policy to steer nowhere" is_steered_by warning '{}'
  wait_until 30 "a DryRun policy to steer nowhere" is_steered_by trying '{}'
  is_steered_by confidential "{$(met confidential)}"
  # A pool's labels, which an autoscaler can start from no node, or nothing at all.
  policy pooled 'placement: {nodeSelector: {agentpool: cvm}}'
  policy unsteered 'placement: {requireNodeLabel: false}'
  wait_until 30 "the pool to be steered to" is_steered_by pooled '{"agentpool":"cvm"}'
  wait_until 30 "a policy that steers nowhere" is_steered_by unsteered '{}'
  refused_for 'placement.nodeSelector.agentpool' policy misplaced 'placement: {nodeSelector: {agentpool: "not a label"}}'
}

is_steered_by_floor() { [[ $(annotations='' selector_of any 2>/dev/null) == "{$(met floor)}" ]]; }

case_floor_and_own_policy_both_steer() {
  local workloads=floored
  policy floor 'nodeClass: Any'
  make_namespace floored
  kube annotate namespace floored nodeproof.dev/policy=floor
  kube label namespace floored nodeproof.dev/enforce=annotated-pods
  wait_until 30 "both policies to steer" is_steered_by confidential "{$(met confidential),$(met floor)}"
  [[ $(annotations='nodeproof.dev/max-evidence-age: 5m' selector_of floor-only) == "{$(met floor)}" ]]
  [[ $(annotations='' selector_of not-marked) == '{}' ]]
  kube label namespace floored nodeproof.dev/enforce=all-pods --overwrite
  wait_until 30 "every pod to be steered" is_steered_by_floor
}

refused_by_twin() { selector='' refused_for "remedy: add to its spec.nodeSelector $(policy_label confidential): met" create_pod unsteered; }

# without_the_policy: the API server steers nothing until the case ends.
without_the_policy() {
  kube delete mutatingadmissionpolicybinding nodeproof-steering
  trap steer_again EXIT
  wait_until 30 "the selector to be demanded" refused_by_twin
}
steer_again() {
  kube delete mutatingwebhookconfiguration nodeproof --ignore-not-found
  kube apply -f "$RUN/manifests.yaml" >/dev/null
  wait_until 30 "steering to be back" is_steered_by confidential "{$(met confidential)}"
}

# Nothing adds the selector when steering is off; it is demanded all the same.
case_selector_is_demanded_without_mutation() {
  without_the_policy
  selector="$(policy_label confidential): met" create_pod self-steered
  annotations='' selector='' create_pod unmarked-unsteered
}

# Below 1.36 the webhook adds what the policy does from there on.
case_steered_by_the_webhook_without_the_policy() {
  without_the_policy
  render_chart --set steering.mode=webhook --show-only templates/steering-webhook.yaml | kube apply -f - >/dev/null
  wait_until 30 "the webhook to steer" is_steered_by confidential "{$(met confidential)}"
  [[ $(annotations='' selector_of left-alone) == '{}' ]]
  [[ $(selector='disk: ssd' selector_of kept) == "{\"disk\":\"ssd\",$(met confidential)}" ]]
  [[ $(selector="$(policy_label confidential): met" selector_of idempotent) == "{$(met confidential)}" ]]
  selector="$(policy_label confidential): unmet" refused_for "Policy confidential demands a nodeSelector.*$(policy_label confidential): met" create_pod contrary
  [[ $(pod left-as-it-is | kube create --dry-run=server -o json -f - | jq -c '[.spec.tolerations[]? | .key] | sort') == '["node.kubernetes.io/not-ready","node.kubernetes.io/unreachable"]' ]]
  policy warning 'enforcementAction: Warn'
  policy pooled 'placement: {nodeSelector: {agentpool: cvm}}'
  wait_until 30 "a policy's own nodeSelector" is_steered_by pooled '{"agentpool":"cvm"}'
  wait_until 30 "a Warn policy to steer nowhere" is_steered_by warning '{}'
  selector='' annotations='nodeproof.dev/policy: nonesuch' refused_for "no AttestationPolicy 'nonesuch'.*remedy: " create_pod unknown
  static_pod=static-2 case_mirror_pods_are_left_alone
  selector='' create_pod steered-by-webhook
  wait_until 30 "the scheduler to place the pod" is_bound steered-by-webhook
  [[ $(node_of steered-by-webhook) == "$good" ]]
  # Closed while nobody answers, as the gate is, and only for what is sensitive.
  stop_webhook
  refused_for 'steer-annotated-pods.nodeproof.dev' create_pod unanswered || { start_webhook; return 1; }
  annotations='' selector='' create_pod unanswered-unmarked || { start_webhook; return 1; }
  start_webhook
}

# Neither steering nor the marker rule hides a static pod from the API; the annotation alone exempts nobody.
case_mirror_pods_are_left_alone() {
  local mirror name=${static_pod:-static}
  mirror=$(selector='' annotations='nodeproof.dev/policy: confidential, kubernetes.io/config.mirror: abc, kubernetes.io/config.hash: abc, kubernetes.io/config.source: file' \
    pod "$name" "nodeName: $bad" | sed "/^  namespace:/a\\  ownerReferences: [{apiVersion: v1, kind: Node, name: $bad, controller: true, uid: $(kube get node "$bad" -o 'jsonpath={.metadata.uid}')}]")
  refused_for "$bad.*no-tpm" kube create -f - <<<"$mirror"
  kube_as_node "$bad" create -f - <<<"$mirror"
  [[ $(kube -n "$workloads" get pod "$name" -o 'jsonpath={.spec.nodeSelector}') == '' ]]
  kube_as_node "$bad" create -f - <<<"${mirror/namespace: $workloads/namespace: default}"
}

# crowd_nodes N: nodes that prove nothing, without a word of who they are.
crowd_nodes() {
  local i
  wait_until 120 "what is told of an earlier crowd to be collected" nothing_is_told_of_a_crowd
  for ((i = 1; i <= $1; i++)); do
    echo "---
{apiVersion: v1, kind: Node, metadata: {name: crowd-$i, labels: {e2e: crowd, kubernetes.io/hostname: crowd-$i, kubernetes.io/os: linux}},
 status: {capacity: $node_resources, allocatable: $node_resources, conditions: [{type: Ready, status: \"True\"}]}}"
  done | kube create -f - >/dev/null
  kube taint node -l e2e=crowd node.kubernetes.io/not-ready- >/dev/null
}
nothing_is_told_of_a_crowd() { [[ $(kube get nodeevidences,nodeattestations -o name | grep -c /crowd-) == 0 ]]; }
crowd_is_placed() { [[ $(kube -n crowd get pods -l e2e=crowd --field-selector spec.nodeName!= -o name | wc -l) == "$1" ]]; }
refused_bindings() {
  curl -fs "$(<"$RUN/webhook.health")/metrics" |
    awk '/^nodeproof_admission_requests_total/ && /rule="binding"/ && /decision="denied"/ {sum += $NF} END {print sum + 0}'
}
end_crowd() {
  local node
  kube -n crowd delete deployment crowd >/dev/null
  kube -n crowd delete pods --all --grace-period=0 --force >/dev/null 2>&1
  for node in "$@"; do
    stop_agent "$node"
    stop_vtpm "$node"
  done
  kube delete node -l e2e=crowd >/dev/null
  kube delete node "$@" >/dev/null
}

# Fifty nodes, five of them proven, two hundred sensitive pods that say nothing of nodes: were they not
# steered, nine of ten bindings would be refused.
case_refused_bindings_are_rare() {
  local node before proven=(confidential-2 confidential-3 confidential-4 confidential-5)
  make_namespace crowd
  kube label namespace crowd nodeproof.dev/enforce=annotated-pods
  crowd_nodes 45
  # shellcheck disable=SC2064  # the names as they are now
  trap "end_crowd ${proven[*]}" EXIT
  for node in "${proven[@]}"; do
    add_node "$node"
    start_vtpm "$node"
    start_agent "$node"
  done
  for node in "${proven[@]}"; do wait_until 60 "$node to be proven" meets "$node" confidential; done
  workloads=crowd create_unscheduled_pod astray
  before=$(refused_bindings)
  workloads=crowd refused_for 'not met' bind astray crowd-1
  (($(refused_bindings) == before + 1))  # so that none below means none
  before=$(refused_bindings)
  workloads=crowd controller apps/v1 Deployment crowd 'replicas: 200, selector: {matchLabels: {e2e: crowd}}' "$(sensitive_template crowd)"
  wait_until 120 "all pods to be placed" crowd_is_placed 200
  report "$(($(refused_bindings) - before)) bindings refused for 200 pods, 5 of $(kube get nodes -o name | wc -l) nodes proven"
  (($(refused_bindings) - before <= 2))
  [[ $(kube -n crowd get pods -l e2e=crowd -o json | jq -r '.items[].spec.nodeName' | sort -u | wc -l) == 5 ]]
}
