# What the leader reports, who else may write there, and the epochs that all of it rests on. Sourced by e2e_test.
# shellcheck shell=bash disable=SC2154

node_event() {  # node_event NODE REASON: the message of one
  kube -n default get events --field-selector "involvedObject.name=$1,reason=$2" -o 'jsonpath={.items[0].message}'
}
has_node_event() { [[ -n $(node_event "$@") ]]; }
lacks_label() { [[ -z $(label "$1" "$2") ]]; }

case_results_are_readable() {
  local page
  kube wait --for=condition=Verified "na/$good" "na/$trusted" --timeout=30s
  [[ $(kube get na "$bad" -o 'jsonpath={.status.conditions[?(@.type=="Verified")].reason}') == NoTpm ]]
  page=$(kube get na)
  expect_match "the head" 'NAME +PHASE +REASON +SINCE +PROOF AGE +TEE +TRUSTED LAUNCH +UNPROVEN PODS' "$page"
  expect_match "the line of $good" "$good +Verified +[0-9]+[smh][0-9smh]* +[0-9]+[smh][0-9smh]* +sev-snp +verified" "$page"
  expect_match "the line of $bad" "$bad +Unsupported +no-tpm " "$page"
  # Each class says in plain words what it speaks for.
  expect_match "coverage of $good" 'SNP report covers.*PCRs.*Secure Boot.*identity is self-reported' "$(attestation "$good" coverage)"
  expect_match "coverage of $trusted" 'vTPM is run by the host.*nothing against' "$(attestation "$trusted" coverage)"
  [[ $(attestation "$bad" coverage) == '[]' || -z $(attestation "$bad" coverage) ]]
  wait_until 30 "an Event that tells of the proof" has_node_event "$good" AttestationVerified
}

# as_plugin KUBECONFIG ARGUMENT...: nodeproof by the name and the way in which kubectl runs it.
as_plugin() {
  local kubeconfig=$1
  shift
  mkdir -p "$RUN/plugins"
  ln -sf "$(realpath "$BIN")/nodeproof" "$RUN/plugins/kubectl-nodeproof"
  env "PATH=$RUN/plugins:$PATH" "KUBECONFIG=$kubeconfig" "$(tool kubectl)" nodeproof "$@"
}

case_nodes_are_listed() {
  local list
  list=$(exits_with 1 judged nodes --json)
  [[ $(jq -r --arg node "$good" '.nodes[] | select(.node == $node) | "\(.phase) \(.told.agrees)"' <<<"$list") == 'Verified true' ]]
  [[ $(jq -r --arg node "$bad" '.nodes[] | select(.node == $node) | "\(.phase) \(.reason)"' <<<"$list") == 'Unsupported no-tpm' ]]
  exits_with 0 judged nodes "$good"
  exits_with 1 as_plugin "$RUN/admin.kubeconfig" nodes "$bad" >"$RUN/listed"
  grep "$bad  Unsupported  no-tpm" "$RUN/listed"
}

# As on AKS with Entra ID, where kubelogin gives a token: here a program that gives the certificate of an administrator.
case_a_program_logs_in() {
  kube config view --raw --flatten -o json | jq '{apiVersion: "client.authentication.k8s.io/v1", kind: "ExecCredential", status: {
    clientCertificateData: (.users[0].user["client-certificate-data"] | @base64d), clientKeyData: (.users[0].user["client-key-data"] | @base64d)}}' \
    >"$RUN/credential.json"
  printf '#!/bin/sh\n[ "$1" = get-token ] && cat %q\n' "$RUN/credential.json" >"$RUN/log-in"
  chmod +x "$RUN/log-in"
  kube config view --raw --flatten -o json |
    jq '.users[0].user = {exec: {apiVersion: "client.authentication.k8s.io/v1", command: "./log-in", args: ["get-token"], interactiveMode: "Never"}}' \
      >"$RUN/exec.kubeconfig"
  # It knows none of the emulator's authorities (exit code 1), but it has read the node.
  exits_with 1 "$BIN/nodeproof" nodes "$good" --kubeconfig "$RUN/exec.kubeconfig" >"$RUN/listed"
  grep "^$good " "$RUN/listed"
  # Users in one file and the rest in another, as a plugin of kubectl.
  jq '{users}' "$RUN/exec.kubeconfig" >"$RUN/users.kubeconfig"
  jq 'del(.users)' "$RUN/exec.kubeconfig" >"$RUN/clusters.kubeconfig"
  exits_with 1 as_plugin "$RUN/clusters.kubeconfig:$RUN/users.kubeconfig" nodes "$good" >"$RUN/listed"
  grep "^$good " "$RUN/listed"
  printf '#!/bin/sh\nexit 1\n' >"$RUN/log-in"
  exits_with 3 "$BIN/nodeproof" nodes "$good" --kubeconfig "$RUN/exec.kubeconfig" 2>"$RUN/not-logged-in"
  grep 'user.exec: .*log-in ' "$RUN/not-logged-in"
}

# Somebody with the rights of our own account, for all others are kept out (guards.sh).
case_foreign_labels_are_put_right() {
  local unknown=nodeproof.node-restriction.kubernetes.io/approved
  watch_labels others-seen "$trusted" "$attestation_label"
  kube_as_webhook label node "$bad" "$attestation_label=verified" --overwrite
  wait_until 20 "the label to be put right" has_label "$bad" unsupported
  wait_until 30 "an Event about it" has_node_event "$bad" LabelsPutRight
  expect_match "the Event" "attestation was set to 'verified'.*nodeproof-nodes" "$(node_event "$bad" LabelsPutRight)"
  kube_as_webhook label node "$good" "$unknown=yes"
  wait_until 20 "a key that nobody keeps true to go" lacks_label "$good" "$unknown"
  kube label node "$bad" example.com/approved=yes
  wait_until 30 "both repairs to be counted" has_repaired 2
  [[ $(label "$bad" example.com/approved) == yes ]]
  seen_only others-seen verified
}

has_repaired() { (($(counts nodeproof_label_repairs_total | sed 's/.* //') >= $1)); }

published_kid() { kube -n "$system" get configmap nodeproof-epoch -o 'jsonpath={.data.kid}'; }
publishes_other_kid() { [[ $(published_kid) =~ ^[0-9a-f]{16}$ && $(published_kid) != "$1" ]]; }
quotes_kid() { [[ $(kube get nodequote "$1" -o 'jsonpath={.spec.kid}') == "$2" ]]; }
# As one whose token is in a kubeconfig of its own.
revoker() { "$BIN/nodeproof" epoch "$@" --kubeconfig "$RUN/revoker.kubeconfig"; }

case_epochs_survive_what_becomes_of_them() {
  local kid
  create_unscheduled_pod dated
  watch_values phases-then nodeattestation "$good" '{.status.phase}'
  kube -n "$system" get configmap nodeproof-epoch -o json | jq '.data = {epoch: "soon", kid: "?", nonce: ""} | del(.metadata.resourceVersion)' |
    kube_as_webhook replace --raw "/api/v1/namespaces/$system/configmaps/nodeproof-epoch" -f - >/dev/null
  wait_until 30 "garbage to be replaced" publishes_other_kid '?'
  kid=$(published_kid)
  kube -n "$system" delete secret nodeproof-epoch-key
  wait_until 30 "a lost Secret to be made anew" publishes_other_kid "$kid"
  wait_until 20 "quotes to answer it" quotes_kid "$good" "$(published_kid)"
  would_admit dated "$good"
  seen_only phases-then Verified
}

case_revoked_generation_ends_at_once() {
  local kid
  kid=$(published_kid)
  kube -n "$system" create serviceaccount revoker
  kube -n "$system" create role e2e-secret --verb get,update --resource secrets
  kube -n "$system" create rolebinding e2e-secret --role e2e-secret --serviceaccount "$system:revoker"
  cat >"$RUN/revoker.kubeconfig" <<YAML
{apiVersion: v1, kind: Config, current-context: c, contexts: [{name: c, context: {cluster: c, user: u}}],
 clusters: [{name: c, cluster: {server: "$(api_server)", certificate-authority: "$RUN/pki/ca.crt"}}],
 users: [{name: u, user: {token: "$(kube -n "$system" create token revoker)"}}]}
YAML
  # Rights on the Secret are not enough.
  wait_until 30 "the rights to be known" exits_with 0 revoker list
  exits_with 3 revoker revoke "$kid" 2>&1 | grep 'Only the nodeproof webhook may write secrets' || return 1
  kube -n "$system" create rolebinding e2e-revoker --clusterrole nodeproof-epoch-revoker --serviceaccount "$system:revoker"
  wait_until 30 "the right to be known" exits_with 2 revoker revoke 0011223344556677
  exits_with 0 revoker list
  watch_values phases-now nodeattestation "$good" '{.status.phase}'
  exits_with 0 as_plugin "$RUN/revoker.kubeconfig" epoch revoke "$kid" | grep "Revoked key generation $kid" || return 1
  exits_with 0 revoker list | grep "$kid.*revoked" || return 1
  wait_until 30 "a new generation to be published" publishes_other_kid "$kid"
  wait_until 20 "the node to quote it" quotes_kid "$good" "$(published_kid)"
  wait_until 20 "the node to be verified" has_phase "$good" Verified
  grep -q "node $good: Stale qualifying-data" "$RUN/log/webhook.log"
  seen_only phases-now 'Verified|Stale'
  exits_with 0 revoker revoke "$kid" | grep 'nothing was changed' || return 1
  kube -n "$system" delete rolebinding e2e-secret e2e-revoker
}

# phase_lines SIZE NODE: "PHASE REASON" of each change of its phase that the webhook wrote after its log had that size.
phase_lines() {
  tail -c "+$(($1 + 1))" "$RUN/log/webhook.log" |
    jq -rR --arg node "$2" 'fromjson? | select(.event == "node-phase" and .node == $node) | "\(.phase) \(.reason)"'
}
# refreshed NODE: two more quotes of it are there.
refreshed() {
  local epoch
  epoch=$(spec_of nodequote "$1" .epoch)
  wait_until 30 "a quote of $1" quoted_since "$1" "$epoch"
  epoch=$(spec_of nodequote "$1" .epoch)
  wait_until 30 "another quote of $1" quoted_since "$1" "$epoch"
}
# sign NODE SIGNATURE: its last quote, with this one.
sign() { rewritten "$1" nodequote ".spec.signature = \"$2\""; }

garbled() { echo "${1:0:$2}$(tr A-Za-z N-ZA-Mn-za-m <<<"${1:$2:40}")${1:$2+40}"; }  # garbled BASE64 WHERE
bad_signatures_judged() { (($(counts 'nodeproof_evidence_verifications_total.*quote-signature' | sed 's/.* //') >= $1)); }

log_as() {  # log_as json|text: from now on, by a webhook that starts anew
  sed -i "s/^logFormat: .*/logFormat: $1/" "$RUN/etc/webhook.yaml"
  stop_webhook
  start_webhook
}

# A change of judgement is one line, whichever way it goes; the same judgement once more is none.
case_change_of_judgement_is_one_line() {
  local size signature
  trap 'start_agent "$good"; log_as text' EXIT
  log_as json
  wait_until 30 "$good to be verified" has_label "$good" verified
  size=$(size_of webhook)
  refreshed "$good"
  [[ -z $(phase_lines "$size" "$good") ]]
  stop_agent "$good"
  signature=$(spec_of nodequote "$good" .signature | jq -r .)
  sign "$good" "$(garbled "$signature" 100)"
  wait_until 30 "$good to be failed" has_label "$good" failed
  sign "$good" "$(garbled "$signature" 150)"
  wait_until 30 "that to be judged, too" bad_signatures_judged 2
  sign "$good" "$signature"
  wait_until 30 "$good to be verified again" has_label "$good" verified
  start_agent "$good"
  refreshed "$good"
  trap 'log_as text' EXIT
  [[ $(phase_lines "$size" "$good") == $'Failed quote-signature\nVerified ' ]] || {
    say "changes told: $(phase_lines "$size" "$good")"
    return 1
  }
}
