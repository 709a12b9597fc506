# What the chart makes of its values. That the rendered objects work is what all other cases show.
# Sourced by e2e_test.
# shellcheck shell=bash disable=SC2154

old_chart() { template_chart --kube-version v1.33.0 "$@"; }

case_chart_refuses_values_that_it_does_not_know() {
  helm lint --strict "$project/charts/nodeproof" --kube-version v1.33.0 --set webhook.clientConfig.caBundle=Q0E=
  refused_for 'breakGlass' old_chart --set breakGlass.maxDuration=soon
  refused_for 'breakGlass' old_chart --set breakGlass.until=4h
  refused_for 'exemptNamespaces' old_chart --set 'exemptNamespaces=kube-system'
  refused_for '1.32.0' template_chart --kube-version v1.32.0
  old_chart --set breakGlass.maxDuration=30m | grep -F "duration('30m')"
}

kinds() { grep -h '^kind:' | sort | uniq -c; }

# Where nothing adds the nodeSelector, it is demanded all the same.
case_chart_fits_older_api_servers() {
  old_chart >"$RUN/old.yaml"
  kinds <"$RUN/old.yaml"
  [[ $(grep -c '^kind: MutatingAdmission' "$RUN/old.yaml") == 0 ]]
  [[ $(grep -c '^kind: MutatingAdmission' "$RUN/manifests.yaml") == 2 ]]
  [[ $(grep -c '^  name: nodeproof-steering$' "$RUN/old.yaml") == 2 ]]
  kube apply --dry-run=server -f "$RUN/old.yaml"
}

case_notes_tell_the_emergency_exit() {
  local notes
  notes=$(helm install nodeproof "$project/charts/nodeproof" --dry-run=client --take-ownership --namespace "$system" --set webhook.clientConfig.caBundle=Q0E= \
    --kubeconfig "$RUN/admin.kubeconfig" | sed -n '/^NOTES:/,$p')
  say "$notes"
  [[ $notes =~ nodeproof.dev/break-glass-until= && $notes =~ nodeproof.dev/break-glass=REASON && $notes =~ nodeproof-admin ]]
}
