# Who may write what: agents only their own node's objects, nobody else any of them. Held by the
# chart's ValidatingAdmissionPolicy, by RBAC and by NodeRestriction. Sourced by e2e_test.
# shellcheck shell=bash disable=SC2154

# kube_with TOKEN ARGUMENT...: kubectl as the owner of the token.
kube_with() {
  local token=$1
  shift
  KUBECACHEDIR=$RUN/kube-cache "$(tool kubectl)" --kubeconfig /dev/null --server "$(api_server)" \
    --certificate-authority "$RUN/pki/ca.crt" --token "$token" "$@"
}

evidence() { kube get nodeevidence "$1" -o json | jq 'del(.metadata.managedFields)'; }
# as_new NAME: the object on the input as one that does not exist yet.
as_new() { jq --arg name "$1" '.metadata = {name: $name, ownerReferences: .metadata.ownerReferences}'; }

# write TOKEN OBJECT VERB
write() { kube_with "$1" "$3" -f - <<<"$2"; }
# As a cluster-admin.
admin_write() { kube "$2" -f - <<<"$1"; }

case_agent_cannot_write_for_another_node() {
  local token object
  while_down
  token=$(<"$RUN/node/$bad/agent.token")
  object=$(evidence "$good")
  refused_for "only the objects of its own node, '$bad'" write "$token" "$object" replace
  refused_for "only the objects of its own node, '$bad'" write "$token" "$(as_new other-1 <<<"$object")" create
  object=$(kube get nodequote "$good" -o json | as_new other-1)
  refused_for "only the objects of its own node, '$bad'" write "$token" "$object" create
  # Its own it may write.
  write "$token" "$(evidence "$bad")" replace
}

case_agent_cannot_claim_another_uid() {
  local uid
  while_down
  uid=$(kube get node "$good" -o 'jsonpath={.metadata.uid}')
  refused_for 'must be the UID of the agent.s own Node' write "$(<"$RUN/node/$bad/agent.token")" \
    "$(evidence "$bad" | jq --arg uid "$uid" '.spec.nodeUID = $uid')" replace
  refused_for 'owned only by its own Node' write "$(<"$RUN/node/$bad/agent.token")" \
    "$(evidence "$bad" | jq --arg uid "$uid" '.metadata.ownerReferences[0].uid = $uid')" replace
  refused_for 'Evidence carries no finalizers' write "$(<"$RUN/node/$bad/agent.token")" \
    "$(evidence "$bad" | jq '.metadata.finalizers = ["example.com/keep"]')" replace
}

case_agent_without_pod_cannot_write() {
  local token
  while_down
  token=$(kube create token nodeproof-agent -n "$system")
  refused_for 'token names no node' write "$token" "$(evidence "$good")" replace
}

case_admin_cannot_write_evidence() {
  local object
  while_down
  object=$(evidence "$good")
  refused_for 'Only the nodeproof agent' admin_write "$object" replace
  refused_for 'Only the nodeproof agent' admin_write "$(as_new other-1 <<<"$object")" create
}

case_agent_cannot_label_nodes() {
  refused_for 'cannot patch resource "nodes"' kube_with "$(<"$RUN/node/$bad/agent.token")" \
    label node "$bad" "$attestation_label=verified" --overwrite
}

case_kubelet_cannot_set_our_labels() {
  refused_for 'is not allowed to modify labels.*node-restriction' \
    kube --as "system:node:$bad" --as-group system:nodes --as-group system:authenticated \
    label node "$bad" "$attestation_label=verified" --overwrite
  has_label "$bad" unsupported
}

# import_inventory NODE VM-ID: what az vmss list-instances would print, as an admin imports it.
import_inventory() {
  jq -n --arg node "$1" --arg vm "$2" '[{name: "pool_0", vmId: $vm, osProfile: {computerName: $node}}]' |
    as_plugin "$RUN/admin.kubeconfig" inventory import - --name pool | kube apply -f - >/dev/null
}

# The relay that nothing on the node can stop: a plain node that shows the genuine evidence of somebody's VM. Here the
# inventory says that the node is another VM than the one its evidence is of.
case_inventory_refuses_another_vm() {
  local own
  own=$(<"$RUN/node/$good/vm_id")
  policy inventoried "maxEvidenceAge: ${max_age}s, nodeIdentity: Inventory, placement: {requireNodeLabel: false}"
  policy=inventoried selector='' create_unscheduled_pod tied
  wait_until 20 "a node without inventory to be refused" would_refuse_for node-inventory tied "$good"
  import_inventory "$good" "$(new_uuid)"
  wait_until 20 "another VM to be refused" would_refuse_for "node-inventory.*names VM" tied "$good"
  import_inventory "$good" "$own"
  wait_until 20 "the VM of the inventory to be admitted" would_admit tied "$good"
  kube delete nodeinventory pool >/dev/null
  wait_until 20 "a node that is not listed any more to be refused" would_refuse_for node-inventory tied "$good"
}
