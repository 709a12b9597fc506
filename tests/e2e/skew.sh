# Agents, webhook and CustomResourceDefinitions of neighbouring releases. What another release writes differs from
# what ours does in fields that one of the two does not know (ADR 13), so that is what these cases make. The programs
# themselves of another release run where AGENT_BIN or WEBHOOK_BIN names them (docs/releasing.md). Sourced by e2e_test.
# shellcheck shell=bash disable=SC2154

# crd PLURAL: as a manifest.
crd() { kube get crd "$1.nodeproof.dev" -o json | jq '{apiVersion, kind, metadata: {name: .metadata.name}, spec}'; }
of_v1='.spec.versions[0].schema.openAPIV3Schema.properties'

# older_definition PLURAL spec|status FIELD...: the CustomResourceDefinition as before these were added.
older_definition() {
  local plural=$1 part=$2 field paths=
  shift 2
  for field; do paths+="${paths:+, }$of_v1.$part.properties.$field"; done
  crd "$plural" | jq "del($paths)" | kube apply -f -
}
# later_definition PLURAL: as a later release may have it.
later_definition() {
  crd "$1" | jq "$of_v1.spec.properties.later = {type: \"object\", \"x-kubernetes-preserve-unknown-fields\": true}" |
    kube apply -f -
}
our_definitions() { kube apply -f "$project/crds" >/dev/null; }

spec_of() { kube get "$1" "$2" -o json | jq -c ".spec$3 // empty"; }
spec_is() { [[ $(spec_of "$1" "$2" "$3") == "$4" ]]; }
spec_is_not() { ! spec_is "$@"; }
quoted_since() { (($(spec_of nodequote "$1" .epoch) > $2)); }
has_condition() { [[ $(attestation "$1" 'conditions[?(@.type=="Verified")].status') == True ]]; }
# told_since SIZE LOG PATTERN: a line that was written after the log had that size.
told_since() { [[ $(tail -c "+$(($1 + 1))" "$RUN/log/$2.log") =~ $3 ]]; }
size_of() { stat -c %s "$RUN/log/$1.log"; }

# rewritten NODE KIND FILTER: the object that its agent published, as an agent of another release would have it.
rewritten() {
  kube_with "$(<"$RUN/node/$1/agent.token")" replace -f - \
    <<<"$(kube get "$2" "$1" -o json | jq "del(.metadata.managedFields) | $3")"
}

# Helm does not upgrade them: programs of this release, definitions of an earlier one.
case_older_definitions_lose_no_proof() {
  local agent webhook before version
  agent=$(size_of "agent-$good")
  webhook=$(size_of webhook)
  trap our_definitions EXIT
  older_definition nodeevidences spec efi activation noEventLog
  older_definition nodeattestations status conditions counters activation trustedLaunch
  wait_until 60 "the API server to forget the field" spec_is nodeevidence "$good" .efi ''
  wait_until 60 "the API server to forget the other's" has_result "$good" conditions ''
  sleep 2  # a definition that changed takes the API server a moment
  stop_agent "$good"
  start_agent "$good"
  stop_webhook
  start_webhook
  wait_until 30 "the agent to say what to apply" told_since "$agent" "agent-$good" \
    'unknown field .*spec\.efi.*kubectl apply -f crds/nodeevidences\.yaml'
  wait_until 60 "the webhook to say what to apply" told_since "$webhook" webhook \
    'unknown field .*status\.conditions.*kubectl apply -f crds/nodeattestations\.yaml'
  create_unscheduled_pod older-definitions
  wait_until 30 "a proof under the older definitions" would_admit older-definitions "$good"
  # Refreshes store the quote alone.
  version=$(kube get nodeevidence "$good" -o 'jsonpath={.metadata.resourceVersion}')
  before=$(spec_of nodequote "$good" .epoch)
  wait_until 30 "two more quotes" quoted_since "$good" $((before + 3))
  [[ $(kube get nodeevidence "$good" -o 'jsonpath={.metadata.resourceVersion}') == "$version" ]]
  has_label "$good" verified
  bind older-definitions "$good"
  # Nothing need be restarted once they are applied.
  trap - EXIT
  our_definitions
  wait_until 30 "the field to be published after all" spec_is_not nodeevidence "$good" .efi ''
  wait_until 60 "the condition to be written after all" has_condition "$good"
}

# is_ahead NODE KIND JQ: what an agent of a later release would publish more is in the object. A definition that changed
# takes the API server a moment; until then it drops the field.
is_ahead() {
  rewritten "$1" "$2" ".spec.later = $3 | if .spec.collectedAt then .spec.collectedAt = \"2026-01-01T00:00:00Z\" else . end"
  spec_is "$2" "$1" .later "$(jq -nc "$3")"
}

# An agent that is ahead of the webhook, and one that is behind it. The webhook starts anew, so that what it
# knows is what it reads.
case_agents_of_other_releases_are_judged() {
  trap 'our_definitions; start_agent "$good"; start_agent "$trusted"' EXIT
  later_definition nodeevidences
  later_definition nodequotes
  create_unscheduled_pod ahead
  policy=trusted-launch create_unscheduled_pod behind
  stop_agent "$good"
  stop_agent "$trusted"
  # Ahead: it says more than we know.
  wait_until 20 "the API server to keep what is new of evidence" is_ahead "$good" nodeevidence '{note: "x", proof: [1]}'
  wait_until 20 "the API server to keep what is new of quotes" is_ahead "$good" nodequote '{bank: "sha384"}'
  # Behind: it publishes what it must, and nothing else.
  rewritten "$trusted" nodeevidence 'del(.spec.efi, .spec.collectedAt, .spec.noEventLog, .spec.activation)'
  spec_is nodeevidence "$trusted" .collectedAt ''
  stop_webhook
  start_webhook
  bind ahead "$good"
  bind behind "$trusted"
  has_phase "$good" Verified
  has_phase "$trusted" Verified
  # Ours takes both over again.
  trap our_definitions EXIT
  start_agent "$good"
  start_agent "$trusted"
  wait_until 30 "our agent's own evidence" spec_is nodeevidence "$good" .later ''
}
