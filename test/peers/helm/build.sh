#!/bin/sh
# Builds helm once, from pinned Go modules, and prints the folder that holds it.
set -eu

helm=4.3.1
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
. "$here/../cached.sh"
cached "helm-$helm" helm
version=helm.sh/helm/v4/internal/version.version
(cd "$here/helm" && go build -trimpath -ldflags "-s -w -X $version=v$helm" -o "$aside/" helm.sh/helm/v4/cmd/helm) >&2
keep
