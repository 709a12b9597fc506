# What those are told who do not see the answer to the refused request. Sourced by e2e_test.
# shellcheck shell=bash disable=SC2154

# warned COMMAND...: what kubectl prints as warnings of ours; fails when the command does.
warned() {
  local answer
  answer=$("$@" 2>&1) || {
    say "expected to be accepted: $answer"
    return 1
  }
  grep '^Warning: nodeproof: ' <<<"$answer" || true
}
# warned_of PATTERN COMMAND...: one of them matches the extended regular expression.
warned_of() {
  local pattern=$1 answer
  shift
  answer=$(warned "$@") || return 1
  printf '%s\n' "$answer"
  expect_match "a warning" "$pattern" "$answer"
}
not_warned() { [[ -z $(warned "$@") ]]; }

# maker KIND NAME [SPEC-FIELD]: makes sensitive pods; none of them yet, where the kind allows that.
maker() {
  local label="app-$2" template fields
  template="{metadata: {labels: {app: $label}, annotations: {${annotations-nodeproof.dev/policy: confidential}}},
    spec: {${3:+$3, }containers: [{name: main, image: example.invalid/ledger}]}}"
  fields="selector: {matchLabels: {app: $label}}, template: $template"
  case $1 in
    Deployment | ReplicaSet) manifest apps/v1 "$1" "$2" "replicas: 0, $fields" ;;
    StatefulSet) manifest apps/v1 "$1" "$2" "replicas: 0, serviceName: $2, $fields" ;;
    DaemonSet) manifest apps/v1 "$1" "$2" "$fields" ;;
    Job) manifest batch/v1 "$1" "$2" "suspend: true, template: ${template/spec: \{/spec: {restartPolicy: Never, }" ;;
    CronJob) manifest batch/v1 "$1" "$2" "suspend: true, schedule: '@yearly', jobTemplate: {spec: {template: ${template/spec: \{/spec: {restartPolicy: Never, }}}" ;;
  esac
}
manifest() { echo "{apiVersion: $1, kind: $2, metadata: {name: $3, namespace: ${in_namespace:-$workloads}}, spec: {$4}}"; }
make() { maker "$@" | kube create --dry-run=server -f -; }

case_templates_are_warned_of() {
  local kind
  for kind in Deployment ReplicaSet StatefulSet DaemonSet Job CronJob; do
    annotations='nodeproof.dev/policy: nonesuch' warned_of "$kind $workloads/made: its pods will be refused: there is no AttestationPolicy 'nonesuch'; remedy: " make "$kind" made
    annotations='nodeproof.dev/polcy: confidential' warned_of "$kind $workloads/made: .*nodeproof.dev/polcy is not known" make "$kind" made
    not_warned make "$kind" made "nodeSelector: {$(policy_label confidential): met}"
    annotations='' not_warned make "$kind" made
  done
  not_warned make Deployment made
  policy out-of-reach 'sevSnp: {products: [Turin]}'
  annotations='nodeproof.dev/policy: out-of-reach' wait_until 30 "the policy to be known" warned_of 'no node meets policy out-of-reach now; its pods will wait' make Deployment made
}

case_templates_where_nothing_is_enrolled_are_warned_of() {
  kube create namespace unenrolled-templates
  in_namespace=unenrolled-templates warned_of 'kubectl label namespace unenrolled-templates nodeproof.dev/enforce=' make Deployment made
  annotations='' in_namespace=unenrolled-templates not_warned make Deployment made
}

# Only a change that is to be warned of is asked about, and nobody waits for an answer.
case_templates_are_not_held_up() {
  warned_of 'nonesuch' create_unknown
  trap 'start_webhook; kube -n "$workloads" delete deployment changed' EXIT
  not_warned kube -n "$workloads" label deployment changed example.com/team=red
  warned_of 'nonesuch' kube -n "$workloads" patch deployment changed --type merge -p '{"spec": {"template": {"metadata": {"labels": {"more": "yes"}}}}}'
  stop_webhook
  not_warned kube -n "$workloads" patch deployment changed --type merge -p '{"spec": {"template": {"metadata": {"labels": {"more": "no"}}}}}'
}
create_unknown() { annotations='nodeproof.dev/policy: nonesuch' maker Deployment changed | kube create -f -; }

case_pod_that_no_node_can_take_is_warned_of() {
  policy unreachable 'sevSnp: {products: [Turin]}'
  policy=unreachable wait_until 30 "the policy to be known" warned_of 'no node meets policy unreachable now; the pod will wait for one' would_create waiting
  not_warned would_create served
}

# refusals_of POD: the sentences.
refusals_of() { kube -n "$workloads" get events --field-selector "involvedObject.name=$1,reason=PlacementRefused" -o json | jq -r '.items[].message'; }
has_refusal_event() { [[ -n $(refusals_of "$1") ]]; }

case_refusal_is_an_event_of_the_pod() {
  local answer
  create_unscheduled_pod told
  create_unscheduled_pod untold
  would_refuse_for no-tpm untold "$bad"
  answer=$(refused_for "pod $workloads/told .*$bad.*no-tpm" bind told "$bad")
  wait_until 30 "the pod's Event" has_refusal_event told
  # The same sentence, once, however often somebody tries.
  refused_for no-tpm bind told "$bad" >/dev/null
  sleep 2
  [[ $(refusals_of told | wc -l) == 1 ]]
  [[ ${answer%%$'\n'*} == *"denied the request: $(refusals_of told)" ]]
  [[ $(kube -n "$workloads" get events --field-selector involvedObject.name=told,reason=PlacementRefused -o 'jsonpath={.items[0].involvedObject.uid}') == \
    $(kube -n "$workloads" get pod told -o 'jsonpath={.metadata.uid}') ]]
  grep -q "Warning *PlacementRefused .* no-tpm" <<<"$(kube -n "$workloads" describe pod told)"
  # Nothing came of the dry run, nor of a binding that was allowed.
  [[ -z $(refusals_of untold) ]]
  bind untold "$good"
  sleep 2
  [[ -z $(refusals_of untold) ]]
}

# told_of POD: "TYPE MESSAGE" of what was placed unproven.
told_of() { kube -n "$workloads" get events --field-selector "involvedObject.name=$1,reason=PlacementUnproven" -o json | jq -r '.items[] | "\(.type) \(.message)"'; }
is_told_of() { [[ -n $(told_of "$1") ]]; }

# A Warn or DryRun policy lets pass, and tells of it where people look.
case_what_is_only_warned_of_is_an_event_too() {
  local action type
  for action in Warn DryRun; do
    type=Normal
    [[ $action != Warn ]] || type=Warning
    policy "tell-${action,,}" "enforcementAction: $action"
    policy="tell-${action,,}" selector='' wait_until 20 "the policy to be known" create_unscheduled_pod "only-${action,,}"
    bind "only-${action,,}" "$bad"
    wait_until 30 "the pod's Event" is_told_of "only-${action,,}"
    expect_match "the Event" "^$type pod $workloads/only-${action,,} may be placed on node $bad unproven: policy tell-${action,,} is not met because of no-tpm: .*remedy: " \
      "$(told_of "only-${action,,}")"
    # Where it is met there is nothing to tell.
    policy="tell-${action,,}" selector='' create_unscheduled_pod "proven-${action,,}"
    bind "proven-${action,,}" "$good"
  done
  sleep 2
  [[ -z $(told_of proven-warn)$(told_of proven-dryrun) ]]
}
