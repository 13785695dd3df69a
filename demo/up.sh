#!/usr/bin/env bash
# Brings up, on a host that prepare.sh has seen to: an API server and the operator in a process that stays, and a machine. Ends when the machine is
# Ready, its address is known and its guest has said hello on its console. Running it again carries on from whatever is there.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

tell() {
  cat <<TEXT

All of it stays up; \`make demo-down\` takes it away. To try:

  export KUBECONFIG=$state/data/kubeconfig
  kubectl get virtualmachines,storagevolumes,virtualnetworks,hypervisors
  virsh --connect $host destroy default.hello      # and see the machine come back
  node dist/controllers/main.js console hello --namespace default
TEXT
}

mkdir -p "$state"
chmod 700 "$state"
if [[ ! -e $state/guest/initrd ]]; then
  step "making the machine's system from this distribution's kernel and busybox"
  "$top/demo/guest.sh" "$state/guest" 2>"$state/guest.log" || die "the guest could not be made: $(tail -n 2 "$state/guest.log")" 'Is there a network?'
fi
TMPDIR=$state node "$top/dist/demo/up.js" "$state"
tell
