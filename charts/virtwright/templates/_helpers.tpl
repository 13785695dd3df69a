{{- define "virtwright.image" -}}
{{- with .Values.image }}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{- define "virtwright.labels" -}}
app.kubernetes.io/name: virtwright
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end }}

{{- /* What restricted Pod Security asks of a pod, and a little more. */}}
{{- define "virtwright.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "virtwright.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{- /* Ready is who knows the cluster; healthy is whose passes come to an end. */}}
{{- define "virtwright.probes" -}}
startupProbe:
  httpGet: { path: /healthz, port: metrics }
  failureThreshold: 60
  periodSeconds: 2
readinessProbe:
  httpGet: { path: /readyz, port: metrics }
  periodSeconds: 10
livenessProbe:
  httpGet: { path: /healthz, port: metrics }
  periodSeconds: 30
  timeoutSeconds: 5
{{- end }}

{{- /* One container: `command`, and its `args` before those that all have. */}}
{{- define "virtwright.container" -}}
- name: {{ .command }}
  image: {{ include "virtwright.image" .root | quote }}
  imagePullPolicy: {{ .root.Values.image.pullPolicy }}
  args:
    - {{ .command }}
    {{- range .args }}
    - {{ . | quote }}
    {{- end }}
    - --namespace=$(POD_NAMESPACE)
    - --identity=$(POD_NAME)
    - --listen=0.0.0.0:{{ .root.Values.metrics.port }}
    {{- $sessions := .root.Values.sessions }}
    {{- $serves := and (eq .command "agent") (ne $sessions.at "Off") }}
    {{- if $serves }}
    - --sessions=0.0.0.0:{{ $sessions.port }}
    - --sessions-address=$(SESSIONS_IP):{{ $sessions.port }}
    {{- end }}
  env:
    - { name: POD_NAME, valueFrom: { fieldRef: { fieldPath: metadata.name } } }
    - { name: POD_NAMESPACE, valueFrom: { fieldRef: { fieldPath: metadata.namespace } } }
    {{- if .onNode }}
    - { name: NODE_NAME, valueFrom: { fieldRef: { fieldPath: spec.nodeName } } }
    {{- end }}
    {{- if $serves }}
    - { name: SESSIONS_IP, valueFrom: { fieldRef: { fieldPath: {{ ternary "status.hostIP" "status.podIP" (eq $sessions.at "Node") }} } } }
    {{- end }}
  ports:
    - { name: metrics, containerPort: {{ .root.Values.metrics.port }} }
    {{- if $serves }}
    - { name: sessions, containerPort: {{ $sessions.port }}{{ if eq $sessions.at "Node" }}, hostPort: {{ $sessions.port }}{{ end }} }
    {{- end }}
    {{- if and (eq .command "controller") .root.Values.webhook.enabled }}
    - { name: webhook, containerPort: {{ .root.Values.webhook.port }} }
    {{- end }}
  securityContext:
    {{- include "virtwright.containerSecurity" . | nindent 4 }}
  {{- include "virtwright.probes" .root | nindent 2 }}
  resources:
    {{- toYaml .resources | nindent 4 }}
{{- end }}
