# Ways round the gate that are no plain binding: what other kinds of requests and controllers make of
# a sensitive pod (docs/bypass-routes.md). Sourced by e2e_test.
# shellcheck shell=bash disable=SC2154

# sensitive_template LABEL [SPEC-FIELD]: the template of a controller's pods.
sensitive_template() {
  echo "{metadata: {labels: {e2e: $1}, annotations: {nodeproof.dev/policy: confidential}},
    spec: {${2:+$2, }containers: [{name: main, image: example.invalid/ledger}]}}"
}
controller() {  # controller API-VERSION KIND NAME SPEC-FIELDS TEMPLATE
  kube create -f - <<<"{apiVersion: $1, kind: $2, metadata: {name: $3, namespace: $workloads}, spec: {$4, template: $5}}"
}
# pods_of LABEL: the node of each, or - , in order.
pods_of() { kube -n "$workloads" get pods -l "e2e=$1" -o json | jq -r '[.items[] | .spec.nodeName // "-"] | sort[]'; }
has_pods() { [[ $(pods_of "$1") == "$2" ]]; }

generated() { pod "$1" "nodeName: $2" | sed "s/^  name: .*/  generateName: $1-/" | kube create -f -; }

case_name_made_by_the_server_is_no_way_round() {
  refused_for "$bad.*no-tpm" generated made "$bad"
  generated made "$good"
}

case_daemonset_pods_wait_for_proof() {
  local template answer
  template=$(sensitive_template daemon)
  answer=$(controller apps/v1 DaemonSet daemon 'selector: {matchLabels: {e2e: daemon}}' "$template" 2>&1)
  say "$answer"
  [[ $answer =~ Warning:.*'add to spec.template.spec.nodeSelector '$(policy_label confidential)': met' ]]
  # One pod for each node: only the one for the node that meets the policy is placed.
  wait_until 30 "the pod of the proven node to be placed, the others to wait" has_pods daemon "$(printf '%s\n' - - "$good")"
}

case_statefulset_and_deployment_are_steered() {
  controller apps/v1 StatefulSet ordered 'serviceName: ordered, selector: {matchLabels: {e2e: ordered}}' "$(sensitive_template ordered)"
  controller apps/v1 Deployment rolling 'selector: {matchLabels: {e2e: rolling}}' "$(sensitive_template rolling)"
  wait_until 30 "the StatefulSet's pod to be placed" has_pods ordered "$good"
  wait_until 30 "the Deployment's pod to be placed" has_pods rolling "$good"
}

case_template_with_node_name_makes_no_pod() {
  controller apps/v1 Deployment pinned 'selector: {matchLabels: {e2e: pinned}}' "$(sensitive_template pinned "nodeName: $bad")"
  # Templates are not judged; the pods are, and the ReplicaSet says why there are none.
  wait_until 30 "the ReplicaSet to be told" pinned_says_why
  [[ -z $(pods_of pinned) ]]
}
pinned_says_why() { kube -n "$workloads" get events --field-selector reason=FailedCreate -o json | jq -e --arg node "$bad" 'any(.items[]; .message | test($node + ".*no-tpm"))' >/dev/null; }

tolerate_all() {
  kube -n "$workloads" patch pod "$1" --type json -p '[{"op": "add", "path": "/spec/tolerations/-", "value": {"operator": "Exists"}}]'
}
ungate() { kube -n "$workloads" patch pod "$1" --type merge -p '{"spec": {"schedulingGates": []}}'; }

case_gated_job_is_judged_when_it_is_placed() {
  local name
  controller batch/v1 Job gated 'backoffLimit: 0' "$(sensitive_template gated 'restartPolicy: Never, schedulingGates: [{name: example.com/quota}]')"
  wait_until 30 "the gated pod to be made" has_pods gated -
  name=$(kube -n "$workloads" get pods -l e2e=gated -o 'jsonpath={.items[0].metadata.name}')
  # The gate opens the pod's spec a little: it may be narrowed, and not widened.
  refused_for 'spec' kube -n "$workloads" patch pod "$name" --type json -p "[{\"op\": \"remove\", \"path\": \"/spec/nodeSelector\"}]"
  ungate "$name"
  wait_until 30 "the ungated pod to be placed" has_pods gated "$good"
}

# A pod that got past steering is held at the binding all the same.
case_gated_pod_cannot_be_bound_elsewhere() {
  create_pod gate 'schedulingGates: [{name: example.com/quota}]'
  tolerate_all gate
  ungate gate
  refused_for "$bad.*no-tpm" bind gate "$bad"
}

# The size of what is not ours makes no difference.
case_large_annotations_are_no_way_round() {
  local padding
  padding=$(head -c 100000 /dev/zero | tr '\0' x)
  annotations="nodeproof.dev/policy: confidential, example.com/padding: $padding" refused_for "$bad.*no-tpm" create_pod large "nodeName: $bad"
  annotations="nodeproof.dev/policy: confidential, example.com/padding: $padding" create_pod large "nodeName: $good"
}

would_create() { pod "$@" | kube create --dry-run=server -f -; }

# Asked without doing it, the answer is the same, and nothing comes of it.
case_dry_run_leaves_nothing_behind() {
  refused_for "$bad.*no-tpm" would_create dry "nodeName: $bad"
  would_create dry "nodeName: $good"
  create_unscheduled_pod dry
  would_refuse_for no-tpm dry "$bad"
  would_admit dry "$good"
  is_unbound dry
}

# ephemeral POD: adds a container to a running pod, as kubectl debug does.
ephemeral() {
  kube -n "$workloads" get pod "$1" -o json |
    jq '.spec.ephemeralContainers += [{name: "look-\(.spec.ephemeralContainers // [] | length)", image: "example.invalid/look", terminationMessagePolicy: "File", imagePullPolicy: "Always"}]' |
    kube replace --raw "/api/v1/namespaces/$workloads/pods/$1/ephemeralcontainers" -f -
}
would_refuse_ephemeral() { refused_for "$good.*evidence-age" ephemeral "$1" >/dev/null 2>&1; }

case_ephemeral_containers_need_a_fresh_proof() {
  annotations='nodeproof.dev/policy: confidential, nodeproof.dev/max-evidence-age: 8s' create_pod inspected "nodeName: $good"
  ephemeral inspected >/dev/null
  trap 'start_agent "$good"' EXIT
  stop_agent "$good"
  wait_until 30 "an ephemeral container to be refused for the node's age" would_refuse_ephemeral inspected
  # A pod that allows an older proof is not held up, nor is one that is not sensitive.
  annotations='' selector='' create_pod uninspected "nodeName: $bad"
  ephemeral uninspected >/dev/null
}

# The kubelet that runs a pod may write its status, and with it annotations: not ours.
case_kubelet_cannot_loosen_by_status() {
  local path=/api/v1/namespaces/$workloads/pods/observed
  create_pod observed "nodeName: $good"
  refused_for 'would be removed' patch_status_as "system:node:$good" system:nodes "$path" '{"metadata": {"annotations": {"nodeproof.dev/policy": null}}}'
  refused_for 'would be changed' patch_status_as "system:node:$good" system:nodes "$path" '{"metadata": {"annotations": {"nodeproof.dev/policy": "other"}}}'
  patch_status_as "system:node:$good" system:nodes "$path" '{"metadata": {"annotations": {"example.com/seen": "yes"}}, "status": {"message": "seen"}}'
}

# Tightening is what the owner may do at any time; on a bound pod it must hold for its node.
case_marker_may_be_tightened_and_not_loosened() {
  create_pod tightened "nodeName: $good"
  kube -n "$workloads" annotate pod tightened nodeproof.dev/max-evidence-age=5m
  refused_for 'would be loosened' kube -n "$workloads" annotate pod tightened nodeproof.dev/max-evidence-age=10m --overwrite
  kube -n "$workloads" annotate pod tightened nodeproof.dev/max-evidence-age=2m --overwrite
  # Marking a pod that runs on a node that proves nothing is refused: it would feign protection.
  annotations='' selector='' create_pod late-marked "nodeName: $bad"
  refused_for "$bad.*no-tpm" kube -n "$workloads" annotate pod late-marked nodeproof.dev/policy=confidential
}

# More tolerations are always accepted; they move nothing.
case_tolerations_do_not_widen() {
  create_unscheduled_pod tolerant
  tolerate_all tolerant
  refused_for "$bad.*no-tpm" bind tolerant "$bad"
  bind tolerant "$good"
}

# A resize stays on its node.
case_resize_is_not_held_up() {
  pod resized "nodeName: $good" | sed 's/image: [^}]*/&, resources: {requests: {cpu: 20m}}/' | kube create -f -
  kube -n "$workloads" patch pod resized --subresource resize --type strategic \
    -p '{"spec": {"containers": [{"name": "main", "resources": {"requests": {"cpu": "10m"}}}]}}'
}

# strip_markers: somebody's policy that takes the marker off every pod.
strip_markers() {
  kube apply -f - >/dev/null <<YAML
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: e2e-stripper}
spec:
  reinvocationPolicy: Never
  matchConstraints:
    namespaceSelector: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: In, values: [stripped]}]}
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  matchConditions: [{name: marked, expression: "'nodeproof.dev/policy' in object.metadata.?annotations.orValue({})"}]
  mutations:
    - patchType: JSONPatch
      jsonPatch: {expression: "[JSONPatch{op: 'remove', path: '/metadata/annotations/' + jsonpatch.escapeKey('nodeproof.dev/policy')}]"}
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {name: e2e-stripper}
spec: {policyName: e2e-stripper}
YAML
}
is_stripped() { [[ $(pod looked-at | kube create --dry-run=server -o json -f - | jq '.metadata.annotations | length') == 0 ]]; }

# Without the marker a pod is not sensitive, whoever took it off; where all pods are, it makes no difference.
case_stripped_marker_is_no_way_round_where_all_pods_are_sensitive() {
  local workloads=stripped
  make_namespace stripped
  kube annotate namespace stripped nodeproof.dev/policy=confidential
  kube label namespace stripped nodeproof.dev/enforce=annotated-pods
  trap 'kube delete mutatingadmissionpolicybinding,mutatingadmissionpolicy e2e-stripper >/dev/null' EXIT
  strip_markers
  wait_until 30 "markers to be taken off" is_stripped
  create_pod unnoticed "nodeName: $bad"
  kube label namespace stripped nodeproof.dev/enforce=all-pods --overwrite
  wait_until 30 "all pods to be sensitive" refused_for "$bad.*no-tpm" create_pod noticed "nodeName: $bad"
}

marker_of() { kube -n "$workloads" get pod "$1" -o json | jq -r '.metadata.annotations["nodeproof.dev/policy"]'; }

# What else may be written of a pod takes no annotations: the marker is there afterwards.
case_subresources_leave_the_marker() {
  create_pod kept-marked "nodeName: $good"
  kube -n "$workloads" patch pod kept-marked --subresource resize --type merge -p '{"metadata": {"annotations": {"nodeproof.dev/policy": null}}}'
  [[ $(marker_of kept-marked) == confidential ]]
  kube -n "$workloads" get pod kept-marked -o json | jq 'del(.metadata.annotations)' |
    kube replace --raw "/api/v1/namespaces/$workloads/pods/kept-marked/ephemeralcontainers" -f - >/dev/null
  [[ $(marker_of kept-marked) == confidential ]]
}
