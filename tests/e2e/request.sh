# What users and strangers may send that is wrong: each gets a named error, nothing changes.
# Sourced by e2e_test.
# shellcheck shell=bash disable=SC2154

# ---- through the API server -----------------------------------------------------------------------

case_unknown_policy_is_refused() {
  annotations='nodeproof.dev/policy: nonesuch' refused_for "no AttestationPolicy 'nonesuch'.*remedy: " create_pod unknown-policy
  ! kube -n "$workloads" get pod unknown-policy
}

case_misspelt_annotation_is_refused() {
  annotations='nodeproof.dev/polcy: confidential' refused_for 'nodeproof.dev/polcy is not known.*remedy: ' create_pod misspelt
}

case_bad_max_age_is_refused() {
  annotations='nodeproof.dev/policy: confidential, nodeproof.dev/max-evidence-age: soon' \
    refused_for 'max-evidence-age.*remedy: ' create_pod bad-age
}

case_marker_cannot_be_removed() {
  create_unscheduled_pod marked
  refused_for 'would be removed.*remedy: ' kube -n "$workloads" annotate pod marked nodeproof.dev/policy-
  refused_for 'would be removed.*remedy: ' kube -n "$workloads" patch pod marked --subresource status --type merge \
    -p '{"metadata": {"annotations": {"nodeproof.dev/policy": null}}}'
  refused_for 'would be changed.*remedy: ' kube -n "$workloads" annotate pod marked nodeproof.dev/policy=other --overwrite
}

surprising_policy() {
  cat <<YAML
{apiVersion: nodeproof.dev/v1alpha1, kind: AttestationPolicy, metadata: {name: surprising}, spec: {surprise: true}}
YAML
}

refuses_surprise() {
  annotations='nodeproof.dev/policy: surprising' refused_for surprise create_pod surprised 2>/dev/null
}

# The API server keeps fields that it does not know; a policy that holds one might mean more than we see.
case_policy_with_unknown_field_is_refused() {
  surprising_policy | kube create -f -
  wait_until 20 "the policy to be refused for its unknown field" refuses_surprise
}

# ---- straight to the webhook ----------------------------------------------------------------------

# send CURL-ARGUMENT...: prints the answer and, on a line of its own, the HTTP status.
send() {
  trusted_authorities >"$RUN/webhook-ca.crt"
  curl -sS --cacert "$RUN/webhook-ca.crt" -w '\n%{http_code}\n' "$@"
}

post() { send -H 'Content-Type: application/json' --data-binary @- "$(<"$RUN/webhook.url")?timeout=5s"; }

# answers STATUS PATTERN: the answer on the input has this HTTP status and matches.
answers() {
  local answer
  answer=$(cat)
  printf '%s\n' "$answer"
  [[ $answer =~ $2 && $(tail -n 1 <<<"$answer") == "$1" ]]
}

review() {  # review JQ-FILTER: a review of a Binding to the other node, changed by the filter
  jq -n --arg ns "$workloads" --arg node "$bad" '{
    apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview",
    request: {
      uid: "705ab4f5-6393-11e8-b7cc-42010a800002",
      kind: {group: "", version: "v1", kind: "Binding"}, resource: {group: "", version: "v1", resource: "pods"},
      subResource: "binding", name: "straight", namespace: $ns, operation: "CREATE",
      userInfo: {username: "system:kube-scheduler", groups: ["system:authenticated"]},
      object: {apiVersion: "v1", kind: "Binding", metadata: {name: "straight", namespace: $ns},
               target: {kind: "Node", name: $node}},
      oldObject: null, dryRun: false}} | '"$1"
}

case_review_of_another_version() {
  create_unscheduled_pod straight
  review . | post | answers 200 '"allowed":false'
  review '.apiVersion = "admission.k8s.io/v1beta1"' | post | answers 400 'apiVersion'
}

case_review_without_request() { review 'del(.request)' | post | answers 400 'request'; }

case_review_that_is_no_json() {
  printf '{"apiVersion": "admission' | post | answers 400 .
  printf '' | post | answers 400 .
}

case_body_over_the_limit() {
  { review . && head -c 3145728 /dev/zero | tr '\0' ' '; } | post | answers 413 .
  # The same, without saying beforehand how long it is.
  { review . && head -c 3145728 /dev/zero | tr '\0' ' '; } |
    send -H 'Content-Type: application/json' -H 'Transfer-Encoding: chunked' --data-binary @- "$(<"$RUN/webhook.url")" | answers 413 .
  running "$RUN" webhook
}

case_other_path_and_method() {
  review . | send -H 'Content-Type: application/json' --data-binary @- "$(<"$RUN/webhook.url")/more" | answers 404 .
  send "$(<"$RUN/webhook.url")" | answers 405 .
}
