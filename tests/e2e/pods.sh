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
  local deployment told
  exits_with 0 judged explain pod -f - <<<"$(pod planned)"
  policy=none exits_with 1 judged explain pod -f - <<<"$(policy=none pod planned)"
  deployment="{apiVersion: apps/v1, kind: Deployment, metadata: {name: planned, namespace: $workloads},
    spec: {template: {metadata: {annotations: {nodeproof.dev/policy: confidential}}, spec: {nodeName: $bad}}}}"
  told=$(exits_with 1 judged explain pod -f - <<<"$deployment")
  [[ $told == *no-tpm* ]]
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

has_unproven_event() { [[ $(kube -n "$1" get events --field-selector "involvedObject.name=$2,reason=NodeUnproven" -o json | jq '.items | length') == 1 ]]; }

case_unproven_pods_are_listed() {
  local list node
  make_namespace early
  workloads=early annotations='' selector='' create_pod old "nodeName: $bad"
  workloads=early annotations='' selector='' create_pod fine "nodeName: $good"
  kube annotate namespace early nodeproof.dev/policy=confidential
  kube label namespace early nodeproof.dev/enforce=all-pods
  kube_as_node "$bad" create -f - <<<"$(mirror_of tacit "$bad")"
  list=$(exits_with 1 judged pods --unproven --json)
  [[ $(listed "$list" early/old) == "unmet no-tpm $bad" ]]
  [[ $(listed "$list" "$workloads/tacit") == "mirror-pod no-tpm $bad" ]]
  [[ $(listed "$list" early/fine) == '' ]]
  # Other pods may be counted before the sweep comes to it: its Event tells.
  wait_until 60 "the Event of the old pod" has_unproven_event early old
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

case_policy_is_tested_before_it_is_applied() {
  local spec="{apiVersion: nodeproof.dev/v1alpha1, kind: AttestationPolicy, metadata: {name: planned}, spec:" answer
  answer=$(exits_with 0 judged policy test -f - --nodes --json <<<"$spec {nodeClass: Confidential}}")
  [[ $(jq -r '.policies[0].nodes[] | select(.met) | .node' <<<"$answer") == "$good" ]]
  [[ $(jq -r --arg node "$bad" '.policies[0].nodes[] | select(.node == $node) | .check' <<<"$answer") == no-tpm ]]
  exits_with 1 judged policy test -f - --nodes <<<"$spec {sevSnp: {products: [Genoa]}}}" >/dev/null
  # What the API server would store and prune, and the webhook refuse.
  "$BIN/nodeproof" policy test -f - <<<"$spec {nodeClas: Any}}" >"$RUN/refused-policy" && return 1
  (($? == 2))
  grep -q 'spec.nodeClas' "$RUN/refused-policy"
  ! kube get attestationpolicy planned
}

case_inventory_is_explained() {
  local answer
  policy explained "maxEvidenceAge: ${max_age}s, nodeIdentity: Inventory, placement: {requireNodeLabel: false}"
  import_inventory "$good" "$(<"$RUN/node/$good/vm_id")"
  answer=$(exits_with 0 judged explain pod -f - --json <<<"$(policy=explained selector='' pod tied)")
  [[ $(decision "$answer" "$good") == 'allowed met' ]]
  [[ $(decision "$answer" "$bad") == 'refused no-tpm' ]]
  import_inventory "$good" "$(new_uuid)"
  answer=$(exits_with 1 judged explain pod -f - --json <<<"$(policy=explained selector='' pod tied)")
  [[ $(decision "$answer" "$good") == 'refused node-inventory' ]]
  kube delete nodeinventory pool >/dev/null
  kube delete attestationpolicy explained >/dev/null
}

# audited POD CODE: our annotations of the Binding of the pod that was answered with this status code, one object.
audited() {
  jq -cR --arg pod "$1" --argjson code "$2" 'fromjson? | select(.objectRef.subresource == "binding" and .objectRef.name == $pod and .responseStatus.code == $code) |
    .annotations | with_entries(select(.key | startswith("bindings.nodeproof.dev/")) | .key |= sub(".*/"; ""))' "$RUN/log/audit.log"
}
is_audited() { [[ -n $(audited "$@") ]]; }

# Of the log alone, an auditor learns by which policy and proof a pod was placed, and why another was not.
case_audit_log_says_what_was_proven() {
  local placed refused epoch
  create_unscheduled_pod audited
  refused bind audited "$bad"
  bind audited "$good"
  wait_until 30 "the refusal to be logged" is_audited audited 403
  wait_until 30 "the placement to be logged" is_audited audited 201
  refused=$(audited audited 403)
  placed=$(audited audited 201)
  say "$refused $placed"
  jq -e --arg node "$bad" '. == {node: $node, "policy-unmet": "confidential: no-tpm", denied: "no-tpm"}' <<<"$refused"
  jq -e --arg node "$good" '.node == $node and ."policy-met" == "confidential" and (has("denied") | not)' <<<"$placed"
  # The evidence is the one that stands in the cluster, and the epoch is of these seconds.
  [[ $(jq -r '."evidence-digest"' <<<"$placed") == "$(attestation "$good" evidenceDigest)" ]]
  epoch=$(jq -r .epoch <<<"$placed")
  (($(date +%s) / ${epoch_length%s} - epoch < max_age))
}
