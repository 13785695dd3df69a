#!/usr/bin/env bash
# Records, with `make demo` up, what the README shows: a machine applied, destroyed behind our back, and back again. What is typed and what is answered goes to
# README.md as it comes. Needs kubectl.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$top"
export KUBECONFIG=$state/data/kubeconfig LIBVIRT_DEFAULT_URI=$host

made=$(mktemp)
trap 'rm -f "$made"' EXIT
exec >"$made"

type_in() { printf '$ %s\n' "$1"; eval "$1" 2>&1 | sed '/^$/d'; }
until_so() { local tries; for ((tries = 0; tries < 600; tries++)); do eval "$1" && return; sleep 0.2; done; die "still not so: $1"; }
id_on_host() { on_host domid default.hello 2>/dev/null; }

kubectl delete virtualmachine hello --ignore-not-found >/dev/null
type_in 'kubectl apply --server-side -f manifests/demo/machine.yaml'
type_in 'kubectl wait vm/hello --for=condition=Ready --timeout=2m'
until_so '[[ -n $(kubectl get virtualmachine hello -o jsonpath="{.status.interfaces[0].addresses[0].ip}") ]]'
type_in "kubectl get vm hello -o custom-columns='STATUS:.status.printableStatus,ADDRESS:.status.interfaces[0].addresses[0].ip'"
type_in 'virsh list'
before=$(id_on_host)
type_in 'virsh destroy default.hello'
until_so '[[ $(id_on_host) != "$before" && $(on_host domstate default.hello) == running ]]'
type_in 'virsh list'
type_in "kubectl get events --field-selector involvedObject.name=hello -o custom-columns='REASON:.reason,MESSAGE:.message' | grep Cut"

awk -v made="$made" '
  /^<!-- The end of the recording/ { inside = 0 }
  !inside { print }
  /^<!-- The recording/ { inside = 1; print "```console"; while ((getline line < made) > 0) print line; print "```" }
' README.md >"$made.new"
cat "$made.new" >README.md
rm "$made.new"
