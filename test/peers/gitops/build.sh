#!/bin/sh
# Builds judge, which says what GitOps tools think of an object, once, from pinned Go modules, and prints the folder that holds it.
# Another main.go, or other modules, are another build.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
sum=$(cd "$here/judge" && cat main.go go.mod go.sum | sha256sum | cut -c 1-12)
. "$here/../cached.sh"
cached "judge-$sum" judge
(cd "$here/judge" && go build -trimpath -ldflags '-s -w' -o "$aside/" .) >&2
keep
