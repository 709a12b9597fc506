# Where sensitive pods may go, by every way there is to place one. Sourced by e2e_test.
# shellcheck shell=bash disable=SC2154

case_nodes_prove_themselves() {
  has_phase "$good" Verified
  has_phase "$bad" Unsupported
  has_code "$bad" no-tpm
  [[ $(label "$good" "$tee_label") == sev-snp ]]
  [[ $(label "$bad" "$tee_label") == none ]]
  [[ $(attestation "$good" vmId) == "$(<"$RUN/node/$good/vm_id")" ]]
}

case_scheduler_places_on_verified_node() {
  create_pod scheduled
  wait_until 60 "the scheduler to place the pod" is_bound scheduled
  [[ $(node_of scheduled) == "$good" ]]
}

case_node_name_is_refused() {
  refused_for "denied the request: pod $workloads/named .*$bad.*confidential.*no-tpm.*remedy: " \
    create_pod named "nodeName: $bad"
  create_pod named "nodeName: $good"
}

case_binding_by_hand_is_refused() {
  create_unscheduled_pod by-hand
  refused_for "denied the request: pod $workloads/by-hand .*$bad.*no-tpm" bind by-hand "$bad"
  is_unbound by-hand
  bind by-hand "$good"
  [[ $(node_of by-hand) == "$good" ]]
}

case_legacy_binding_is_refused() {
  create_unscheduled_pod legacy
  refused_for "denied the request: pod $workloads/legacy .*$bad.*no-tpm" bind_legacy legacy "$bad"
  is_unbound legacy
}

bind_without_uid() {
  binding "$1" "$2" | jq 'del(.metadata.uid)' |
    kube create --raw "/api/v1/namespaces/$workloads/pods/$1/binding" -f -
}

case_binding_without_uid_is_refused() {
  create_unscheduled_pod no-uid
  refused_for "$bad.*no-tpm" bind_without_uid no-uid "$bad"
  is_unbound no-uid
  # Nothing but the node stands in its way.
  bind_without_uid no-uid "$good"
}

bind_with_our_key() {
  binding "$1" "$2" | jq '.metadata.annotations = {"nodeproof.dev/policy": "none"}' |
    kube create --raw "/api/v1/namespaces/$workloads/pods/$1/binding" -f -
}

case_binding_with_our_keys_is_refused() {
  create_unscheduled_pod with-keys
  refused_for 'carries nodeproof.dev/policy' bind_with_our_key with-keys "$good"
  is_unbound with-keys
  # The rest of the Binding is not at fault.
  bind with-keys "$good"
}

# Neither the label nor the stored verdict is what the decision is made from; both are put right again.
# Nobody but the webhook's account could forge them (guards.sh); here it did.
case_forged_label_and_status_admit_nothing() {
  create_unscheduled_pod forged
  kube_as_webhook label node "$bad" "$attestation_label=verified" "$(policy_label confidential)=met" --overwrite
  patch_status_as "system:serviceaccount:$system:nodeproof-webhook" system:serviceaccounts "/apis/nodeproof.dev/v1alpha1/nodeattestations/$bad" \
    '{"status": {"phase": "Verified", "tee": "sev-snp"}}'
  refused_for "$bad.*no-tpm" bind forged "$bad"
  wait_until 60 "the label to be put right" has_label "$bad" unsupported
  wait_until 60 "the policy's label to be put right" meets_not "$bad" confidential
  refused_for "$bad.*no-tpm" bind forged "$bad"
}

case_unmarked_pods_are_not_touched() {
  annotations='' selector='' create_pod unmarked "nodeName: $bad"
  annotations='' selector="kubernetes.io/hostname: $bad" create_pod unmarked-scheduled
  wait_until 60 "the scheduler to place an unmarked pod" is_bound unmarked-scheduled
  [[ $(node_of unmarked-scheduled) == "$bad" ]]
}

refused_in_sealed() { annotations='' selector='' workloads=sealed refused_for "$@"; }

case_all_pods_of_a_namespace_are_protected() {
  make_namespace sealed
  kube annotate namespace sealed nodeproof.dev/policy=confidential
  kube label namespace sealed nodeproof.dev/enforce=all-pods
  wait_until 20 "the namespace's policy to be demanded" \
    refused_in_sealed "$bad.*no-tpm" would_create plain "nodeName: $bad" 2>/dev/null
  refused_in_sealed "$bad.*no-tpm" create_pod plain "nodeName: $bad"
  annotations='' selector='' workloads=sealed create_pod plain "nodeName: $good"
}
