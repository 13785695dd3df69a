#!/bin/sh
# Writes manifests/install.yaml: what the chart gives, for kubectl. The kinds are beside it, in crds/.
# First the chart's copies of the rights: links are dropped by what packs folders, as Flux does. Copies of the kinds are made by crds/generate.ts.
set -eu
top=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cp "$top/manifests/rbac.yaml" "$top/manifests/own-hosts.yaml" "$top/charts/virtwright/files/"
helm=$("$top/test/peers/helm/build.sh")/helm
new=$(mktemp)
trap 'rm -f "$new"' EXIT
{
  cat <<'END'
# Made by charts/render.sh of charts/virtwright: change that, and run it again.
apiVersion: v1
kind: Namespace
metadata:
  name: virtwright-system
  labels: { pod-security.kubernetes.io/enforce: restricted }
END
  HOME=$(dirname "$new") "$helm" template virtwright "$top/charts/virtwright" --namespace virtwright-system --set crds.install=false
} >"$new"
cat "$new" >"$top/manifests/install.yaml"
