#!/bin/sh
# Builds vcsim, govmomi's simulator of ESX and vCenter, once, from pinned Go modules, and prints the folder that holds it.
# Another main.go, or other modules, are another build.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
sum=$(cd "$here/vcsim" && cat main.go go.mod go.sum | sha256sum | cut -c 1-12)
. "$here/../cached.sh"
cached "vcsim-$sum" vcsim
(cd "$here/vcsim" && go build -trimpath -ldflags '-s -w' -o "$aside/" .) >&2
keep
