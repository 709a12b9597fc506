# What the command line says of pods by the cluster's own objects, and what the leader's sweep finds. Sourced by e2e_test.
# shellcheck shell=bash disable=SC2154

# judged ARGUMENT...: nodeproof, for verbs that judge nodes themselves, with the settings of this webhook.
judged() {
  "$BIN/nodeproof" "$@" --kubeconfig "$RUN/admin.kubeconfig" --epoch-length "$epoch_length" \
    --reference-values "$RUN/authority/reference-values.yaml" \
    --trust-anchor "$RUN/authority/amd-ark.pem" "$RUN/authority/vtpm-trust-anchors.pem" 2>"$RUN/log/judged.log"
}
exits_with() {  # exits_with CODE COMMAND...: prints what it prints
  local want=$1 code=0
  shift
  "$@" || code=$?
  ((code == want)) || {
    say "exit code $code instead of $want: $*"
    return 1
  }
}

decision() { jq -r --arg node "$2" '.nodes[] | select(.node == $node) | "\(.decision) \(.reason)"' <<<"$1"; }

case_explain_says_what_the_webhook_does() {
  local all one
  create_unscheduled_pod asked
  all=$(exits_with 0 judged explain pod "$workloads/asked" --json)
  [[ $(decision "$all" "$good") == 'allowed met' ]]
  [[ $(decision "$all" "$bad") == 'refused no-tpm' ]]
  [[ $(decision "$all" "$trusted") == 'refused policy' ]]
  one=$(exits_with 1 judged explain pod "$workloads/asked" --node "$bad" --json)
  # To the byte: it is the same code.
  [[ $(refused bind asked "$bad") == *"$(jq -r '.nodes[0].message' <<<"$one")"* ]]
  exits_with 0 judged explain pod "$workloads/asked" --node "$good"
  bind asked "$good"
}

case_manifest_is_explained_before_it_is_applied() {
  local deployment
  exits_with 0 judged explain pod -f - <<<"$(pod planned)"
  policy=none exits_with 1 judged explain pod -f - <<<"$(policy=none pod planned)"
  deployment="{apiVersion: apps/v1, kind: Deployment, metadata: {name: planned, namespace: $workloads},
    spec: {template: {metadata: {annotations: {nodeproof.dev/policy: confidential}}, spec: {nodeName: $bad}}}}"
  exits_with 1 judged explain pod -f - <<<"$deployment" | grep -q 'no-tpm'
  # Everything from files, without a cluster.
  kube get attestationpolicies,nodes,nodeevidences,nodequotes,namespaces -o json >"$RUN/cluster.json"
  "$BIN/nodeproof" explain pod -f "$RUN/cluster.json" -f - --offline --node "$bad" <<<"$(pod planned)" >/dev/null && return 1
  (($? == 1))
}

# mirror_of NAME NODE: of a static pod that is sensitive, as the kubelet makes it.
mirror_of() {
  selector='' annotations='nodeproof.dev/policy: confidential, kubernetes.io/config.mirror: abc, kubernetes.io/config.hash: abc, kubernetes.io/config.source: file' \
    pod "$1" "nodeName: $2" | sed "/^  namespace:/a\\  ownerReferences: [{apiVersion: v1, kind: Node, name: $2, controller: true, uid: $(kube get node "$2" -o 'jsonpath={.metadata.uid}')}]"
}
# listed LIST POD: "REASON CHECK NODE" of one that is in it.
listed() { jq -r --arg pod "$2" '.pods[] | select("\(.namespace)/\(.name)" == $pod) | "\(.reason) \(.check) \(.node)"' <<<"$1"; }
any_listed_on() { jq -r --arg node "$2" 'if any(.pods[]; .node == $node) then "True" else "False" end' <<<"$1"; }
unproven_metric() { curl -fs "$(<"$RUN/webhook.health")/metrics" | sed -n "s/^nodeproof_unproven_pods{reason=\"$1\"} //p"; }
tells_unproven() { [[ $(unproven_metric "$1") -ge $2 ]]; }
unproven_on() {  # unproven_on NODE STATUS
  [[ $(kube get nodeattestation "$1" -o 'jsonpath={.status.conditions[?(@.type=="UnprovenPods")].status}') == "$2" ]]
}

case_unproven_pods_are_listed() {
  local list node
  kube create namespace early
  workloads=early annotations='' selector='' create_pod old "nodeName: $bad"
  workloads=early annotations='' selector='' create_pod fine "nodeName: $good"
  kube annotate namespace early nodeproof.dev/policy=confidential
  kube label namespace early nodeproof.dev/enforce=all-pods
  kube_as_node "$bad" create -f - <<<"$(mirror_of tacit "$bad")"
  list=$(exits_with 1 judged pods --unproven --json)
  [[ $(listed "$list" early/old) == "unmet no-tpm $bad" ]]
  [[ $(listed "$list" "$workloads/tacit") == "mirror-pod no-tpm $bad" ]]
  [[ $(listed "$list" early/fine) == '' ]]
  wait_until 60 "the sweep to tell of the old pod" tells_unproven unmet 1
  wait_until 60 "the sweep to tell of the static pod" tells_unproven mirror-pod 1
  wait_until 30 "the condition of $bad" unproven_on "$bad" True
  # Earlier cases may have left pods on proven nodes that are marked where nobody acts on it.
  for node in "$good" "$trusted"; do
    wait_until 30 "the condition of $node" unproven_on "$node" "$(any_listed_on "$list" "$node")"
  done
  # Out of the gate they are told all the same.
  set_end kube early "$(ahead '+1 hour')"
  open_glass kube early
  list=$(exits_with 1 judged pods --unproven --json)
  [[ $(listed "$list" early/old) == "break-glass no-tpm $bad" ]]
  close_glass kube early
  kube delete namespace early --wait=false
  kube -n early delete pod old --grace-period=0 --force
  list=$(exits_with 1 judged pods --unproven --json)
  [[ $(listed "$list" early/old) == '' ]]
}
