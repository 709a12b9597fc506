# How a proof ages, ends and comes back. Sourced by e2e_test.
# shellcheck shell=bash disable=SC2154

case_silence_turns_stale_and_back() {
  create_unscheduled_pod patient
  annotations='nodeproof.dev/policy: confidential, nodeproof.dev/max-evidence-age: 8s' create_unscheduled_pod impatient
  stop_agent "$good"
  would_admit patient "$good"
  wait_until "$max_age" "the pod that asks for a younger proof to be refused" would_refuse_for evidence-age impatient "$good"
  would_admit patient "$good"
  wait_until $((max_age + 40)) "a binding to be refused for its age" would_refuse_for evidence-age patient "$good"
  refused_for "$good.*evidence-age.*remedy: " bind patient "$good"
  wait_until 30 "$good to be stale" has_label "$good" stale
  wait_until 30 "that to be told" has_phase "$good" Stale
  start_agent "$good"
  wait_until 60 "the proof to be renewed" would_admit patient "$good"
  bind patient "$good"
  wait_until 30 "$good to be verified again" has_label "$good" verified
}

# What it needs to go on is in the cluster: ready means that all of it was read and verified.
case_restart_of_the_webhook_keeps_the_proof() {
  create_unscheduled_pod restarted
  watch_good_labels labels-kept
  stop_webhook
  start_webhook
  bind restarted "$good"
  leader_works
  signal_process "$RUN" webhook KILL
  start_webhook
  leader_works
  seen_only labels-kept 'verified met'
}

# stutter: the API server answers late, whatever it is asked, until the process that runs this is ended.
stutter() {
  while signal_process "$RUN" kube-apiserver STOP; do
    sleep 0.6
    signal_process "$RUN" kube-apiserver CONT
    sleep 0.2
  done
}
# answer_again PROCESS: that runs stutter.
answer_again() {
  kill "$1"
  wait "$1" || true
  signal_process "$RUN" kube-apiserver CONT
}

# A leader that hears nothing for a while, and one that starts while its lists come in late, one after the other.
case_slow_api_server_strips_no_label() {
  local stuttering
  watch_good_labels labels-slow
  trap 'signal_process "$RUN" kube-apiserver CONT' EXIT
  signal_process "$RUN" kube-apiserver STOP
  sleep 6 # no proof ends meanwhile
  signal_process "$RUN" kube-apiserver CONT
  leader_works
  stutter &
  stuttering=$!
  trap 'answer_again "$stuttering"' EXIT
  stop_webhook
  start_webhook
  leader_works
  trap - EXIT
  answer_again "$stuttering"
  leader_works
  seen_only labels-slow 'verified met'
}

is_bound_in() { [[ -n $(kube -n "$1" get pod "$2" -o 'jsonpath={.spec.nodeName}') ]]; }
# plain_pod_in NAMESPACE NAME
plain_pod_in() { annotations='' selector='' workloads=$1 create_pod "$2"; }
agents_are_on() { has_agent_pod joined-1; }

have_namespace() { kube get namespace "$1" || make_namespace "$1"; }

# unaffected TAG WAITING-POD: what no webhook may hold up, in namespaces that are not enrolled, exempt or ours.
unaffected() {
  plain_pod_in elsewhere "free-$1"
  plain_pod_in kube-system "free-$1"
  plain_pod_in "$system" "free-$1"
  wait_until 30 "a pod of a namespace that is not enrolled to be placed" is_bound_in elsewhere "free-$1"
  wait_until 30 "a pod of kube-system to be placed" is_bound_in kube-system "free-$1"
  wait_until 30 "a pod of our own namespace to be placed" is_bound_in "$system" "free-$1"
  kube -n elsewhere delete pod "free-$1" --grace-period=0 --force
  # A node joins, reports, renews its lease, and gets our agent.
  add_node joined-1
  report_new_boot joined-1
  kube_as_node joined-1 create -f - <<YAML
{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: joined-1, namespace: kube-node-lease},
 spec: {holderIdentity: joined-1, leaseDurationSeconds: 40}}
YAML
  kube_as_node joined-1 -n kube-node-lease patch lease joined-1 --type merge -p '{"spec": {"leaseDurationSeconds": 41}}'
  wait_until 30 "the agent's pod to be placed on the new node" agents_are_on
  kube delete node joined-1
  kube -n kube-node-lease delete lease joined-1
  # In enrolled namespaces only placing waits.
  annotations='' selector='' create_unscheduled_pod "unmarked-$1"
  kube -n "$workloads" label pod "$2" "seen=$1" --overwrite
  kube -n "$workloads" delete pod "unmarked-$1" --grace-period=0 --force
}

case_webhook_down_holds_only_the_enrolled() {
  have_namespace elsewhere
  create_unscheduled_pod held
  stop_webhook
  trap start_webhook EXIT
  refused_for 'failed calling webhook' bind held "$good"
  refused_for 'failed calling webhook' create_pod not-yet
  unaffected down held
  annotations='' create_pod recovers
  sleep 2
  is_unbound recovers
  trap - EXIT
  start_webhook
  bind held "$good"
  # The scheduler's backoff is ten seconds at most.
  wait_until 30 "the pod that waited to be placed" is_bound recovers
}

# The configurations stand in etcd, and none of our pods runs, when the first API server comes up.
case_cluster_comes_up_from_nothing() {
  have_namespace elsewhere
  create_unscheduled_pod held-anew
  stop_webhook
  trap start_webhook EXIT
  TOOLS=$TOOLS "$project/tests/cluster/control-plane" restart "$RUN"
  refused_for 'failed calling webhook' bind held-anew "$good"
  # In force from the first request that was answered.
  refused_for 'Only the nodeproof webhook' kube label node "$bad" "$attestation_label=verified" --overwrite
  unaffected anew held-anew
  trap - EXIT
  start_webhook
  wait_until 60 "a binding to be judged again" bind held-anew "$good"
  # CRDs are known a little later; until then nobody was held up for them.
  wait_until 60 "sensitive pods to be steered again" is_steered_by confidential "{$(met confidential)}"
}

# The kubelet reports a new boot: what was proven of the old one ends at once.
case_reboot_ends_the_proof() {
  create_unscheduled_pod rebooted
  would_admit rebooted "$good"
  stop_agent "$good"
  stop_vtpm "$good"
  report_new_boot "$good"
  wait_until 10 "the old proof to end" would_refuse_for boot-changed rebooted "$good"
  start_vtpm "$good"
  start_agent "$good"
  wait_until 60 "the new boot to be proven" would_admit rebooted "$good"
}

# collected NODE TIME: its evidence, as by a clock that says so.
collected() {
  local collected
  collected=$(date -u -d "$2" +%Y-%m-%dT%H:%M:%SZ)
  rewritten "$1" nodeevidence ".spec.collectedAt = \"$collected\""
  spec_is nodeevidence "$1" .collectedAt "\"$collected\""
}

# Ages are counted from the epoch. The webhook starts anew, so that it judges the evidence that it reads.
case_clock_of_a_node_is_no_matter() {
  local off
  create_unscheduled_pod timeless
  watch_good_labels labels-timeless
  for off in '9 hours ago' '9 hours'; do
    collected "$good" "$off"
    stop_webhook
    start_webhook
    would_admit timeless "$good"
  done
  bind timeless "$good"
  leader_works
  seen_only labels-timeless 'verified met'
}

# remembers_resets NODE COUNT: more than so many.
remembers_resets() { (($(kube get nodeattestation "$1" -o 'jsonpath={.status.counters.resetCount}') > $2)); }

# Root boots anew and has the kubelet report the old boot: the TPM tells.
case_reset_under_the_old_boot_id_is_refused() {
  create_unscheduled_pod reset
  wait_until 30 "the proof to hold before" would_admit reset "$good"
  stop_vtpm "$good"
  start_vtpm "$good"
  wait_until 60 "the old proof to end" would_refuse_for boot-changed reset "$good"
  wait_until 30 "that to be told" has_phase "$good" Pending
  reboot "$good"
  wait_until 60 "a boot that is reported to be proven" would_admit reset "$good"
  wait_until 30 "its counters to be remembered" remembers_resets "$good" 1
}

# Root on the good node lends its vTPM to a second Node, which calls itself that VM.
case_one_ak_on_two_nodes_is_refused() {
  local twin=twin-1 vm
  vm=$(<"$RUN/node/$good/vm_id")
  create_unscheduled_pod lent
  wait_until 30 "the proof to hold before" would_admit lent "$good"
  add_node "$twin"
  patch_status_as "system:node:$twin" system:nodes "/api/v1/nodes/$twin" \
    "{\"status\": {\"nodeInfo\": {\"systemUUID\": \"$vm\"}}}" >/dev/null
  cp "$RUN/node/$good/vtpm.json" "$RUN/node/$twin/"
  stop_agent "$good" # the emulator serves one at a time
  start_agent "$twin"
  wait_until 60 "the twin to be refused for it" would_refuse_for duplicate-identity lent "$twin"
  wait_until 30 "the good node to be refused for it" would_refuse_for duplicate-identity lent "$good"
  wait_until 30 "that to be told" has_code "$good" duplicate-identity
  [[ $(exits_with 1 judged nodes "$good" --json | jq -r '.nodes[0].reason') == duplicate-identity ]]
  import_inventory "$good" "$vm"
  wait_until 30 "the one that the inventory names to be believed" would_admit lent "$good"
  would_refuse_for duplicate-identity lent "$twin"
  kube delete nodeinventory pool >/dev/null
  stop_agent "$twin"
  kube delete node "$twin" >/dev/null
  wait_until 30 "the good node to be alone with its AK" would_admit lent "$good"
  start_agent "$good"
}

case_swapped_vtpm_fails() {
  create_unscheduled_pod swapped
  wait_until 30 "the proof to hold before" would_admit swapped "$good"
  stop_vtpm "$good"
  start_vtpm "$good" --swap-ak
  wait_until 60 "$good to be failed" has_label "$good" failed
  wait_until 30 "that to be told" has_phase "$good" Failed
  has_code "$good" quote-signature
  refused_for "$good.*quote-signature" bind swapped "$good"
}

no_evidence() { ! kube get nodeevidence "$1" >/dev/null 2>&1 && ! kube get nodequote "$1" >/dev/null 2>&1; }

no_attestation() { ! kube get nodeattestation "$1" >/dev/null 2>&1; }

case_evidence_of_a_gone_node_is_collected() {
  local left
  create_unscheduled_pod lost
  left=$(evidence "$bad")
  kube delete node "$bad"
  wait_until 60 "its evidence to be collected" no_evidence "$bad"
  wait_until 60 "its result to be collected" no_attestation "$bad"
  wait_until 30 "a binding to a gone node to be refused for that" would_refuse_for unknown-node lost "$bad"
  # The agent's token outlives the Node for a while. What it writes then helps nobody, and goes.
  write "$(<"$RUN/node/$bad/agent.token")" "$(as_new "$bad" <<<"$left")" create || true
  refused_for "$bad.*unknown-node" bind lost "$bad"
  wait_until 60 "late evidence to be collected" no_evidence "$bad"
}
