#!/bin/sh
# Builds kube-apiserver, kubectl and etcd once, from pinned Go modules, and prints the folder that holds them.
# $KUBEBUILDER_ASSETS, when set, names a folder that has them already. The first build takes minutes.
set -eu

kubernetes=1.36.3
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
. "$here/../cached.sh"

programs='kube-apiserver kubectl etcd'
if [ -n "${KUBEBUILDER_ASSETS:-}" ]; then
  final=$KUBEBUILDER_ASSETS
  has_all || { echo "KUBEBUILDER_ASSETS=$KUBEBUILDER_ASSETS lacks one of $programs" >&2; exit 2; }
  echo "$final"
  exit
fi

cached "kubernetes-$kubernetes" "$programs"
(cd "$here/etcd" && go build -trimpath -ldflags '-s -w' -o "$aside/" .) >&2
(cd "$here/kubernetes" && go build -trimpath -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=v$kubernetes" -o "$aside/" \
  k8s.io/kubernetes/cmd/kube-apiserver k8s.io/kubernetes/cmd/kubectl) >&2
keep
