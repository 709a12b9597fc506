# The certificate that the webhook makes for itself, and what becomes of it. Sourced by e2e_test.
# shellcheck shell=bash disable=SC2154

serving_secret=nodeproof-serving-certificate
configuration_path=/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/nodeproof

certificate_of() { kube -n "$system" get secret "$serving_secret" -o json | jq -r ".data[\"$1\"] | @base64d" | openssl x509 -noout "${@:2}"; }
# Of the newest authority, and of the serving certificate in the Secret.
authority() { certificate_of ca.crt -fingerprint; }
serving() { certificate_of tls.crt -fingerprint; }
# There is another one than this; a moment without any does not count.
authority_is_not() {
  local now
  now=$(authority 2>/dev/null) && [[ $now != "$1" ]]
}
serving_is_not() {
  local now
  now=$(serving 2>/dev/null) && [[ $now != "$1" ]]
}
# served_at HOST:PORT: what a client meets there.
served_at() { openssl s_client -connect "$1" </dev/null 2>/dev/null | openssl x509 -noout -fingerprint; }
address_of() { sed -n 's,^listen: ,,p' "$RUN/etc/$1.yaml"; }
serves_the_secrets() { [[ $(served_at "$(address_of "$1")") == "$(serving)" ]]; }
# How many authorities the API server is told to trust.
trusts() { [[ $(trusted_authorities | grep -c 'BEGIN CERTIFICATE') == "$1" ]]; }
delete_certificate() { kube -n "$system" delete secret "$serving_secret"; }
webhook_metric() { curl -fs "$(<"$RUN/webhook.health")/metrics" | sed -n "s,^$1 ,,p"; }

set_ca_bundle() {  # set_ca_bundle INDEX BASE64: as a cluster-admin, to one webhook of our configuration
  kube patch validatingwebhookconfiguration nodeproof --type json \
    -p "[{\"op\": \"add\", \"path\": \"/webhooks/$1/clientConfig/caBundle\", \"value\": \"$2\"}]"
}

# As after `helm install`: no Secret, no caBundle.
case_webhook_comes_up_without_a_certificate() {
  local index
  create_unscheduled_pod certified
  stop_webhook
  trap start_webhook EXIT
  delete_certificate
  for index in 0 1 2 3 4; do
    kube patch validatingwebhookconfiguration nodeproof --type json -p "[{\"op\": \"remove\", \"path\": \"/webhooks/$index/clientConfig/caBundle\"}]"
  done
  refused_for 'failed calling webhook' bind certified "$good"
  trap - EXIT
  start_webhook
  wait_until 30 "the API server to ask it again" refused_for 'may not be placed' bind certified "$bad"
  bind certified "$good"
  certificate_of tls.crt -ext subjectAltName | grep -F 'IP Address:127.0.0.1'
  certificate_of tls.crt -text | grep -F 'prime256v1'
  [[ $(webhook_metric nodeproof_serving_certificate_expiry_time_seconds) != '' && $(webhook_metric nodeproof_serving_ca_expiry_time_seconds) != '' ]]
  # A pair like this one is for no log.
  [[ $(grep -c 'PRIVATE KEY' "$RUN/log/webhook.log") == 0 ]]
}

# under_load FILE: asks through the API server, and by itself with the authorities of that moment, until FILE is
# gone; every answer that is missing is a line of FILE.lost.
under_load() {
  local asked=0
  while [[ -e $1 ]]; do
    bind loaded "$good" '?dryRun=All' >/dev/null 2>>"$1.lost" || echo "no binding" >>"$1.lost"
    knows_webhook || echo "no handshake: $?" >>"$1.lost"
    asked=$((asked + 1))
  done
  echo "$asked" >"$1.asked"
}

short_lived() {  # short_lived yes|no
  local times='s,^\( *\)caLifetime: .*,\1caLifetime: 900s,; s,^\( *\)lifetime: .*,\1lifetime: 60s,'
  [[ $1 == yes ]] || times='s,^\( *\)caLifetime: .*,\1caLifetime: 8760h,; s,^\( *\)lifetime: .*,\1lifetime: 2160h,'
  sed -i -e "$times" "$RUN/etc/webhook.yaml"
  stop_webhook
  start_webhook
}
long_lived_again() {
  rm -f "$RUN/load"
  short_lived no
  delete_certificate
  wait_until 30 "a certificate to be made anew" authority
}

case_certificates_are_renewed_under_load() {
  local old_authority old_certificate load
  create_unscheduled_pod loaded
  trap long_lived_again EXIT
  short_lived yes
  touch "$RUN/load"
  : >"$RUN/load.lost"
  under_load "$RUN/load" &
  load=$!
  # A new authority: known to the API server before its first certificate is served, the old one forgotten later.
  old_authority=$(authority)
  old_certificate=$(serving)
  delete_certificate
  wait_until 20 "another authority" authority_is_not "$old_authority"
  [[ $(serving) == "$old_certificate" ]]
  wait_until 30 "both authorities to be trusted" trusts 2
  wait_until 30 "a certificate of the new authority" serving_is_not "$old_certificate"
  wait_until 60 "it to be served" serves_the_secrets webhook
  wait_until 30 "the old authority to be forgotten" trusts 1
  # A new certificate under the same authority.
  old_authority=$(authority)
  old_certificate=$(serving)
  wait_until 90 "the certificate to be renewed before its end" serving_is_not "$old_certificate"
  wait_until 30 "that one to be served" serves_the_secrets webhook
  [[ $(authority) == "$old_authority" ]]
  rm "$RUN/load"
  wait "$load"
  cat "$RUN/load.lost"
  say "asked $(<"$RUN/load.asked") times"
  [[ ! -s $RUN/load.lost ]] && (($(<"$RUN/load.asked") > 20))
}

case_deleted_certificate_heals() {
  local old
  create_unscheduled_pod healed
  old=$(authority)
  delete_certificate
  would_admit healed "$good"
  wait_until 20 "the Secret to be made anew" authority_is_not "$old"
  bind healed "$good"
}

case_unusable_certificate_is_made_anew() {
  local old
  create_unscheduled_pod mended
  old=$(authority)
  kube -n "$system" get secret "$serving_secret" -o json | jq '.data["tls.key"] = ("garbage" | @base64) | del(.metadata.resourceVersion)' |
    kube_as_webhook replace --raw "/api/v1/namespaces/$system/secrets/$serving_secret" -f - >/dev/null
  wait_until 20 "the Secret to be made anew" authority_is_not "$old"
  grep 'ALERT: the Secret nodeproof-serving-certificate cannot be used (tls.key: ' "$RUN/log/webhook.log"
  (($(webhook_metric nodeproof_serving_certificate_reload_errors_total) > 0))
  would_admit mended "$good"
  wait_until 120 "a certificate of it to be served" serves_the_secrets webhook
  bind mended "$good"
}

case_foreign_ca_bundle_is_put_right() {
  local before
  create_unscheduled_pod misled
  before=$(webhook_metric nodeproof_ca_bundle_foreign_values_total)
  make_authority "$RUN/foreign-ca" foreign
  refused_for 'may be changed only by those who may' kube_as operator operators patch validatingwebhookconfiguration nodeproof --type json \
    -p '[{"op": "replace", "path": "/webhooks/2/clientConfig/caBundle", "value": "Q0E="}]'
  set_ca_bundle 2 "$(base64 -w 0 "$RUN/foreign-ca.crt")"
  wait_until 20 "the caBundle to be put right" bundles_agree
  wait_until 20 "bindings to be judged again" would_admit misled "$good"
  grep 'ALERT: the caBundle of bindings.nodeproof.dev' "$RUN/log/webhook.log"
  (($(webhook_metric nodeproof_ca_bundle_foreign_values_total) > before))
}
bundles_agree() { kube get --raw "$configuration_path" | jq -e '[.webhooks[].clientConfig.caBundle] | unique | length == 1' >/dev/null; }

case_replicas_share_the_certificate() {
  local old
  start_replica standby
  serves_the_secrets webhook
  serves_the_secrets standby
  old=$(serving)
  delete_certificate
  # The old certificate is served until API servers know the new authority, by whoever leads.
  wait_until 120 "another certificate" serving_is_not "$old"
  wait_until 30 "the leader to serve it" serves_the_secrets webhook
  wait_until 30 "the other replica to serve it" serves_the_secrets standby
  end_process "$RUN" standby relay-standby
}

inject() {  # inject USER JQ-FILTER
  kube get --raw "$configuration_path" | jq "$2" |
    kube_as "$1" system:serviceaccounts replace --raw "$configuration_path?dryRun=All" -f -
}

# What the chart asks of cert-manager, and that its injector is let in. In tests/real_pods it runs.
case_cert_manager_may_do_it_instead() {
  local injector=system:serviceaccount:cert-manager:cert-manager-cainjector
  render_chart --set webhook.certificate.mode=certManager >"$RUN/cert-manager.yaml"
  [[ $(grep -c '^apiVersion: cert-manager.io/v1' "$RUN/cert-manager.yaml") == 4 ]]
  [[ $(grep -c 'cert-manager.io/inject-ca-from: nodeproof-system/nodeproof-webhook' "$RUN/cert-manager.yaml") == 1 ]]
  [[ $(grep -c "nodeproof-serving-certificate, verbs\|resourceNames: \[nodeproof\]" "$RUN/cert-manager.yaml") == 0 ]]
  grep -F 'certFile: /etc/nodeproof-tls/tls.crt' "$RUN/cert-manager.yaml"
  render_chart --set webhook.certificate.mode=certManager --set webhook.certificate.certManager.issuerRef.name=pki \
    --set webhook.certificate.certManager.issuerRef.kind=ClusterIssuer -s templates/webhook-certificate.yaml >"$RUN/issued.yaml"
  [[ $(grep -c '^kind:' "$RUN/issued.yaml") == 1 ]]
  grep -F 'kind: ClusterIssuer' "$RUN/issued.yaml"
  refused_for 'caBundle is required' render_chart --set webhook.certificate.mode=secret
  refused_for 'mode secret only' render_chart --set webhook.clientConfig.caBundle=Q0E=
  refused_for 'webhook.certificate.mode|webhook/certificate/mode' render_chart --set webhook.certificate.mode=vault
  kube create clusterrole e2e-injector --verb get,update --resource validatingwebhookconfigurations
  kube create clusterrolebinding e2e-injector --clusterrole e2e-injector --user "$injector"
  trap 'kube apply -f "$RUN/manifests.yaml" >/dev/null; kube delete clusterrolebinding e2e-injector' EXIT
  wait_until 30 "the injector to be refused by the policy alone" refused_for 'may be changed only' inject "$injector" '.webhooks[0].clientConfig.caBundle = "Q0E="'
  render_chart --set webhook.certificate.mode=certManager -s templates/admission-installation.yaml | kube apply -f -
  wait_until 30 "the injector to be let in" inject "$injector" '.webhooks[0].clientConfig.caBundle = "Q0E="'
  refused_for 'may be changed only' inject "$injector" '.webhooks[0].clientConfig.caBundle = "Q0E=" | .webhooks[0].failurePolicy = "Ignore"'
}
