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

{{- define "nodeproof.podSecurityContext" -}}
runAsNonRoot: true
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "nodeproof.clientConfig" -}}
caBundle: {{ required "webhook.clientConfig.caBundle is required: the base64 PEM of the CA that signed the webhook's serving certificate" .Values.webhook.clientConfig.caBundle }}
{{- with .Values.webhook.clientConfig.url }}
url: {{ . }}
{{- else }}
service: {name: nodeproof-webhook, namespace: {{ .Release.Namespace }}, port: 443, path: /admit}
{{- end }}
{{- end }}
