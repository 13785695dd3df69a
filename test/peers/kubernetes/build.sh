#!/bin/sh
# Builds kube-apiserver, kubectl and etcd once, from pinned Go modules, and prints the folder that holds them.
# $KUBEBUILDER_ASSETS, when set, names a folder that has them already. The first build takes minutes; tests running side by side wait for one.
set -eu

kubernetes=1.36.3
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

complete() { [ -x "$1/kube-apiserver" ] && [ -x "$1/kubectl" ] && [ -x "$1/etcd" ]; }

if [ -n "${KUBEBUILDER_ASSETS:-}" ]; then
  complete "$KUBEBUILDER_ASSETS" || { echo "KUBEBUILDER_ASSETS=$KUBEBUILDER_ASSETS lacks kube-apiserver, kubectl or etcd" >&2; exit 2; }
  echo "$KUBEBUILDER_ASSETS"
  exit
fi

cache=${XDG_CACHE_HOME:-$HOME/.cache}/virtwright
final=$cache/kubernetes-$kubernetes
if complete "$final"; then echo "$final"; exit; fi
command -v go >/dev/null || { echo 'Go 1.26 or newer is needed to build kube-apiserver and etcd (or set KUBEBUILDER_ASSETS)' >&2; exit 3; }

mkdir -p "$cache"
exec 9>"$cache/kubernetes-$kubernetes.lock"
flock 9
if complete "$final"; then echo "$final"; exit; fi

aside=$(mktemp -d "$cache/building.XXXXXX")
trap 'rm -rf "$aside"' EXIT
trap 'exit 1' HUP INT TERM
chmod 755 "$aside"
export CGO_ENABLED=0 GOFLAGS=-mod=readonly GOWORK=off
(cd "$here/etcd" && go build -trimpath -ldflags '-s -w' -o "$aside/" .) >&2
(cd "$here/kubernetes" && go build -trimpath -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=v$kubernetes" -o "$aside/" \
  k8s.io/kubernetes/cmd/kube-apiserver k8s.io/kubernetes/cmd/kubectl) >&2
rm -rf "$final"
mv "$aside" "$final"
trap - EXIT
echo "$final"
