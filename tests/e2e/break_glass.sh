# The emergency exit: a namespace is taken out of the gate for a while, also while no webhook answers.
# Sourced by e2e_test.
# shellcheck shell=bash disable=SC2154

ahead() { date -u -d "$1" +%Y-%m-%dT%H:%M:%SZ; }
# set_end WHO NAMESPACE TIME, open_glass WHO NAMESPACE [REASON]
set_end() { "$1" annotate --overwrite namespace "$2" "nodeproof.dev/break-glass-until=$3"; }
open_glass() { "$1" label namespace "$2" "nodeproof.dev/break-glass=${3-incident-7}"; }
close_glass() { "$1" label namespace "$2" nodeproof.dev/break-glass-; }

namespace_until() {  # namespace_until TIME [MANAGED-FIELDS]
  jq -n --arg until "$1" --argjson fields "${2:-[]}" '{apiVersion: "v1", kind: "Namespace", metadata: {name: "forged-glass",
    managedFields: $fields, labels: {"nodeproof.dev/break-glass": "incident"}, annotations: {"nodeproof.dev/break-glass-until": $until}}}'
}

# The end is measured from when the API server wrote it, which nobody can say otherwise.
case_break_glass_needs_reason_and_near_end() {
  local later
  later=$(ahead '+3 days')
  kube create namespace glazed
  while_down
  refused_for 'glazed needs an end; remedy: first kubectl annotate' open_glass kube glazed
  refused_for 'may not end at' set_end kube glazed "$(ahead '+5 hours')"
  refused_for 'may not end at' set_end kube glazed "$(ahead '-1 minute')"
  refused_for 'must be a time in UTC.*not tomorrow' set_end kube glazed tomorrow
  refused_for 'may not end at' kube create -f - <<<"$(namespace_until "$later")"
  refused_for 'may not end at' kube create -f - <<<"$(namespace_until "$later" "[{\"manager\": \"clock\", \"operation\": \"Update\", \"apiVersion\": \"v1\",
    \"time\": \"$later\", \"fieldsType\": \"FieldsV1\", \"fieldsV1\": {\"f:metadata\": {\"f:annotations\": {\"f:nodeproof.dev/break-glass-until\": {}}}}}]")"
  refused_for 'may not end at' kube create -f - <<<"$(namespace_until "$later" '[{}]')"
  set_end kube glazed "$(ahead '+8 seconds')"
  refused_for 'needs a reason' open_glass kube glazed ''
  sleep 8
  refused_for 'would have ended at' open_glass kube glazed
  set_end kube glazed "$(ahead '+3 hours 50 minutes')"
  open_glass kube glazed
  refused_for 'needs an end' kube annotate namespace glazed nodeproof.dev/break-glass-until-
  refused_for 'may not end at' set_end kube glazed "$(ahead '+5 hours')"
  set_end kube glazed "$(ahead '+1 hour')"
  close_glass kube glazed
  kube annotate namespace glazed nodeproof.dev/break-glass-until-
}

on_call() { kube_as on-call operators "$@"; }

case_break_glass_is_guarded() {
  kube create namespace shut
  kube apply -f - <<YAML
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: e2e-on-call}
rules: [{apiGroups: [nodeproof.dev], resources: [enrolments], resourceNames: [shut], verbs: [breakglass]}]
YAML
  kube create clusterrolebinding e2e-on-call --clusterrole e2e-on-call --user on-call
  while_down
  refused_for "only by those who may 'breakglass'" set_end operator shut "$(ahead '+1 hour')"
  set_end kube shut "$(ahead '+1 hour')"
  refused_for "only by those who may 'breakglass'" open_glass operator shut
  refused_for "only by those who may 'breakglass'" operator create -f - <<<"$(namespace_until "$(ahead '+1 hour')")"
  wait_until 30 "the right to be known" on_call label namespace shut nodeproof.dev/break-glass=incident-7
  refused_for "only by those who may 'breakglass'" set_end on_call "$workloads" "$(ahead '+1 hour')"
  # It opens, and enrols nothing.
  refused_for "only by those who may 'enrol'" on_call label namespace shut nodeproof.dev/enforce=annotated-pods
  refused_for "only by those who may 'breakglass'" close_glass operator shut
  close_glass kube shut
}

is_held_again() { refused_for 'failed calling webhook' create_pod late 2>/dev/null; }

case_break_glass_opens_one_namespace() {
  local workloads_before=$workloads
  make_namespace emergency
  kube label namespace emergency nodeproof.dev/enforce=annotated-pods
  create_unscheduled_pod waiting
  workloads=emergency wait_until 30 "the API server to know of the enrolment" create_unscheduled_pod rescued
  while_down
  workloads=emergency
  refused_for 'failed calling webhook' bind rescued "$bad"
  set_end kube emergency "$(ahead '+1 hour')"
  open_glass kube emergency
  wait_until 30 "the namespace to be let go" bind rescued "$bad"
  [[ $(node_of rescued) == "$bad" ]]
  selector='' create_pod unsteered-rescue "nodeName: $bad"
  # Its neighbour is held as before, and so is the namespace itself afterwards.
  workloads=$workloads_before refused_for 'failed calling webhook' bind waiting "$good"
  close_glass kube emergency
  wait_until 30 "the namespace to be held again" is_held_again
}

is_closed() { [[ $(kube get namespace "$1" -o json | jq '[.metadata.labels, .metadata.annotations | values | keys[] | select(startswith("nodeproof.dev/break-glass"))] | length') == 0 ]]; }
events_of() { kube get events -n default --field-selector "involvedObject.kind=Namespace,involvedObject.name=$1" -o json | jq -r '.items[].reason'; }
has_event() { grep -qx "$2" <<<"$(events_of "$1")"; }
counts() { grep -E "^$1" <<<"$(curl -fs "$(<"$RUN/webhook.health")/metrics")"; }

# The leader tells of it and ends it in time, and leaves alone what may still go on.
case_break_glass_ends_by_itself() {
  local end
  kube create namespace brief
  kube create namespace lasting
  set_end kube lasting "$(ahead '+1 hour')"
  open_glass kube lasting incident-8
  end=$(ahead '+12 seconds')
  set_end kube brief "$end"
  open_glass kube brief incident-9
  wait_until 20 "the opening to be told of" has_event brief BreakGlassOpened
  wait_until 30 "the other's end to be counted" counts "nodeproof_break_glass_end_time_seconds{namespace=\"lasting\"} [1-9]"
  wait_until 30 "break-glass to end" is_closed brief
  [[ ! $(date -u +%Y-%m-%dT%H:%M:%SZ) < $end ]]
  wait_until 30 "the end to be told of" has_event brief BreakGlassEnded
  wait_until 30 "the other to be told of" has_event lasting BreakGlassOpened
  counts 'nodeproof_break_glass_opened_total [2-9]'
  counts 'nodeproof_break_glass_ended_total [1-9]'
  if is_closed lasting || has_event lasting BreakGlassEnded; then return 1; fi
  close_glass kube lasting
}
