{{- /* Of these hosts, what lets the agent in and what guests are told: made by the controller, and nothing beside. */}}
{{- define "virtwright.secretsRole" -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "virtwright.labels" .root | nindent 4 }}
rules:
  - apiGroups: [""]
    resources: [secrets]
    resourceNames:
      {{- range .hypervisors }}
      - virtwright-host-{{ . }}
      - virtwright-guests-{{ . }}
      {{- end }}
    verbs: [list, watch]
---
{{ include "virtwright.binding" (dict "root" .root "kind" "RoleBinding" "name" .name "role" (dict "kind" "Role" "name" .name) "account" .account) }}
{{- end }}

{{- /* What every agent may do, on these hosts, and to read what is for them. */}}
{{- define "virtwright.agentAccount" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "virtwright.labels" .root | nindent 4 }}
---
{{ include "virtwright.binding" (dict "root" .root "kind" "ClusterRoleBinding" "name" .name "role" (dict "kind" "ClusterRole" "name" "virtwright-agent") "account" .name) }}
---
{{ include "virtwright.binding" (dict "root" .root "kind" "RoleBinding" "name" .name "role" (dict "kind" "Role" "name" "virtwright-agent") "account" .name) }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {{ .name }}
  labels:
    {{- include "virtwright.labels" .root | nindent 4 }}
rules:
  - apiGroups: [virtwright.io]
    resources: [hypervisors]
    resourceNames:
      {{- toYaml .hypervisors | nindent 6 }}
    verbs: [serve] # what is on these hosts it may write; no more than that, says the policy virtwright-own-hosts
---
{{ include "virtwright.binding" (dict "root" .root "kind" "ClusterRoleBinding" "name" (print .name "-hosts") "role" (dict "kind" "ClusterRole" "name" .name) "account" .name) }}
---
{{ include "virtwright.secretsRole" (dict "root" .root "name" (print .name "-secrets") "account" .name "hypervisors" .hypervisors) }}
{{- end }}

{{- define "virtwright.binding" -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ .kind }}
metadata:
  name: {{ .name }}
  {{- if eq .kind "RoleBinding" }}
  namespace: {{ .root.Release.Namespace }}
  {{- end }}
  labels:
    {{- include "virtwright.labels" .root | nindent 4 }}
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: {{ .role.kind }}, name: {{ .role.name }} }
subjects:
  - { kind: ServiceAccount, name: {{ .account }}, namespace: {{ .root.Release.Namespace }} }
{{- end }}
