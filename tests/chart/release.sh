# One release, from helm install to helm uninstall. Sourced by chart_test.
# shellcheck shell=bash disable=SC2154

# release VERB ARGUMENT...: helm, by somebody who may write all objects and holds our own verbs only by the ClusterRole
# that the chart brings, as a GitOps tool would.
release() {
  local verb=$1
  shift
  helm "$verb" nodeproof "$@" --namespace "$system" --kubeconfig "$RUN/admin.kubeconfig" \
    --kube-as-user installer --kube-as-group installers --kube-as-group system:authenticated
}

add_installer() {
  kube apply -f - >/dev/null <<YAML
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: installer}
rules: [{apiGroups: ["*"], resources: ["*"], verbs: [get, list, watch, create, update, patch, delete, escalate, bind]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: installer}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: installer}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: installers}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: installer-of-nodeproof}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: nodeproof-admin}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: installer}]
YAML
}

# install, upgrade: with what the test bed needs; webhook and agents then run as host processes, in the place of the pods
# that the DaemonSet and Deployment make.
deploy() {
  local verb=$1
  shift
  testbed_values
  release "$verb" "$project/charts/nodeproof" "${values[@]}" --set webhook.replicas=2 "$@"
}
start_pods() {
  configure_webhook
  start_webhook
  start_agent "$good"
  start_agent "$bad"
}

bound_test_pod() { [[ -n $(kube -n "$system" get pod nodeproof-test -o 'jsonpath={.spec.nodeName}' 2>/dev/null) ]]; }

# run_test_pod [ARGUMENT...]: does a kubelet's work for the pod of `helm test`: its very arguments and these, by its account.
run_test_pod() {
  local args code=0 phase=Succeeded pod=$RUN/test-pod.json
  wait_until 60 "the pod of helm test to be bound" bound_test_pod
  kube -n "$system" get pod nodeproof-test -o json >"$pod"
  kube create token "$(jq -r .spec.serviceAccountName "$pod")" -n "$system" \
    --bound-object-kind Pod --bound-object-name nodeproof-test >"$RUN/test.token"
  cat >"$RUN/test.kubeconfig" <<YAML
current-context: test
clusters: [{name: test, cluster: {server: "$(api_server)", certificate-authority: "$RUN/pki/ca.crt"}}]
users: [{name: test, user: {tokenFile: "$RUN/test.token"}}]
contexts: [{name: test, context: {cluster: test, user: test}}]
YAML
  mapfile -t args < <(jq -r '.spec.containers[0].args[]' "$pod")
  "$BIN/nodeproof" "${args[@]}" --kubeconfig "$RUN/test.kubeconfig" "$@" || code=$?
  ((code == 0)) || phase=Failed
  patch_status_as "system:node:$(jq -r .spec.nodeName "$pod")" system:nodes "/api/v1/namespaces/$system/pods/nodeproof-test" \
    "{\"status\": {\"phase\": \"$phase\"}}" >/dev/null
}

# shellcheck disable=SC2120  # most callers have none
helm_test() {  # helm_test [ARGUMENT...]: what helm says; what the pod said is in RUN/gate-check
  local job
  release test --timeout 120s &
  job=$!
  run_test_pod "$@" | tee "$RUN/gate-check"
  wait "$job"
}

# From `helm install` on, by the three commands of the notes and with the time it takes to read them. What does not run
# here is what kubelets do: pulling images and starting containers.
case_newcomer_sees_a_refusal_within_five_minutes() {
  local started=$SECONDS installed enrol words reading
  deploy install --create-namespace | sed -n '/^NOTES:/,$p' >"$RUN/notes"
  installed=$((SECONDS - started))
  cat "$RUN/notes"
  start_pods
  grep -Fx '       kubectl get nodeattestations' "$RUN/notes"
  wait_until 60 "the notes' first command to show a verified node" has_phase "$good" Verified
  grep -Fx "       helm test nodeproof --namespace $system" "$RUN/notes"
  helm_test
  grep -E "^ok .*must be refused on node $bad: pod $system-test/gate-check may not be placed" "$RUN/gate-check"
  grep -E "^ok .*must be admitted on node $good: it was admitted" "$RUN/gate-check"
  enrol=$(sed -n 's/^ *kubectl \(label namespace NAME .*enforce=.*\)/\1/p' "$RUN/notes")
  make_namespace "$workloads"
  # shellcheck disable=SC2086  # words of a command
  kube ${enrol/NAME/$workloads}
  wait_until 30 "the first refused pod" refused_for "pod $workloads/first may not be placed on node $bad" create_pod first "nodeName: $bad"
  words=$(wc -w <"$RUN/notes")
  reading=$((words * 60 / 200))  # at 200 words a minute
  cat >"$RUN/stopwatch" <<TEXT
stopwatch: helm install took $installed s; the first refused pod came $((SECONDS - started)) s after its start, and $reading s are for reading the notes ($words words)
TEXT
  ((SECONDS - started + reading <= 300))
}

case_helm_test_fails_while_no_replica_answers() {
  stop_webhook
  trap start_webhook EXIT
  refused helm_test --tries 1
  grep -E "^FAILED .*must be refused on node $bad: .*failed calling webhook" "$RUN/gate-check"
}

template_of() { kube -n "$system" get "$1" -o 'jsonpath={.spec.template}'; }

# What an upgrade changes takes effect, and what it does not change goes on: keys, results, labels, pods of agents.
case_upgrade_keeps_the_proofs() {
  local key uid agents webhook
  key=$(kube -n "$system" get secret nodeproof-epoch-key -o 'jsonpath={.metadata.uid}')
  uid=$(kube get nodeattestation "$good" -o 'jsonpath={.metadata.uid}')
  agents=$(template_of daemonset/nodeproof-agent)
  webhook=$(template_of deployment/nodeproof-webhook)
  deploy upgrade --set breakGlass.maxDuration=30m --set webhook.viewAge=40s >/dev/null
  [[ $(kube get validatingadmissionpolicy nodeproof-break-glass -o json) == *"duration('30m')"* ]]
  # The configuration changed, so replicas are rolled out anew; the agents' did not.
  [[ $(template_of deployment/nodeproof-webhook) != "$webhook" ]]
  [[ $(template_of daemonset/nodeproof-agent) == "$agents" ]]
  stop_webhook
  configure_webhook
  grep -x 'viewAge: 40s' "$RUN/etc/webhook.yaml"
  start_webhook
  [[ $(kube -n "$system" get secret nodeproof-epoch-key -o 'jsonpath={.metadata.uid}') == "$key" ]]
  [[ $(kube get nodeattestation "$good" -o 'jsonpath={.metadata.uid}') == "$uid" ]]
  create_unscheduled_pod upgraded
  bind upgraded "$good"
  # helm upgrade leaves CRDs alone; this is how the README says to bring them up to date.
  helm show crds "$project/charts/nodeproof" | kube apply -f - 2>/dev/null | tee "$RUN/crds"
  [[ $(grep -c '^customresourcedefinition.apiextensions.k8s.io/' "$RUN/crds") == 5 ]]
}

may_administer() {
  [[ $(kube create -o 'jsonpath={.status.allowed}' -f - <<YAML
{apiVersion: authorization.k8s.io/v1, kind: SubjectAccessReview,
 spec: {user: installer, resourceAttributes: {group: nodeproof.dev, resource: installations, verb: administer}}}
YAML
  ) == true ]]
}
may_not_administer() { ! may_administer; }

ours() {  # what of the chart is there, but in our namespace, and but CRDs
  kube get validatingwebhookconfigurations,mutatingwebhookconfigurations,validatingadmissionpolicies,validatingadmissionpolicybindings,mutatingadmissionpolicies,mutatingadmissionpolicybindings,clusterroles,clusterrolebindings,attestationpolicies,priorityclasses \
    -o name | grep -i nodeproof
}

# While the webhook is down, which is what an uninstall comes to. Who may not remove the gate changes nothing; who may
# leaves nothing that holds up pods, nodes or namespaces.
case_uninstall_is_refused_or_complete() {
  local before
  create_unscheduled_pod left
  stop_webhook
  kube delete clusterrolebinding installer-of-nodeproof
  before=$(ours)
  wait_until 30 "the installer to have lost our verbs" may_not_administer
  refused_for "validatingwebhookconfigurations nodeproof may be changed only by those" release uninstall
  [[ $(ours) == "$before" ]]
  kube -n "$system" get deployment/nodeproof-webhook daemonset/nodeproof-agent service/nodeproof-webhook
  refused_for 'failed calling webhook' bind left "$bad"
  add_installer
  wait_until 30 "the installer to have them again" may_administer
  release uninstall
  say "left: $(ours)"
  [[ $(ours) == clusterrolebinding.rbac.authorization.k8s.io/installer-of-nodeproof ]]
  [[ $(kube -n "$system" get deployments,daemonsets,services,poddisruptionbudgets,roles,rolebindings -o name) == '' ]]
  # The marker, the enrolment and the labels of nodes are still there, and hold up nothing.
  # Each policy is out of force a second after it is gone.
  wait_until 30 "pods to be let through" create_pod anywhere "nodeName: $bad"
  wait_until 30 "bindings to be let through" bind left "$bad"
  wait_until 30 "labels of nodes to be anybody's" kube label node "$bad" "$attestation_label=anything" --overwrite
  wait_until 30 "enrolments to be anybody's" kube label namespace "$workloads" nodeproof.dev/enforce-
  # What an uninstall leaves, as the README lists it.
  [[ $(kube get crds -o name | grep -c '\.nodeproof\.dev$') == 5 ]]
  kube -n "$system" get secret/nodeproof-epoch-key configmap/nodeproof-epoch lease/nodeproof-webhook
  # And it can be installed again.
  deploy install >/dev/null
  ours | grep -x validatingwebhookconfiguration.admissionregistration.k8s.io/nodeproof
}
