{{- define "workloadidapp2.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* The name of everything: release-chart, or the release alone when it holds the chart's name. */}}
{{- define "workloadidapp2.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "workloadidapp2.selectorLabels" -}}
app.kubernetes.io/name: {{ include "workloadidapp2.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "workloadidapp2.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "workloadidapp2.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "workloadidapp2.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag }}{{ with .Values.image.digest }}@{{ . }}{{ end }}
{{- end }}

{{/* A name for each vault: a pod that must read another vault gets another class. */}}
{{- define "workloadidapp2.providerClass" -}}
{{- $vault := required "keyvaultName is not set: give the name of the app's Key Vault" .Values.keyvaultName -}}
{{- printf "azure-%s-%s" (include "workloadidapp2.fullname" .) (lower $vault) | trimSuffix "-" }}
{{- end }}
