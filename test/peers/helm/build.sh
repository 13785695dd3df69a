#!/bin/sh
# Builds helm once, from pinned Go modules, and prints the folder that holds it. Tests running side by side wait for one build.
set -eu

helm=4.3.1
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/virtwright
final=$cache/helm-$helm

if [ -x "$final/helm" ]; then echo "$final"; exit; fi
command -v go >/dev/null || { echo 'Go 1.26 or newer is needed to build helm' >&2; exit 3; }

mkdir -p "$cache"
exec 9>"$cache/helm-$helm.lock"
flock 9
if [ -x "$final/helm" ]; then echo "$final"; exit; fi

aside=$(mktemp -d "$cache/building.XXXXXX")
trap 'rm -rf "$aside"' EXIT
trap 'exit 1' HUP INT TERM
chmod 755 "$aside"
export CGO_ENABLED=0 GOFLAGS=-mod=readonly GOWORK=off
version=helm.sh/helm/v4/internal/version.version
(cd "$here/helm" && go build -trimpath -ldflags "-s -w -X $version=v$helm" -o "$aside/" helm.sh/helm/v4/cmd/helm) >&2
rm -rf "$final"
mv "$aside" "$final"
trap - EXIT
echo "$final"
