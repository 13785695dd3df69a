#!/bin/sh
# Builds vcsim, govmomi's simulator of ESX and vCenter, once, from pinned Go modules, and prints the folder that holds it.
# Another main.go, other modules, or another way to build are another build.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
sum=$(cd "$here/vcsim" && cat main.go go.mod go.sum ../build.sh | sha256sum | cut -c 1-12)
. "$here/../cached.sh"
cached "vcsim-$sum" vcsim
cd "$here/vcsim"

# The simulator dies of a file that goes while a folder is listed: it uses what is said of one without asking whether it was said.
# Modules are not to be changed where Go keeps them.
cp -r "$(go list -m -f '{{.Dir}}' github.com/vmware/govmomi)" "$aside/govmomi"
chmod -R u+w "$aside/govmomi"
browser=$aside/govmomi/simulator/host_datastore_browser.go
sed -i.bak 's/info, _ := file.Info()/info, err := file.Info(); if err != nil { continue }/' "$browser"
! cmp -s "$browser.bak" "$browser" || { echo 'govmomi: what is to be mended is not there any more' >&2; exit 1; }
cp go.mod "$aside/mended.mod"
cp go.sum "$aside/mended.sum"
go mod edit -replace "github.com/vmware/govmomi=$aside/govmomi" "$aside/mended.mod"

go build -modfile "$aside/mended.mod" -trimpath -ldflags '-s -w' -o "$aside/" . >&2
rm -r "$aside/govmomi" "$aside/mended.mod" "$aside/mended.sum"
keep
