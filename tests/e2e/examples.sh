# The manifests of examples/, applied as they are, on the nodes of the test bed. Sourced by e2e_test.
# shellcheck shell=bash disable=SC2154

examples=$project/examples

# nodes_in NAMESPACE: the node of each pod there, or - , in order, in one line.
nodes_in() { kube -n "$1" get pods -o json | jq -r '[.items[] | .spec.nodeName // "-"] | sort | join(" ")'; }
has_nodes_in() { [[ $(nodes_in "$1") == "$2" ]]; }

case_trading_model_runs_on_proven_nodes_alone() {
  kube apply -f "$examples/trading-model/"
  wait_until 30 "both replicas on the proven node" has_nodes_in trading-model "$good $good"
  # The floor holds for a pod that carries no marker at all.
  refused_for "confidential.*no-tpm" kube -n trading-model create -f - <<<"{apiVersion: v1, kind: Pod, metadata: {name: debug}, spec: {nodeName: $bad,
    securityContext: {runAsNonRoot: true, runAsUser: 1, seccompProfile: {type: RuntimeDefault}},
    containers: [{name: main, image: example.invalid/debug, securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}]}}"
  kube delete --wait=false -f "$examples/trading-model/"
}

case_two_parties_need_an_inventory_and_share_no_node() {
  kube apply -f "$examples/two-parties/"
  kube -n party-a wait --for jsonpath='{.status.replicas}'=1 statefulset/party --timeout 60s
  kube -n party-b wait --for jsonpath='{.status.replicas}'=1 statefulset/party --timeout 60s
  # No inventory names the nodes: the scheduler finds none for either.
  kube -n party-a wait --for condition=PodScheduled=False pod/party-0 --timeout 60s
  kube -n party-b wait --for condition=PodScheduled=False pod/party-0 --timeout 60s
  import_inventory "$good" "$(<"$RUN/node/$good/vm_id")"
  wait_until 60 "one party on the proven node, the other waiting for a node of its own" one_of_two_placed
  kube delete nodeinventory pool
  kube delete --wait=false -f "$examples/two-parties/"
}
one_of_two_placed() { [[ $(printf '%s\n' "$(nodes_in party-a)" "$(nodes_in party-b)" | sort | xargs) == "- $good" ]]; }

# start_broker: as its Deployment runs it, but on this machine.
start_broker() {
  local port
  port=$(free_ports 1)
  make_authority "$RUN/broker-ca" key-broker-ca
  make_certificate "$RUN/broker-ca" "$RUN/broker" /CN=key-broker serverAuth IP:127.0.0.1
  kube -n key-broker create token key-broker >"$RUN/broker.token"
  head -c 32 /dev/urandom >"$RUN/broker.root"
  broker=https://127.0.0.1:$port/key
  spawn "$RUN" broker env PATH="$BIN:$PATH" "$examples/payment-keys/broker.py" --root "$RUN/broker.root" \
    --certificate "$RUN/broker.crt" --key "$RUN/broker.key" --allow payment-keys/deriver --port "$port" \
    --server "$(api_server)" --ca "$RUN/pki/ca.crt" --token "$RUN/broker.token" \
    --verify=--trust-anchor --verify="$RUN/authority/amd-ark.pem" --verify="$RUN/authority/vtpm-trust-anchors.pem" \
    --verify=--reference-values --verify="$RUN/authority/reference-values.yaml"
  wait_served "$RUN" broker 30 answers_with 200 "${broker%key}healthz"
}
answers_with() { [[ $(curl -sS --max-time 60 --cacert "$RUN/broker-ca.crt" -o "$RUN/broker.answer" -w '%{http_code}' "${@:2}" 2>/dev/null) == "$1" ]]; }

# ask_broker STATUS TOKEN: a POST is answered with STATUS; RUN/broker.answer keeps the body.
ask_broker() { answers_with "$1" -X POST -H "Authorization: Bearer $2" -d '' "$broker"; }

# token_of ACCOUNT POD [AUDIENCE]
token_of() { kube -n payment-keys create token "$1" --audience "${3:-key-broker}" --bound-object-kind Pod --bound-object-name "$2"; }

case_key_broker_believes_evidence_alone() {
  local broker placed
  kube apply -f "$examples/payment-keys/00-namespaces.yaml" -f "$examples/payment-keys/broker.yaml" -f "$examples/payment-keys/deriver.yaml"
  wait_until 30 "the deriver on the proven node" has_nodes_in payment-keys "$good"
  placed=$(kube -n payment-keys get pods -o 'jsonpath={.items[0].metadata.name}')
  start_broker
  ask_broker 200 "$(token_of deriver "$placed")"
  jq -re .key "$RUN/broker.answer" | base64 -d | wc -c | grep -x 32
  # The same account on a node that proves nothing: the annotation is left off, so that admission does not look.
  kube -n payment-keys create -f - <<<"{apiVersion: v1, kind: Pod, metadata: {name: unmarked}, spec: {nodeName: $bad, serviceAccountName: deriver,
    containers: [{name: main, image: example.invalid/deriver}]}}"
  ask_broker 403 "$(token_of deriver unmarked)"
  expect_match "the refusal" "does not prove itself" "$(<"$RUN/broker.answer")"
  # Nor for a token that is for somebody else, of another account, or none.
  ask_broker 403 "$(token_of deriver "$placed" "$(api_server)")"
  kube -n payment-keys create -f - <<<"{apiVersion: v1, kind: Pod, metadata: {name: other}, spec: {nodeName: $good, containers: [{name: main, image: example.invalid/deriver}]}}"
  ask_broker 403 "$(token_of default other)"
  expect_match "the refusal" "gets no key here" "$(<"$RUN/broker.answer")"
  ask_broker 403 forged
  end_process "$RUN" broker
  kube delete --wait=false namespace payment-keys key-broker
}
