# What would switch the gate off, lower it or feign a proof, and who may touch it. The chart's
# ValidatingAdmissionPolicies hold while no webhook answers, so every case here stops it. Each refusal
# comes with its neighbour, which passes. Sourced by e2e_test.
# shellcheck shell=bash disable=SC2154

# while_down: no webhook answers until the case ends.
while_down() {
  stop_webhook
  trap start_webhook EXIT
}

# An operator may write all objects there are, as many tools may, but holds none of our own verbs.
operator() { kube_as operator operators "$@"; }

add_operator() {
  kube apply -f - >/dev/null <<YAML
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: e2e-operator}
rules: [{apiGroups: ["*"], resources: ["*"], verbs: [get, list, watch, create, update, patch, delete, deletecollection]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: e2e-operator}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: e2e-operator}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: operators}]
YAML
}

# merge KUBECTL RESOURCE NAME JSON [ARGUMENT...]: a merge patch.
merge() {
  local as=$1 resource=$2 name=$3 patch=$4
  shift 4
  "$as" patch "$resource" "$name" --type merge -p "$patch" "$@"
}

node_patch() { echo "{\"metadata\": {\"labels\": {\"$1\": $2}}}"; }

node_with() {  # node_with NAME LABELS STATUS
  echo "{apiVersion: v1, kind: Node, metadata: {name: $1, labels: {$2}}, status: {$3}}"
}
create_node() { node_with "$2" "$3" "${4:-}" | "$1" create -f -; }

case_our_node_labels_are_the_webhooks() {
  local policy
  policy=$(policy_label confidential)
  while_down
  for who in operator kube; do
    refused_for "Only the nodeproof webhook may write these labels.*$attestation_label" \
      merge "$who" node "$bad" "$(node_patch "$attestation_label" '"verified"')"
    refused_for "Only the nodeproof webhook.*$attestation_label" merge "$who" node "$good" "$(node_patch "$attestation_label" null)"
    refused_for "Only the nodeproof webhook.*$policy" merge "$who" node "$bad" "$(node_patch "$policy" '"met"')"
    refused_for "Only the nodeproof webhook.*$policy" merge "$who" node "$bad" "$(node_patch "$policy" '"met"')" --subresource status
    refused_for "Only the nodeproof webhook.*$policy" create_node "$who" forged-1 "$policy: met"
  done
  # Other labels, heartbeats, and the webhook itself.
  merge operator node "$bad" "$(node_patch example.com/rack '"7"')"
  merge operator node "$bad" "$(node_patch node-restriction.kubernetes.io/team '"red"')"
  patch_status_as "system:node:$bad" system:nodes "/api/v1/nodes/$bad" \
    '{"status": {"conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "still emulated"}]}}'
  merge kube_as_webhook node "$bad" "$(node_patch "$(policy_label e2e)" '"met"')"
  merge kube_as_webhook node "$bad" "$(node_patch "$(policy_label e2e)" null)"
}

case_identity_of_a_node_is_its_own_word() {
  local boot
  while_down
  boot="{\"status\": {\"nodeInfo\": {\"bootID\": \"$(new_uuid)\"}}}"
  refused_for 'Only the node itself may report' merge kube node "$bad" "$boot" --subresource status
  refused_for 'Only the node itself may report' merge operator node "$bad" "$boot" --subresource status
  refused_for 'Only the node itself may report' create_node operator feigned-1 '' 'nodeInfo: {systemUUID: feigned}'
  # What says nothing of its identity may be written by others, and all of it by the node.
  create_node operator virtual-1 '' 'nodeInfo: {kubeletVersion: v1.33.0, operatingSystem: linux, architecture: amd64}'
  merge operator node "$bad" '{"status": {"nodeInfo": {"kubeletVersion": "v1.33.1"}}}' --subresource status
  add_node rebooting-1
  report_new_boot rebooting-1
  [[ $(kube get node rebooting-1 -o 'jsonpath={.status.nodeInfo.bootID}') == "$(<"$RUN/node/rebooting-1/boot_id")" ]]
  kube delete node virtual-1 rebooting-1
}

# marked_pod_in NAMESPACE NAME [DRY-RUN]
marked_pod_in() { workloads=$1 pod "$2" | kube create -f - ${3:+--dry-run=server}; }
# Without an annotation.
labelled_pod() { annotations='' pod "$1" | sed 's,^  annotations: {},  labels: {nodeproof.dev/policy: confidential},' | kube create -f -; }
mark() { kube -n "$1" annotate pod "$2" nodeproof.dev/policy=confidential; }
mark_by_status() {
  merge kube pod "$2" '{"metadata": {"annotations": {"nodeproof.dev/policy": "confidential"}}}' -n "$1" --subresource status
}

# A label, and an annotation in other letters, which the API server takes: nobody reads either.
case_marker_in_another_form_is_refused() {
  while_down
  refused_for 'carries label nodeproof.dev/policy, which protects nothing' labelled_pod labelled
  annotations='NodeProof.dev/policy: confidential' refused_for 'carries annotation NodeProof.dev/policy, which protects nothing' \
    create_pod capitals
  make_namespace plain-words
  annotations='' marked_pod_in plain-words plain
  refused_for 'carries label nodeproof.dev/policy' kube -n plain-words label pod plain nodeproof.dev/policy=confidential
  kube -n plain-words label pod plain example.com/nodeproof.dev=confidential
}

case_marker_where_nobody_acts_is_refused() {
  local enrol
  make_namespace unenrolled
  make_namespace leaving
  kube label namespace leaving nodeproof.dev/enforce=annotated-pods
  wait_until 30 "the API server to know of the enrolment" marked_pod_in leaving early
  kube label namespace leaving nodeproof.dev/enforce-
  while_down
  enrol=$(refused_for 'unenrolled is not enrolled.*remedy: kubectl label namespace unenrolled' marked_pod_in unenrolled marked)
  refused_for 'kube-system are exempt' marked_pod_in kube-system marked
  refused_for "$system are exempt" marked_pod_in "$system" marked
  annotations='nodeproof.dev/polcy: confidential' refused_for 'is not enrolled' marked_pod_in unenrolled misspelt
  annotations='' marked_pod_in unenrolled plain
  refused_for 'is not enrolled' mark unenrolled plain
  refused_for 'is not enrolled' mark_by_status unenrolled plain
  # What was marked when its namespace was enrolled stays writable.
  kube -n leaving label pod early still=writable
  # The command that the message gives is the right one: then only the webhook is missing.
  enrol=${enrol##*remedy: kubectl }
  # shellcheck disable=SC2086  # words of a command
  kube ${enrol%%$'\n'*}
  wait_until 30 "the pod to be let through to the webhook" refused_for 'failed calling webhook' marked_pod_in unenrolled marked
}

case_enrolment_is_guarded() {
  kube create namespace guarded
  kube create namespace granted
  kube apply -f - <<YAML
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: e2e-enroller}
rules: [{apiGroups: [nodeproof.dev], resources: [enrolments], resourceNames: [granted], verbs: [enrol]}]
YAML
  kube create clusterrolebinding e2e-enroller --clusterrole e2e-enroller --user enroller
  while_down
  refused_for "may be changed only by those who may 'enrol'" operator label namespace guarded nodeproof.dev/enforce=annotated-pods
  refused_for "may be changed only by those who may 'enrol'" operator label namespace "$workloads" nodeproof.dev/enforce-
  refused_for "may be changed only by those who may 'enrol'" operator annotate namespace "$workloads" nodeproof.dev/policy=confidential
  refused_for "may be changed only by those who may 'enrol'" \
    merge operator namespace "$workloads" '{"metadata": {"labels": {"nodeproof.dev/enforce": null}}}' --subresource status
  refused_for "may be changed only by those who may 'enrol'" operator create -f - \
    <<<'{apiVersion: v1, kind: Namespace, metadata: {name: made, labels: {nodeproof.dev/enforce: annotated-pods}}}'
  operator label namespace "$workloads" example.com/team=red
  operator create namespace plain-one
  # With resourceNames the verb is granted for single namespaces.
  wait_until 30 "the right to be known" kube_as enroller operators label namespace granted nodeproof.dev/enforce=annotated-pods
  refused_for "namespace guarded may be changed only" kube_as enroller operators label namespace guarded nodeproof.dev/enforce=annotated-pods
  kube label namespace granted nodeproof.dev/enforce-
}

case_enrolment_says_what_we_know() {
  kube create namespace worded
  while_down
  refused_for 'kube-system is exempt' kube label namespace kube-system nodeproof.dev/enforce=all-pods
  refused_for 'kube-system is exempt' kube label namespace kube-system nodeproof.dev/enforce=annotated-pods
  refused_for "$system is exempt" kube label namespace "$system" nodeproof.dev/enforce=annotated-pods
  kube label namespace kube-system example.com/team=blue
  refused_for 'enforce of namespace worded is some-pods' kube label namespace worded nodeproof.dev/enforce=some-pods
  refused_for 'carries nodeproof.dev/enforced' kube label namespace worded nodeproof.dev/enforced=annotated-pods
  refused_for 'carries nodeproof.dev/polcy' kube annotate namespace worded nodeproof.dev/polcy=confidential
  refused_for 'carries NodeProof.dev/policy' kube annotate namespace worded NodeProof.dev/policy=confidential
  refused_for 'first kubectl annotate namespace worded nodeproof.dev/policy=' kube label namespace worded nodeproof.dev/enforce=all-pods
  kube annotate namespace worded nodeproof.dev/policy=confidential
  kube label namespace worded nodeproof.dev/enforce=all-pods
  refused_for 'first kubectl annotate namespace worded' kube annotate namespace worded nodeproof.dev/policy-
  kube label namespace worded nodeproof.dev/enforce=annotated-pods --overwrite
  kube annotate namespace worded nodeproof.dev/policy-
}

# bind_with MAP KIND: a Binding of the pod `copied` that carries one of our keys.
bind_with() {
  local path=pods/copied/binding
  [[ $2 == binding ]] || path=bindings
  binding copied "$good" | jq --arg map "$1" 'if $map == "" then . else .metadata[$map] = {"nodeproof.dev/policy": "none"} end' |
    kube create --raw "/api/v1/namespaces/$workloads/$path" -f -
}

# Also where we have no webhook: it would mark a pod behind the back of what looks at pods.
case_our_keys_on_bindings_are_refused_everywhere() {
  local workloads=unbounded
  make_namespace "$workloads"
  annotations='' selector='' create_unscheduled_pod copied
  while_down
  refused_for 'The Binding carries nodeproof.dev/policy' bind_with annotations binding
  refused_for 'The Binding carries nodeproof.dev/policy' bind_with annotations legacy
  refused_for 'The Binding carries nodeproof.dev/policy' bind_with labels binding
  bind_with '' binding
  [[ $(node_of copied) == "$good" ]]
}

hook() {  # hook NAME: a webhook configuration that matches nothing there is
  cat <<YAML
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: $1, labels: {e2e: hook}}
webhooks:
  - {name: nothing.example.com, admissionReviewVersions: [v1], sideEffects: None, failurePolicy: Ignore,
     clientConfig: {url: "https://127.0.0.1:1/"}, rules: [{apiGroups: [example.com], apiVersions: [v1], operations: [CREATE], resources: [things]}]}
YAML
}

inventory_of() {  # inventory_of WHO NAME: of a node that is not there
  "$1" create -f - <<<"{apiVersion: nodeproof.dev/v1alpha1, kind: NodeInventory, metadata: {name: $2}, spec: {nodes: [{node: absent-1, vmId: $(new_uuid)}]}}"
}

case_installation_is_guarded() {
  local only='may be changed only by those who may .administer'
  while_down
  refused_for "nodeproof $only" operator delete validatingwebhookconfiguration nodeproof
  refused_for "nodeproof $only" operator delete validatingwebhookconfigurations -l app.kubernetes.io/name=nodeproof
  refused_for "nodeproof $only" operator delete --raw '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations?labelSelector=app.kubernetes.io/name=nodeproof'
  refused_for "nodeproof $only" merge operator validatingwebhookconfiguration nodeproof '{"webhooks": []}'
  refused_for "nodeproof $only" operator label validatingwebhookconfiguration nodeproof admissions.enforcer/disabled-
  refused_for "attestationpolicies.nodeproof.dev $only" operator delete crd attestationpolicies.nodeproof.dev
  refused_for "nodeevidences.nodeproof.dev $only" operator annotate crd nodeevidences.nodeproof.dev e2e=touched
  refused_for "confidential $only" merge operator attestationpolicy confidential '{"spec": {"enforcementAction": "DryRun"}}'
  refused_for "confidential $only" operator delete attestationpolicy confidential
  refused_for "confidential $only" operator delete --raw /apis/nodeproof.dev/v1alpha1/attestationpolicies
  refused_for "lax $only" operator create -f - <<<'{apiVersion: nodeproof.dev/v1alpha1, kind: AttestationPolicy, metadata: {name: lax}, spec: {nodeClass: Any}}'
  refused_for "forged $only" inventory_of operator forged
  refused_for "nodeproof $only" operator create -f - <<<"$(hook nodeproof | sed 's/^kind: Validating/kind: Mutating/')"
  kube get validatingwebhookconfiguration nodeproof
  kube get attestationpolicy confidential
  # Those of others, and an administrator.
  hook example | operator create -f -
  operator delete validatingwebhookconfigurations -l e2e=hook
  kube annotate validatingwebhookconfiguration nodeproof e2e=touched
  kube annotate validatingwebhookconfiguration nodeproof e2e-
  kube delete validatingwebhookconfiguration nodeproof --dry-run=server
  kube annotate attestationpolicy confidential e2e=touched
  kube annotate attestationpolicy confidential e2e-
  inventory_of kube honest
  refused_for "honest $only" operator delete nodeinventory honest
  kube delete nodeinventory honest
}

configuration() { kube get validatingwebhookconfiguration nodeproof -o json | jq "$1"; }
# Raw, for kubectl would change an annotation of its own with it.
renew() {
  configuration "$1" |
    kube_as_webhook replace --raw '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/nodeproof?dryRun=All' -f -
}

case_certificate_is_all_the_webhook_may_renew() {
  kube create clusterrole e2e-renewer --verb get,update --resource validatingwebhookconfigurations
  kube create clusterrolebinding e2e-renewer --clusterrole e2e-renewer --serviceaccount "$system:nodeproof-webhook"
  while_down
  wait_until 30 "the account to have the right that only the policy limits" renew '.webhooks[].clientConfig.caBundle = (.webhooks[0].clientConfig.caBundle)'
  renew '.webhooks[0].clientConfig.caBundle = (@base64 "\(.webhooks[0].clientConfig.caBundle | @base64d)\n")'
  for change in '.webhooks[0].failurePolicy = "Ignore"' '.webhooks[0].clientConfig.url = "https://127.0.0.1:1/"' \
    '.webhooks[2].namespaceSelector = {}' '.webhooks[1].matchConditions = []' '.webhooks |= .[1:]' '.webhooks += [.webhooks[0] | .name = "more.nodeproof.dev"]' \
    '.webhooks[0].rules[0].operations = ["UPDATE"]' '.metadata.labels["admissions.enforcer/disabled"] = "false"' '.webhooks[2].timeoutSeconds = 1'; do
    refused_for 'nodeproof may be changed only by those who may .administer' renew "$change"
  done
  kube delete clusterrolebinding e2e-renewer
}

case_results_and_epochs_are_the_webhooks() {
  local only='Only the nodeproof webhook may write'
  while_down
  for who in operator kube; do
    refused_for "$only nodeattestations $bad" merge "$who" nodeattestation "$bad" '{"status": {"phase": "Verified"}}' --subresource status
    refused_for "$only nodeattestations $bad" merge "$who" nodeattestation "$bad" '{"spec": {"nodeUID": "other"}}'
    refused_for "$only configmaps nodeproof-epoch" merge "$who" configmap nodeproof-epoch '{"data": {"epoch": "1"}}' -n "$system"
    refused_for "$only secrets nodeproof-epoch-key" merge "$who" secret nodeproof-epoch-key '{"data": {"more": ""}}' -n "$system"
    refused_for "$only secrets nodeproof-serving-certificate" merge "$who" secret nodeproof-serving-certificate '{"data": {"ca.key": ""}}' -n "$system"
    refused_for "$only leases nodeproof-webhook" merge "$who" lease nodeproof-webhook '{"spec": {"holderIdentity": "other"}}' -n "$system"
  done
  refused_for "$only nodeattestations feigned" kube create -f - <<<'{apiVersion: nodeproof.dev/v1alpha1, kind: NodeAttestation, metadata: {name: feigned}}'
  refused_for "$only" operator delete nodeattestation "$good"
  refused_for "$only" operator delete configmap nodeproof-epoch -n "$system"
  refused_for "$only" operator delete --raw "/api/v1/namespaces/$system/secrets?fieldSelector=metadata.name=nodeproof-epoch-key"
  # Their neighbours, those who may make them be made anew, and the webhook.
  operator create configmap nodeproof-epoch -n default
  operator create configmap nodeproof-epochs -n "$system"
  operator delete configmap nodeproof-epoch -n default
  operator delete configmap nodeproof-epochs -n "$system"
  kube delete secret nodeproof-epoch-key nodeproof-serving-certificate -n "$system" --dry-run=server
  kube delete nodeattestation "$good" --dry-run=server
  # Or the namespace could not be deleted.
  kube_as system:serviceaccount:kube-system:namespace-controller system:serviceaccounts:kube-system \
    delete configmap nodeproof-epoch -n "$system" --dry-run=server
  patch_status_as "system:serviceaccount:$system:nodeproof-webhook" system:serviceaccounts "/apis/nodeproof.dev/v1alpha1/nodeattestations/$bad" \
    '{"status": {"detail": "written by the webhook"}}'
}

# finalized WHO NAMESPACE JQ: what jq makes of the namespace, written through its subresource finalize, which takes metadata, too.
finalized() {
  kube get namespace "$2" -o json | jq "$3" | "$1" replace --raw "/api/v1/namespaces/$2/finalize" -f -
}

case_subresources_of_namespaces_are_guarded() {
  local of_label='.metadata.labels["nodeproof.dev/enforce"]' of_end='.metadata.annotations["nodeproof.dev/break-glass-until"]'
  while_down
  # The route is real: what is not ours is written that way.
  finalized operator "$workloads" '.metadata.labels["example.com/team"] = "green"'
  [[ $(kube get namespace "$workloads" -o json | jq -r '.metadata.labels["example.com/team"]') == green ]]
  refused_for "may be changed only by those who may 'enrol'" finalized operator "$workloads" "del($of_label)"
  refused_for "may be changed only by those who may 'enrol'" finalized operator "$workloads" "$of_label = \"all-pods\""
  refused_for "may be changed only by those who may 'enrol'" finalized operator "$workloads" '.metadata.annotations["nodeproof.dev/policy"] = "lax"'
  refused_for "only by those who may 'breakglass'" finalized operator "$workloads" "$of_end = \"$(ahead '+1 hour')\""
  refused_for "only by those who may 'breakglass'" merge operator namespace "$workloads" \
    "{\"metadata\": {\"annotations\": {\"nodeproof.dev/break-glass-until\": \"$(ahead '+1 hour')\"}}}" --subresource status
  # Those who may are held to the same words and times.
  refused_for "enforce of namespace $workloads is some-pods" finalized kube "$workloads" "$of_label = \"some-pods\""
  refused_for 'may not end at' finalized kube "$workloads" "$of_end = \"$(ahead '+5 hours')\""
  finalized kube "$workloads" "$of_end = \"$(ahead '+1 hour')\""
  kube annotate namespace "$workloads" nodeproof.dev/break-glass-until-
}

# asks_for_tpm KEY [POD-FIELD]: a pod whose KEY, of containers or initContainers, asks for the TPM.
asks_for_tpm() {
  local more=${2:-} asking="{name: asking, image: example.invalid/tpm, resources: {limits: {${resource:-example.com/tpm}: 1}}}"
  local plain='{name: plain, image: example.invalid/plain}'
  if [[ $1 == containers ]]; then more+="${more:+, }containers: [$plain, $asking]"; else more+="${more:+, }$1: [$asking], containers: [$plain]"; fi
  kube create --dry-run=server -f - <<<"{apiVersion: v1, kind: Pod, metadata: {name: asking, namespace: $in_namespace}, spec: {$more}}"
}

case_tpm_resource_is_the_agents() {
  local only="Only nodeproof's agent may ask for example.com/tpm" agent='serviceAccountName: nodeproof-agent' in_namespace=tpm-users
  make_namespace tpm-users
  kube -n tpm-users create serviceaccount nodeproof-agent
  [[ $(render_chart | grep -c 'name: nodeproof-tpm$') == 0 ]]
  refused_for tpmResource render_chart --set agent.tpmResource=tpm
  render_chart --set agent.tpmResource=example.com/tpm -s templates/admission-tpm.yaml >"$RUN/tpm.yaml"
  # shellcheck disable=SC2064  # the file as it is named now
  trap "kube delete -f '$RUN/tpm.yaml' >/dev/null; start_webhook" EXIT
  stop_webhook
  kube apply -f "$RUN/tpm.yaml"
  wait_until 20 "the resource to be refused" refused_for "$only" asks_for_tpm containers
  refused_for "$only" asks_for_tpm initContainers
  refused_for "$only" asks_for_tpm containers "$agent"
  in_namespace=$system refused_for "$only" asks_for_tpm containers
  in_namespace=$system asks_for_tpm containers "$agent"
  in_namespace=$system asks_for_tpm initContainers "$agent"
  resource=example.com/gpu asks_for_tpm containers
}

# drifted: "KIND NAME" of what the leader tells of as not installed so.
drifted() {
  curl -fs "$(<"$RUN/webhook.health")/metrics" |
    sed -nE 's/^nodeproof_admission_policy_drift\{kind="(.*)",name="(.*)"\} 1$/\1 \2/p'
}
has_drifted() { [[ $(drifted) == "$1" ]]; }
drift_events() { kube get events -n default --field-selector reason=AdmissionPolicyDrift -o json | jq -r '.items[] | "\(.type) \(.involvedObject.name) \(.message)"'; }
tells_drift() { expect_match "the Events" "$1" "$(drift_events)" 2>/dev/null; }
was_looked_at() { [[ $(curl -fs "$(<"$RUN/webhook.health")/metrics" | awk '/^nodeproof_admission_policy_check_time_seconds/ {print ($2 > 0)}') == 1 ]]; }

# No policy applies to policies, so that all which is left is to tell.
case_changed_admission_policies_are_told() {
  wait_until 20 "a look at all of them" was_looked_at
  has_drifted ''
  trap 'kube apply -f "$RUN/manifests.yaml" >/dev/null' EXIT
  operator delete validatingadmissionpolicybinding nodeproof-nodes
  wait_until 20 "the missing binding to be told" has_drifted 'ValidatingAdmissionPolicyBinding nodeproof-nodes'
  wait_until 30 "an Event about it" tells_drift 'Warning nodeproof-nodes ValidatingAdmissionPolicyBinding nodeproof-nodes .* it is missing'
  merge operator validatingadmissionpolicy nodeproof-bindings '{"spec": {"matchConstraints": {"objectSelector": {"matchLabels": {"none": "such"}}}}}'
  wait_until 20 "the narrowed policy to be told" has_drifted $'ValidatingAdmissionPolicy nodeproof-bindings\nValidatingAdmissionPolicyBinding nodeproof-nodes'
  wait_until 30 "an Event about that" tells_drift 'Warning nodeproof-bindings .*spec.matchConstraints.objectSelector was added'
  grep -q 'ALERT: ValidatingAdmissionPolicyBinding nodeproof-nodes' "$RUN/log/webhook.log"
  merge operator validatingadmissionpolicy nodeproof-bindings '{"spec": {"matchConstraints": {"objectSelector": {"matchLabels": null}}}}'
  kube apply -f "$RUN/manifests.yaml" >/dev/null
  wait_until 20 "all to be as installed again" has_drifted ''
  # What is not of the spec is nobody's business, and the webhook may look, not touch.
  kube annotate validatingadmissionpolicy nodeproof-bindings e2e=touched
  kube annotate validatingadmissionpolicy nodeproof-bindings e2e-
  refused_for 'forbidden' kube_as_webhook delete validatingadmissionpolicy nodeproof-bindings
  refused_for 'forbidden' kube_as_webhook annotate validatingadmissionpolicy nodeproof-bindings e2e=touched
}

# rendered_policies: "KIND NAME" of each in the manifest on standard input; watched_policies: of each that the webhook is told of.
rendered_policies() {
  kube create --dry-run=client -o json -f - | jq -rs '[.[] | .items[]? // .] | .[] | select(.kind | test("AdmissionPolicy")) | "\(.kind) \(.metadata.name)"' | sort
}
watched_policies() {
  kube create --dry-run=client -o json -f - | jq -rs '[.[] | .items[]? // .] | .[] | select(.kind == "ConfigMap") | .data["admission-policies.json"] // empty | fromjson[] | "\(.kind) \(.name)"' | sort
}

case_every_admission_policy_is_watched() {
  local mode
  for mode in policy webhook; do
    render_chart --set agent.tpmResource=example.com/tpm --set steering.mode=$mode >"$RUN/watched.yaml"
    rendered_policies <"$RUN/watched.yaml" >"$RUN/rendered"
    watched_policies <"$RUN/watched.yaml" >"$RUN/watched"
    [[ $(wc -l <"$RUN/rendered") -ge 20 ]]
    diff "$RUN/rendered" "$RUN/watched"
  done
}
