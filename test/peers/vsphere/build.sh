#!/bin/sh
# Builds vcsim, govmomi's simulator of ESX and vCenter, once, from pinned Go modules, and prints the folder that holds it.
# Tests running side by side wait for one build. Another main.go, or other modules, are another build.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
sum=$(cd "$here/vcsim" && cat main.go go.mod go.sum | sha256sum | cut -c 1-12)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/virtwright
final=$cache/vcsim-$sum

if [ -x "$final/vcsim" ]; then echo "$final"; exit; fi
command -v go >/dev/null || { echo 'Go 1.25 or newer is needed to build vcsim, the simulator of vSphere' >&2; exit 3; }

mkdir -p "$cache"
exec 9>"$cache/vcsim-$sum.lock"
flock 9
if [ -x "$final/vcsim" ]; then echo "$final"; exit; fi

aside=$(mktemp -d "$cache/building.XXXXXX")
trap 'rm -rf "$aside"' EXIT
trap 'exit 1' HUP INT TERM
chmod 755 "$aside"
export CGO_ENABLED=0 GOFLAGS=-mod=readonly GOWORK=off
(cd "$here/vcsim" && go build -trimpath -ldflags '-s -w' -o "$aside/" .) >&2
rm -rf "$final"
mv "$aside" "$final"
trap - EXIT
echo "$final"
