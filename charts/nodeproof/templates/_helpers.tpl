{{- define "nodeproof.labels" -}}
app.kubernetes.io/name: nodeproof
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- /* Selector labels of a component; immutable, so never more than these. */}}
{{- define "nodeproof.selector" -}}
app.kubernetes.io/name: nodeproof
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "nodeproof.exemptNamespaces" -}}
{{- append .Values.exemptNamespaces .Release.Namespace | uniq | toJson -}}
{{- end }}

{{- /* These two are what the Pod Security Standard `restricted` asks for, and a root file system that nobody writes. */}}
{{- define "nodeproof.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "nodeproof.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- /* An extended resource is asked for by a limit, which is its request, too. */}}
{{- define "nodeproof.agentResources" -}}
{{- $resources := deepCopy .Values.agent.resources }}
{{- with .Values.agent.tpmResource }}
{{- $_ := set $resources "limits" (set (default dict $resources.limits) . 1) }}
{{- end }}
{{- toYaml $resources }}
{{- end }}

{{- /* How the API server reaches the webhook; .path: /admit or /mutate. */}}
{{- define "nodeproof.clientConfig" -}}
{{- $caBundle := .root.Values.webhook.clientConfig.caBundle -}}
{{- if .root.Values.webhook.clientConfig.url -}}
url: {{ printf "%s%s" (trimSuffix "/admit" .root.Values.webhook.clientConfig.url) .path }}
{{- else -}}
service: {name: nodeproof-webhook, namespace: {{ .root.Release.Namespace }}, port: 443, path: {{ .path }}}
{{- end }}
{{- if eq .root.Values.webhook.certificate.mode "secret" }}
caBundle: {{ required "webhook.clientConfig.caBundle is required with webhook.certificate.mode secret: the base64 PEM of the CA that signed the webhook's serving certificate" $caBundle }}
{{- else if $caBundle }}
{{- fail "webhook.clientConfig.caBundle counts with webhook.certificate.mode secret only: in other modes the caBundle is written by who makes the certificate" }}
{{- end }}
{{- end }}

{{- /* What the webhook configurations say of themselves: nothing, or for cert-manager where the CA is. */}}
{{- define "nodeproof.caInjection" -}}
{{- if eq .Values.webhook.certificate.mode "certManager" -}}
annotations: {cert-manager.io/inject-ca-from: {{ .Release.Namespace }}/nodeproof-webhook}
{{- end }}
{{- end }}

{{- /* Who may renew the caBundles of the webhook configurations, and change nothing else of them. */}}
{{- define "nodeproof.caBundleWriter" -}}
{{- if eq .Values.webhook.certificate.mode "certManager" -}}
{{ .Values.webhook.certificate.certManager.injector }}
{{- else -}}
{{ include "nodeproof.webhookAccount" . }}
{{- end }}
{{- end }}

{{- /* Who gives sensitive pods their nodeSelector: policy (the API server), webhook, or off. */}}
{{- define "nodeproof.steeringMode" -}}
{{- $mode := .Values.steering.mode -}}
{{- if eq $mode "auto" -}}
{{- ternary "policy" "webhook" (.Capabilities.APIVersions.Has "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy") -}}
{{- else -}}
{{- $mode -}}
{{- end -}}
{{- end }}

{{- /* The account of all webhook replicas; what only the leader writes is written by it. */}}
{{- define "nodeproof.webhookAccount" -}}
system:serviceaccount:{{ .Release.Namespace }}:nodeproof-webhook
{{- end }}

{{- /* Puts a ValidatingAdmissionPolicy in force, everywhere that its own constraints match. */}}
{{- define "nodeproof.admissionPolicyBinding" -}}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: {{ .name }}
  labels: {{- include "nodeproof.labels" .root | nindent 4 }}
spec:
  policyName: {{ .name }}
  validationActions: [Deny]
{{- end }}

{{- /* CEL: a kubelet tells of a static pod that it runs already. The annotation alone exempts nobody. */}}
{{- define "nodeproof.isMirrorPod" -}}
'kubernetes.io/config.mirror' in object.metadata.?annotations.orValue({}) && has(object.spec.nodeName) &&
request.userInfo.username == 'system:node:' + object.spec.nodeName && 'system:nodes' in request.userInfo.groups
{{- end }}

{{- /* CEL: what looks like a marker and is none, on the object that is named. */}}
{{- define "nodeproof.hasMarkerLookalike" -}}
{{ . }}.metadata.?labels.orValue({}).exists(k, k.startsWith('nodeproof.dev/')) ||
{{- " " }}{{ . }}.metadata.?annotations.orValue({}).exists(k, k.lowerAscii().startsWith('nodeproof.dev/') && !k.startsWith('nodeproof.dev/'))
{{- end }}

{{- /* Namespaces in which sensitive pods are gated. By name first, which the API server writes itself: free
       labels could be forged by a namespace's editor. Break-glass takes a namespace out while it lasts. */}}
{{- define "nodeproof.gatedNamespaces" -}}
matchExpressions:
  - {key: kubernetes.io/metadata.name, operator: NotIn, values: {{ include "nodeproof.exemptNamespaces" .root }}}
  - {key: nodeproof.dev/enforce, operator: In, values: {{ toJson .enforce }}}
  - {key: nodeproof.dev/break-glass, operator: DoesNotExist}
{{- end }}

{{- /* Fails where the kinds of the Prometheus operator are missing: the API server would refuse the release. */}}
{{- define "nodeproof.requireOperator" -}}
{{- if not (or .Values.monitoring.assumeCrds (.Capabilities.APIVersions.Has "monitoring.coreos.com/v1")) }}
{{- fail "monitoring: this API server has no monitoring.coreos.com/v1 (Prometheus operator); install it first, or set monitoring.assumeCrds" }}
{{- end }}
{{- end }}

{{- /* The admission policies and bindings of these templates as the webhook reads them, to notice when they change: no
       admission policy applies to admission policies. */}}
{{- define "nodeproof.admissionPolicies" -}}
{{- $out := list -}}
{{- range $file := list "admission-bindings" "admission-break-glass" "admission-installation" "admission-leader-objects" "admission-markers" "admission-namespaces" "admission-nodes" "admission-tpm" "agent-admission-policy" "steering" -}}
{{- range splitList "\n---\n" (include (printf "%s/%s.yaml" $.Template.BasePath $file) $) -}}
{{- $object := fromYaml . -}}
{{- with $object.kind }}{{ $out = append $out (dict "kind" . "name" $object.metadata.name "spec" $object.spec) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- toJson $out -}}
{{- end }}
