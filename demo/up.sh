#!/usr/bin/env bash
# Brings up, on a host that prepare.sh has seen to: an API server and the operator in a process that stays, and a machine. Ends when the machine is
# Ready, its address is known and its guest has said hello on its console. Running it again carries on from whatever is there.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

make_guest() {
  [[ ! -e $state/guest/initrd ]] || return 0
  step "making the machine's system from this distribution's kernel and busybox"
  "$top/demo/guest.sh" "$state/guest" 2>"$state/guest.log" || die "the guest could not be made: $(tail -n 2 "$state/guest.log")" 'Is there a network?'
}

# What was in memory went with its process: the objects that speak of it go, too.
begin_in_memory() {
  step 'The hypervisor is one in memory: no machine runs, and nothing on this host is touched. All else is as it would be.'
  remembered standalone >/dev/null || rm -rf "$state/data"
  mkdir -p "$state/guest"
  for each in vmlinuz initrd; do echo 'nobody boots this' >"$state/guest/$each"; done
}

tell() {
  echo
  node "$top/dist/controllers/main.js" get virtualmachines,storagevolumes,virtualnetworks,hypervisors --kubeconfig "$state/data/kubeconfig"
  cat <<TEXT

All of it stays up; \`make demo-down\` takes it away. To try:

  export KUBECONFIG=$state/data/kubeconfig
  alias virtwright='node $top/dist/controllers/main.js'
  virtwright get vm -o wide                        # as kubectl, where it is at hand
  virtwright console hello                         # Ctrl-] leaves
TEXT
  [[ $driver == fake ]] || echo "  virsh --connect $host destroy default.hello      # and see the machine come back"
}

# One host has one demo. Of whom the pool is, nobody can tell from it.
refuse_second() {
  [[ $driver == libvirt && ! -d $state ]] || return 0
  [[ -z $(demo_pools) ]] || die "there is a demo on this host already, of somebody else, or whose $state was lost" 'To take it away: make demo-down FORCE=yes'
}

driver=${DRIVER:-libvirt} image=${IMAGE:-}
[[ -z $image || $image == http*://* ]] || image=$(realpath -m "$image")
asked="DRIVER=$driver${image:+ IMAGE=$image}"
refuse_second
mkdir -p "$state"
chmod 700 "$state"
earlier=$(cat "$state/asked" 2>/dev/null) || earlier=$asked
[[ $earlier == "$asked" ]] || die "there is a demo with $earlier, and this is $asked" 'Take that one away first: make demo-down'
echo "$asked" >"$state/asked"
if [[ $driver == fake ]]; then uri=fake:///demo && begin_in_memory; else uri=$host; fi
[[ $driver == fake || -n $image ]] || make_guest
TMPDIR=$state node "$top/dist/demo/up.js" "$state" "$uri" ${image:+"$image"}
tell
