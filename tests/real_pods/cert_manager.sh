# cert-manager, in whose hands the webhook's certificate is for a while. Sourced by real_pods_test.
#
#   CERT_MANAGER   the folder that build-cert-manager printed
#
# Its controller and its CA injector run beside the pods, as the accounts and with the rights of its own chart. Its webhook, which
# checks what people write, does not run.
# shellcheck shell=bash disable=SC2154

issued=nodeproof-webhook-tls

# start_cert_manager: what its chart installs, but for the workloads; these are processes here.
start_cert_manager() {
  local file templates=()
  for file in "$CERT_MANAGER"/chart/templates/{,cainjector-}{rbac,serviceaccount}.yaml "$CERT_MANAGER"/chart/templates/crd-*.yaml; do
    templates+=(--show-only "templates/$(basename "$file")")
  done
  helm template cert-manager "$CERT_MANAGER/chart" --namespace cert-manager --set crds.enabled=true "${templates[@]}" \
    --kube-version "$(kube version -o json | jq -r .serverVersion.gitVersion)" >"$RUN/cert-manager.yaml"
  kube create namespace cert-manager
  kube apply --server-side -f "$RUN/cert-manager.yaml" >/dev/null
  kube wait --for condition=Established --timeout 120s crd --all >/dev/null
  start_as cert-manager controller
  start_as cert-manager-cainjector cainjector
}

# start_as ACCOUNT PROGRAM
start_as() {
  sed "s|^users: .*|users: [{name: admin, user: {token: $(kube -n cert-manager create token "$1" --duration 24h)}}]|" \
    "$RUN/admin.kubeconfig" >"$RUN/$1.kubeconfig"
  spawn "$RUN" "$1" "$CERT_MANAGER/$2" --kubeconfig "$RUN/$1.kubeconfig"
}

# certificates_by MODE: as the chart's reader does it.
certificates_by() {
  release_by_helm upgrade "$project/charts/nodeproof" --reuse-values --wait --timeout 3m --post-renderer "$RUN/with-vtpm" \
    --set "webhook.certificate.mode=$1"
}

# secret_pem SECRET KEY
secret_pem() { kube -n "$system" get secret "$1" -o json | jq -r --arg key "$2" '.data[$key] | @base64d'; }
fingerprint() { openssl x509 -noout -fingerprint -sha256; }
is_ready() { kube -n "$system" wait --for condition=Ready certificate "$1" --timeout 0 >/dev/null 2>&1; }
holds_another() { [[ $(secret_pem "$1" tls.crt | fingerprint) != "$2" ]]; }

# renew CERTIFICATE: as `cmctl renew` does it.
renew() {
  kube -n "$system" patch certificate "$1" --subresource status --type json -p "[{\"op\": \"add\", \"path\": \"/status/conditions/-\",
    \"value\": {\"type\": \"Issuing\", \"status\": \"True\", \"reason\": \"ManuallyTriggered\", \"message\": \"by hand\",
    \"lastTransitionTime\": \"$(date -u +%Y-%m-%dT%H:%M:%SZ)\"}}]"
}

# all_serve SECRET: every replica, at its own address.
all_serve() {
  local address wanted
  wanted=$(secret_pem "$1" tls.crt | fingerprint)
  for address in $(webhook_addresses); do
    [[ $(openssl s_client -connect "$address:8443" </dev/null 2>/dev/null | fingerprint 2>/dev/null) == "$wanted" ]] || return 1
  done
}
webhook_addresses() {
  kube -n "$system" get pods -l app.kubernetes.io/component=webhook -o json |
    jq -r '.items[] | select(.metadata.deletionTimestamp == null) | .status.podIP'
}

# all_bundles_trust SECRET: by every caBundle of our configurations, the certificate in the Secret is the Service's.
all_bundles_trust() {
  local bundle
  secret_pem "$1" tls.crt >"$RUN/serving.crt"
  for bundle in $(ca_bundles); do
    base64 -d <<<"$bundle" >"$RUN/trusted.crt"
    openssl verify -CAfile "$RUN/trusted.crt" -verify_hostname "nodeproof-webhook.$system.svc" "$RUN/serving.crt" >/dev/null 2>&1 || return 1
  done
}
ca_bundles() {
  kube get validatingwebhookconfigurations,mutatingwebhookconfigurations -l app.kubernetes.io/name=nodeproof -o json |
    jq -r '.items[].webhooks[].clientConfig.caBundle // "none"'
}
authorities_trusted() { base64 -d <<<"$(ca_bundles | sed -n 1p)" | grep -c 'BEGIN CERTIFICATE'; }
# injections: how often the injector wrote.
injections() { grep -c 'fieldManager=cert-manager-cainjector' "$RUN/log/audit.log"; }
injects_again() { (($(injections) > $1)); }

# ask_all_along FILE: placements through the API server until FILE is gone; every one without an answer is in FILE.lost.
ask_all_along() {
  local asked=0
  : >"$1.lost"
  while [[ -e $1 ]]; do
    bind asked "$node" '?dryRun=All' >/dev/null 2>>"$1.lost" || date -u +%T >>"$1.lost"
    asked=$((asked + 1))
  done
  echo "$asked" >"$1.asked"
}
begin_asking() {
  kube -n "$workloads" get pod asked >/dev/null 2>&1 || create_unscheduled_pod asked
  touch "$RUN/asking"
  trap 'rm -f "$RUN/asking"' EXIT
  ask_all_along "$RUN/asking" &
}
none_was_lost() {
  rm "$RUN/asking"
  wait
  cat "$RUN/asking.lost"
  report "asked $(<"$RUN/asking.asked") times"
  [[ ! -s $RUN/asking.lost ]]
}

webhook_may() { kube auth can-i "$@" --as "system:serviceaccount:$system:nodeproof-webhook" 2>/dev/null; }

case_cert_manager_takes_over() {
  local own
  own=$(kube -n "$system" get secret nodeproof-serving-certificate -o 'jsonpath={.metadata.resourceVersion}')
  begin_asking
  start_cert_manager
  certificates_by certManager
  wait_until 60 "the certificate to be told ready" is_ready nodeproof-webhook
  wait_until 150 "every replica to serve it" all_serve "$issued"
  wait_until 30 "every caBundle to trust it" all_bundles_trust "$issued"
  none_was_lost
  real_pod settled | kube create -f -
  wait_until 60 "the pod to run" is_running settled
  refused_for "denied the request: .*$bad.*confidential" create_pod unsettled "nodeName: $bad"
  # The webhook keeps out of it.
  [[ $(kube -n "$system" get secret nodeproof-serving-certificate -o 'jsonpath={.metadata.resourceVersion}') == "$own" ]]
  [[ $(webhook_may patch validatingwebhookconfigurations/nodeproof) == no ]]
  [[ $(webhook_may get secrets/nodeproof-serving-certificate -n "$system") == no ]]
}

# docs/operations.md: the injector adds to what is trusted; the webhook's authority of before is for nothing any more.
case_authority_of_before_is_forgotten_by_hand() {
  local authority kind written
  kube -n "$system" delete secret nodeproof-serving-certificate
  [[ $(authorities_trusted) == 2 ]]
  authority=$(kube -n "$system" get secret "$issued" -o 'jsonpath={.data.ca\.crt}')
  for kind in $(kube get validatingwebhookconfigurations,mutatingwebhookconfigurations -l app.kubernetes.io/name=nodeproof -o name); do
    kube get "$kind" -o json | jq --arg ca "$authority" '.webhooks[].clientConfig.caBundle = $ca' | kube replace -f -
  done
  # When it starts, it puts in what it misses.
  end_process "$RUN" cert-manager-cainjector
  written=$(injections)
  start_as cert-manager-cainjector cainjector
  wait_until 60 "the injector to write" injects_again "$written"
  [[ $(authorities_trusted) == 1 ]]
  would_admit asked "$node"
}

# The authority first, which keeps its key; then what is under it.
case_cert_manager_renews_both() {
  local authority certificate
  authority=$(secret_pem nodeproof-webhook-ca tls.crt | fingerprint)
  certificate=$(secret_pem "$issued" tls.crt | fingerprint)
  begin_asking
  renew nodeproof-webhook-ca
  wait_until 60 "another authority" holds_another nodeproof-webhook-ca "$authority"
  secret_pem nodeproof-webhook-ca tls.crt >"$RUN/next-ca.crt"
  secret_pem "$issued" tls.crt >"$RUN/serving.crt"
  openssl verify -CAfile "$RUN/next-ca.crt" "$RUN/serving.crt"
  renew nodeproof-webhook
  wait_until 60 "another certificate" holds_another "$issued" "$certificate"
  wait_until 150 "every replica to serve it" all_serve "$issued"
  wait_until 30 "every caBundle to trust it" all_bundles_trust "$issued"
  none_was_lost
}

case_webhook_takes_its_certificate_back() {
  begin_asking
  certificates_by self
  wait_until 150 "every replica to serve it" all_serve nodeproof-serving-certificate
  wait_until 30 "every caBundle to trust it" all_bundles_trust nodeproof-serving-certificate
  none_was_lost
}
