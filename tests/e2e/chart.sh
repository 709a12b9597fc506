# What the chart makes of its values. That the rendered objects work is what all other cases show.
# Sourced by e2e_test.
# shellcheck shell=bash disable=SC2154

old_chart() { template_chart --kube-version v1.33.0 "$@"; }

case_chart_refuses_values_that_it_does_not_know() {
  helm lint --strict "$project/charts/nodeproof" --kube-version v1.33.0
  refused_for 'breakGlass' old_chart --set breakGlass.maxDuration=soon
  refused_for 'breakGlass' old_chart --set breakGlass.until=4h
  refused_for 'exemptNamespaces' old_chart --set 'exemptNamespaces=kube-system'
  refused_for '1.32.0' template_chart --kube-version v1.32.0
  old_chart --set breakGlass.maxDuration=30m | grep -F "duration('30m')"
}

# What the Prometheus operator is to read, where there is one. tests/monitoring tests the rules themselves.
case_chart_renders_monitoring_on_demand() {
  local operator=(--api-versions monitoring.coreos.com/v1) all=()
  old_chart >"$RUN/unmonitored.yaml"
  [[ $(grep -cE '^kind: (PodMonitor|PrometheusRule)|grafana_dashboard' "$RUN/unmonitored.yaml") == 0 ]]
  refused_for 'monitoring.coreos.com/v1' old_chart --set monitoring.podMonitor.enabled=true
  refused_for 'monitoring.coreos.com/v1' old_chart --set monitoring.prometheusRule.enabled=true
  refused_for 'prometheusRules' old_chart --set monitoring.prometheusRules.enabled=true
  old_chart --set monitoring.podMonitor.enabled=true --set monitoring.assumeCrds=true | grep -x 'kind: PodMonitor'
  all=("${operator[@]}" --set monitoring.podMonitor.enabled=true --set monitoring.prometheusRule.enabled=true
    --set monitoring.dashboard.enabled=true --set monitoring.runbooks=https://runbooks.example/r)
  old_chart "${all[@]}" -s templates/prometheusrule.yaml >"$RUN/rules.yaml"
  [[ $(grep -c 'runbook_url: https://runbooks.example/r#nodeproof' "$RUN/rules.yaml") == $(grep -c 'alert:' "$project/charts/nodeproof/files/alerts.yaml") ]]
  old_chart "${all[@]}" -s templates/podmonitor.yaml | grep -x 'kind: PodMonitor'
  old_chart "${all[@]}" -s templates/dashboard.yaml >"$RUN/dashboard.yaml"
  kube create --dry-run=server -f "$RUN/dashboard.yaml" -o json | jq -e '.data["nodeproof.json"] | fromjson | .panels | length > 0'
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
  notes=$(helm install nodeproof "$project/charts/nodeproof" --dry-run=client --take-ownership --namespace "$system" \
    --kubeconfig "$RUN/admin.kubeconfig" | sed -n '/^NOTES:/,$p')
  say "$notes"
  [[ $notes =~ nodeproof.dev/break-glass-until= && $notes =~ nodeproof.dev/break-glass=REASON && $notes =~ nodeproof-admin ]]
}
