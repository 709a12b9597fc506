# What the chart makes of its values. Sourced by chart_test.
# shellcheck shell=bash disable=SC2154

# render [ARGUMENT...]: without what the test bed sets. Hooks are rendered, too.
render() {
  helm template nodeproof "$project/charts/nodeproof" --namespace "$system" --kube-version v1.37.2 "$@"
}
# Every object as JSON, in one array.
as_json() { kube create --dry-run=client -o json -f - | jq -s 'map(if .kind == "List" then .items[] else . end)'; }

case_chart_is_complete() {
  helm lint --strict "$project/charts/nodeproof" --kube-version v1.37.2
  # The package holds what links in the tree point to.
  helm package "$project/charts/nodeproof" -d "$RUN" >/dev/null
  [[ $(helm show crds "$RUN"/nodeproof-*.tgz | grep -c '^kind: CustomResourceDefinition') == 5 ]]
  [[ $(helm show readme "$RUN"/nodeproof-*.tgz) == *'helm uninstall'* ]]
  tar -tzf "$RUN"/nodeproof-*.tgz | grep -x nodeproof/configuration.md
  # What Artifact Hub shows of images and kinds is what there is.
  for image in agent webhook cli; do
    grep -F "$(sed -n "s,^  image: \(.*/$image:.*\),\"\1\",p" "$project/charts/nodeproof/values.yaml")" "$project/charts/nodeproof/Chart.yaml"
  done
  [[ $(sed -n 's/.*name: \([a-z]*\.nodeproof\.dev\),.*/\1/p' "$project/charts/nodeproof/Chart.yaml" | sort) == "$(sed -n 's/^  name: //p' "$project"/crds/*.yaml | sort)" ]]
}

case_values_that_make_no_sense_are_refused() {
  local change
  for change in breakGlass.maxDuration=soon breakGlass.until=4h exemptNamespaces=kube-system agent.image=agent agent.image=agent@sha256:12 \
    agent.refresh=2 agent.thim=169.254.169.254 agent.tpmResource=tpm agent.tolerations[0].keys=x agent.metricsPort=0 agent.metricsPort=65536 agent.metricsPort=http agent.resources.limit.memory=1Mi \
    agent.resources.limits.memory=much webhook.replicas=two webhook.replicas=-1 webhook.timeoutSeconds=31 webhook.clientConfig.url=http://h/admit \
    webhook.revocationLists.a=text webhook.nodeSelector.pool=1 webhook.certificate.mode=vault webhook.certificate.lifetime=long imagePullSecrets[0].names=x steering.mode=maybe \
    networkPolicy.enable=true monitoring.labels.a=1 monitoring.prometheusRules.enabled=true cli.images=x unheard=of agent=null; do
    say "$change"
    refused_for "${change%%[.=[]*}|unheard" render --set "$change" >&2
  done
  refused_for '1.32.0' render --kube-version v1.32.0
  refused_for 'caBundle is required' render --set webhook.certificate.mode=secret
  refused_for 'mode secret only' render --set webhook.clientConfig.caBundle=Q0E=
}

# The changes of each value, and what must then be true of the objects and was not before. Rows of the form
# OPTION | KIND NAME | JQ-FILTER; `-` leads on to another object that the same option changes.
effects() {
  cat <<'ROWS'
--set imagePullSecrets[0].name=registry | Deployment nodeproof-webhook | .spec.template.spec.imagePullSecrets == [{name: "registry"}]
- | DaemonSet nodeproof-agent | .spec.template.spec.imagePullSecrets == [{name: "registry"}]
- | Pod nodeproof-test | .spec.imagePullSecrets == [{name: "registry"}]
--set agent.image=r.example:5000/agent:2 | DaemonSet nodeproof-agent | .spec.template.spec.containers[0].image == "r.example:5000/agent:2"
--set agent.refresh=60s | ConfigMap nodeproof-agent | .data["agent.yaml"] | contains("\nrefresh: 60s\n")
--set agent.thim=http://10.1.2.3:81 | ConfigMap nodeproof-agent | .data["agent.yaml"] | contains("\nthim: http://10.1.2.3:81\n")
- | NetworkPolicy nodeproof-agent | .spec.egress[2] == {ports: [{protocol: "TCP", port: 81}], to: [{ipBlock: {cidr: "10.1.2.3/32"}}]}
--set agent.nodeSelector.agentpool=cvm | DaemonSet nodeproof-agent | .spec.template.spec.nodeSelector.agentpool == "cvm"
--set-json agent.tolerations=[{"key":"team","operator":"Exists"}] | DaemonSet nodeproof-agent | .spec.template.spec.tolerations | map(.key) == ["nodeproof.dev/unverified", "nodeproof.dev/failed", "team"]
--set agent.tpmResource=squat.ai/tpm | DaemonSet nodeproof-agent | .spec.template.spec.containers[0] | .resources.limits["squat.ai/tpm"] == 1 and .securityContext.privileged == null
--set agent.hostNetwork=true | DaemonSet nodeproof-agent | .spec.template.spec | .hostNetwork and .dnsPolicy == "ClusterFirstWithHostNet"
--set agent.metricsPort=9100 | DaemonSet nodeproof-agent | .spec.template.spec.containers[0].ports == [{name: "metrics", containerPort: 9100}]
- | ConfigMap nodeproof-agent | .data["agent.yaml"] | contains("\nmetricsListen: 0.0.0.0:9100\n")
--set agent.resources.limits.memory=65Mi | DaemonSet nodeproof-agent | .spec.template.spec.containers[0].resources.limits.memory == "65Mi"
--set webhook.image=r.example/webhook:2 | Deployment nodeproof-webhook | .spec.template.spec.containers[0].image == "r.example/webhook:2"
--set webhook.replicas=3 | Deployment nodeproof-webhook | .spec.replicas == 3
--set webhook.epochLength=20s | ConfigMap nodeproof-webhook | .data["webhook.yaml"] | contains("\nepochLength: 20s\n")
--set webhook.maxReportAge=20h | ConfigMap nodeproof-webhook | .data["webhook.yaml"] | contains("\nmaxReportAge: 20h\n")
- | ConfigMap nodeproof-agent | .data["agent.yaml"] | contains("\nmaxReportAge: 20h\n")
--set webhook.viewAge=40s | ConfigMap nodeproof-webhook | .data["webhook.yaml"] | contains("\nviewAge: 40s\n")
--set webhook.akCertificateGrace=1h | ConfigMap nodeproof-webhook | .data["webhook.yaml"] | contains("\nakCertificateGrace: 1h\n")
--set-file webhook.trustAnchors.amd=PEM | ConfigMap nodeproof-webhook | .data | has("amd-trust-anchors.pem") and (.["webhook.yaml"] | contains("amd: /etc/nodeproof/amd-trust-anchors.pem"))
--set-file webhook.trustAnchors.vtpm=PEM | ConfigMap nodeproof-webhook | .data | has("vtpm-trust-anchors.pem") and (.["webhook.yaml"] | contains("vtpm: /etc/nodeproof/vtpm-trust-anchors.pem"))
--set-file webhook.revocationLists.amd=CRL | ConfigMap nodeproof-webhook | .data | has("revocation-list-amd.pem") and (.["webhook.yaml"] | contains("- /etc/nodeproof/revocation-list-amd.pem"))
--set webhook.referenceValues=paravisors | ConfigMap nodeproof-webhook | .data | has("reference-values.yaml") and (.["webhook.yaml"] | contains("referenceValues: /etc/nodeproof/reference-values.yaml"))
--set webhook.trustedLaunch.strict=true | ConfigMap nodeproof-webhook | .data["webhook.yaml"] | contains("strict: true")
--set webhook.loss.taintUnverified=true | ConfigMap nodeproof-webhook | .data["webhook.yaml"] | contains("taintUnverified: true")
--set webhook.loss.dryRun=true | ConfigMap nodeproof-webhook | .data["webhook.yaml"] | contains("dryRun: true")
--set webhook.loss.mayEvict=true | ClusterRole nodeproof-webhook | .rules | any(.resources == ["pods/eviction"] and .verbs == ["create"])
--set webhook.loss.mayDelete=true | ClusterRole nodeproof-webhook | .rules | any(.resources == ["pods"] and .verbs == ["delete"])
--set webhook.brake.maxEvictionsPerHour=7 | ConfigMap nodeproof-webhook | .data["webhook.yaml"] | contains("maxEvictionsPerHour: 7")
--set webhook.brake.maxNodesFraction=5% | ConfigMap nodeproof-webhook | .data["webhook.yaml"] | contains("maxNodesFraction: 5%")
--set webhook.timeoutSeconds=9 | ValidatingWebhookConfiguration nodeproof | .webhooks[0:3] | all(.timeoutSeconds == 9)
--set webhook.certificate.mode=secret | Deployment nodeproof-webhook | .spec.template.spec.containers[0].volumeMounts | any(.name == "tls")
--set webhook.certificate.secretName=other | Deployment nodeproof-webhook | .spec.template.spec.volumes | any(.secret.secretName == "other")
--set webhook.clientConfig.caBundle=T1RIRVI= | ValidatingWebhookConfiguration nodeproof | .webhooks | all(.clientConfig.caBundle == "T1RIRVI=")
--set webhook.clientConfig.url=https://h:1/admit | ValidatingWebhookConfiguration nodeproof | .webhooks | all(.clientConfig.url == "https://h:1/admit")
- | MutatingWebhookConfiguration nodeproof | .webhooks | all(.clientConfig.url == "https://h:1/mutate")
--set webhook.nodeSelector.agentpool=system | Deployment nodeproof-webhook | .spec.template.spec.nodeSelector.agentpool == "system"
- | Pod nodeproof-test | .spec.nodeSelector.agentpool == "system"
--set webhook.tolerations[0].key=team | Deployment nodeproof-webhook | .spec.template.spec.tolerations | map(.key) == ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable", "team"]
--set webhook.resources.requests.cpu=60m | Deployment nodeproof-webhook | .spec.template.spec.containers[0].resources.requests.cpu == "60m"
--set cli.image=r.example/cli:2 | Pod nodeproof-test | .spec.containers[0].image == "r.example/cli:2"
--set policies.confidential.maxEvidenceAge=5m | AttestationPolicy confidential | .spec.maxEvidenceAge == "5m"
--set policies.trustedLaunch.maxEvidenceAge=6m | AttestationPolicy trusted-launch | .spec.maxEvidenceAge == "6m"
--set policies.confidential.onLoss.taint=true | AttestationPolicy confidential | .spec.onLoss.taint
--set policies.trustedLaunch.onLoss.gracePeriod=3m | AttestationPolicy trusted-launch | .spec.onLoss.gracePeriod == "3m"
--set logFormat=json | ConfigMap nodeproof-webhook | .data["webhook.yaml"] | contains("\nlogFormat: json\n")
- | ConfigMap nodeproof-agent | .data["agent.yaml"] | contains("\nlogFormat: json\n")
--set-json exemptNamespaces=["kube-system","infra"] | ValidatingWebhookConfiguration nodeproof | .webhooks[0].namespaceSelector.matchExpressions[0].values == ["kube-system", "infra", "nodeproof-system"]
--set breakGlass.maxDuration=30m | ValidatingAdmissionPolicy nodeproof-break-glass | tojson | contains("duration('30m')")
--set steering.mode=webhook | MutatingWebhookConfiguration nodeproof | .webhooks | length == 2
--set networkPolicy.enabled=true | NetworkPolicy nodeproof-webhook | .spec.policyTypes == ["Ingress", "Egress"]
- | NetworkPolicy nodeproof-agent | .spec.ingress == [{ports: [{protocol: "TCP", port: "metrics"}]}]
--set monitoring.dashboard.enabled=true | ConfigMap nodeproof-dashboard | .data["nodeproof.json"] | fromjson | .panels | length > 0
ROWS
}

# has OBJECTS KIND NAME FILTER: it is there, once or as a hook of the same content, and the filter holds for all of it.
has() {
  jq -e --arg kind "$2" --arg name "$3" "map(select(.kind == \$kind and .metadata.name == \$name)) | length > 0 and all($4)" <"$1" >/dev/null
}

# All at once, which is a combination, too; that each has no other effect is shown by the neighbours in the same table.
case_every_value_has_its_effect() {
  local option object filter kind name options=() before=$RUN/default.json after=$RUN/changed.json
  { echo '-----BEGIN CERTIFICATE-----'; echo '-----END CERTIFICATE-----'; } >"$RUN/pem"
  { echo '-----BEGIN X509 CRL-----'; echo '-----END X509 CRL-----'; } >"$RUN/crl"
  while IFS='|' read -r option _; do
    read -r -a words <<<"$option"
    [[ ${words[0]} == - ]] || options+=("${words[0]}" "$(sed "s,=PEM$,=$RUN/pem,; s,=CRL$,=$RUN/crl," <<<"${words[1]}")")
  done < <(effects)
  render --set steering.mode=off | as_json >"$before"
  render "${options[@]}" | as_json >"$after"
  while IFS='|' read -r option object filter; do
    read -r kind name <<<"$object"
    has "$after" "$kind" "$name" "$filter" || { say "not so with $option: $kind $name: $filter"; return 1; }
    ! has "$before" "$kind" "$name" "$filter" || { say "so without $option: $kind $name: $filter"; return 1; }
  done < <(effects)
}

# What the table above cannot show, for it sets another mode.
case_certificates_come_by_every_mode() {
  render --set webhook.certificate.caLifetime=2000h --set webhook.certificate.lifetime=200h | as_json >"$RUN/self.json"
  has "$RUN/self.json" ConfigMap nodeproof-webhook '.data["webhook.yaml"] | contains("caLifetime: 2000h") and contains("lifetime: 200h")'
  render --set webhook.certificate.mode=certManager --set webhook.certificate.certManager.issuerRef.name=pki \
    --set webhook.certificate.certManager.injector=system:serviceaccount:pki:injector >"$RUN/cert-manager.yaml"
  grep -x '    name: pki' "$RUN/cert-manager.yaml"
  grep -F "system:serviceaccount:pki:injector" "$RUN/cert-manager.yaml"
  # cert-manager's kinds are unknown here. The CA keeps its key, what is under it does not.
  render --set webhook.certificate.mode=certManager -s templates/webhook-certificate.yaml >"$RUN/own-ca.yaml"
  [[ $(sed -n 's/^  secretName: //p; s/^ *privateKey: .*rotationPolicy: \(.*\)}$/\1/p' "$RUN/own-ca.yaml" | xargs) == \
    'nodeproof-webhook-ca Never nodeproof-webhook-tls Always' ]]
}

# Each object as the API server would make it where nothing is installed yet; hooks need others of them, and are made for real.
accepted() {
  say "$*"
  render --no-hooks "$@" >"$RUN/rendered.yaml"
  kube create --dry-run=server -f "$RUN/rendered.yaml" >/dev/null
}

# By what an uninstall leaves: the CRDs and the namespace. Making and deleting CRDs for it took five minutes at times: a
# CRD's clean-up that loses a race with its own write is tried again at the API server's next resync only.
case_values_in_many_combinations_are_accepted() {
  release uninstall
  wait_until 30 "the policies to be out of force" accepted --set steering.mode=policy
  accepted --kube-version v1.33.0
  accepted --set agent.tpmResource=squat.ai/tpm --set agent.hostNetwork=true --set-json 'agent.tolerations=[]' --set-json 'agent.resources={}' \
    --set webhook.replicas=0 --set-json 'webhook.tolerations=[]' --set-json 'webhook.resources={}' --set steering.mode=webhook \
    --set networkPolicy.enabled=true --set agent.thim=http://thim.example
  accepted --set webhook.replicas=1 --set steering.mode=off --set imagePullSecrets[0].name=registry --set networkPolicy.enabled=true \
    --set monitoring.dashboard.enabled=true --set-json 'exemptNamespaces=["kube-system"]'
}

# What the Prometheus operator is to read, where there is one. tests/monitoring tests the rules themselves.
case_monitoring_is_rendered_on_demand() {
  local all=()
  render >"$RUN/unmonitored.yaml"
  [[ $(grep -cE '^kind: (PodMonitor|PrometheusRule)|grafana_dashboard' "$RUN/unmonitored.yaml") == 0 ]]
  refused_for 'monitoring.coreos.com/v1' render --set monitoring.podMonitor.enabled=true
  refused_for 'monitoring.coreos.com/v1' render --set monitoring.prometheusRule.enabled=true
  render --set monitoring.podMonitor.enabled=true --set monitoring.assumeCrds=true >"$RUN/pod-monitors.yaml"
  [[ $(grep -c -x 'kind: PodMonitor' "$RUN/pod-monitors.yaml") == 2 ]]
  all=(--api-versions monitoring.coreos.com/v1 --set monitoring.podMonitor.enabled=true --set monitoring.prometheusRule.enabled=true
    --set monitoring.runbooks=https://runbooks.example/r --set monitoring.labels.release=prometheus)
  render "${all[@]}" -s templates/prometheusrule.yaml >"$RUN/rules.yaml"
  [[ $(grep -c 'runbook_url: https://runbooks.example/r#nodeproof' "$RUN/rules.yaml") == $(grep -c 'alert:' "$project/charts/nodeproof/files/alerts.yaml") ]]
  grep -x '    release: prometheus' "$RUN/rules.yaml"
  render "${all[@]}" -s templates/podmonitor.yaml >"$RUN/podmonitor.yaml"
  grep -x '    release: prometheus' "$RUN/podmonitor.yaml"
}

kinds() { grep -h '^kind:' | sort | uniq -c; }

# Where nothing adds the nodeSelector, it is demanded all the same.
case_older_api_servers_are_served() {
  render --kube-version v1.33.0 --no-hooks >"$RUN/old.yaml"
  render --no-hooks --api-versions admissionregistration.k8s.io/v1/MutatingAdmissionPolicy >"$RUN/new.yaml"
  kinds <"$RUN/old.yaml"
  [[ $(grep -c '^kind: MutatingAdmission' "$RUN/old.yaml") == 0 ]]
  [[ $(grep -c '^kind: MutatingWebhookConfiguration' "$RUN/old.yaml") == 1 ]]
  [[ $(grep -c '^kind: MutatingAdmission' "$RUN/new.yaml") == 2 ]]
  [[ $(grep -c '^kind: MutatingWebhookConfiguration' "$RUN/new.yaml") == 0 ]]
  [[ $(grep -c '^  name: nodeproof-steering$' "$RUN/old.yaml") == 2 ]]
}

# pod_of TEMPLATE OPTION...: a Pod as its controller would make it, in namespace `restricted`.
pod_of() {
  local template=$1
  shift
  render "$@" -s "templates/$template" | as_json |
    jq 'map(select(.spec.template // .kind == "Pod"))[0] | {apiVersion: "v1", kind: "Pod", metadata: {name: "as-made", namespace: "restricted"},
      spec: ((.spec.template.spec // .spec) | del(.serviceAccountName))}'
}
admitted() { pod_of "$@" | kube create --dry-run=server -f -; }

# The Pod Security Standards as the API server itself judges them.
case_pods_are_as_restricted_as_can_be() {
  make_namespace restricted
  kube label namespace restricted pod-security.kubernetes.io/enforce=restricted
  admitted webhook-deployment.yaml
  admitted tests/gate.yaml
  # The agent is root and looks at two folders of its host, both read-only; only without a device plugin it is more.
  refused_for 'restricted volume types.*hostPath.*runAsNonRoot|hostPath' admitted agent-daemonset.yaml
  kube label --overwrite namespace restricted pod-security.kubernetes.io/enforce=baseline
  refused_for 'violates PodSecurity "baseline:latest": hostPath volumes \(volumes "securityfs", "firmware"\)$' \
    admitted agent-daemonset.yaml --set agent.tpmResource=squat.ai/tpm
  refused_for 'hostPath volumes.*privileged' admitted agent-daemonset.yaml
  refused_for 'host namespaces \(hostNetwork=true\)' admitted agent-daemonset.yaml --set agent.hostNetwork=true
  pod_of agent-daemonset.yaml | jq -e '[.spec.volumes[] | select(.hostPath).name] as $host | .spec.containers[0].volumeMounts
    | map(select(.name | IN($host[]))) | length == 2 and all(.readOnly)'
  kube delete namespace restricted --wait=false
}

# What is said depends on what is so.
notes() {
  testbed_values
  helm install nodeproof "$project/charts/nodeproof" --dry-run=client --take-ownership --namespace "$system" "${values[@]}" "$@" \
    --kubeconfig "$RUN/admin.kubeconfig" | sed -n '/^NOTES:/,$p'
}

case_notes_tell_what_is_open() {
  local notes
  notes=$(notes)
  expect_match "the notes" 'nodeproof.dev/break-glass-until=.*nodeproof.dev/break-glass=REASON.*nodeproof-admin' "$notes"
  expect_match "the notes" 'Agents are privileged' "$notes"
  expect_match "the notes" 'may run on nodes that it judges' "$notes"
  [[ ! $notes =~ 'Steering is off' ]]
  notes=$(notes --set agent.tpmResource=squat.ai/tpm --set steering.mode=off \
    --set-string 'webhook.nodeSelector.trusted\.node-restriction\.kubernetes\.io/nodeproof-webhook=true')
  expect_match "the notes" 'Steering is off' "$notes"
  [[ ! $notes =~ 'Agents are privileged' && ! $notes =~ 'may run on nodes' ]]
}
