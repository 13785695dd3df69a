#!/usr/bin/env bash
# Brings up, on this host: libvirt if it does not run, an API server of its own, the operator, and a machine. Ends when the machine's guest
# has said hello on its console; all of it stays. Running it again carries on from whatever is there. down.sh takes it away.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

wait_for_keeper() {
  local tries
  for ((tries = 0; tries < 600; tries++)); do
    [[ -s $state/kubeconfig ]] && return
    remembered keeper >/dev/null || die "the demo's server ended: $(tail -n 5 "$state/keeper.log")"
    sleep 0.1
  done
  die "the API server did not come up; see $state/keeper.log"
}

start_keeper() {
  remembered keeper >/dev/null && return
  rm -f "$state/kubeconfig"
  TMPDIR=$state setsid node "$top/dist/test/peers/demo/keeper.js" "$state" "$guest" "$port" \
    "${virtwright[1]}" operator --hypervisor here --cluster-name demo --listen "127.0.0.1:$((port + 1))" </dev/null >"$state/keeper.log" 2>&1 &
  remember keeper $!
}

kube() { "$assets/kubectl" --kubeconfig "$state/kubeconfig" "$@"; }

apply() {
  local crds=("$top"/crds/*.yaml) said
  said=$(kube apply --server-side "${crds[@]/#/--filename=}" 2>&1) || die "$said"
  said=$(kube wait --for=condition=Established --timeout=60s "${crds[@]/#/--filename=}" 2>&1) || die "$said"
  said=$(kube apply --server-side --filename="$demo" 2>&1) || die "$said"
}

why_not_ready() { kube get virtualmachine hello --output=jsonpath='{range .status.conditions[*]}{.type}={.status} {.reason}: {.message}{"\n"}{end}'; }

follow() { # shows each new printableStatus until the machine is Ready
  local seen='' now ready tries
  for ((tries = 0; tries < 300; tries++)); do
    IFS='|' read -r now ready < <(kube get virtualmachine hello \
      --output=jsonpath='{.status.printableStatus}|{.status.conditions[?(@.type=="Ready")].status}{"\n"}' 2>/dev/null) || true
    [[ -n $now && $now != "$seen" ]] && step "machine hello: $now" && seen=$now
    [[ $ready == True ]] && return
    sleep 1
  done
  die "machine hello is not ready after 5 minutes:"$'\n'"$(why_not_ready)"$'\n'"see also $state/operator.log"
}

# The banner may be older than our console, so Enter is pressed until the guest answers with it.
hear_banner() {
  local heard=$state/console.log
  coproc CONSOLE { exec "${virtwright[@]}" console hello --namespace default --kubeconfig "$state/kubeconfig" 2>>"$heard.err" >"$heard"; }
  local console=$CONSOLE_PID keyboard=${CONSOLE[1]} tries
  trap '' PIPE # a console that ended is found out below
  for ((tries = 0; tries < 60; tries++)); do
    if grep -a -m 1 'virtwright guest ready: hello' "$heard" 2>/dev/null | tr -d '\r'; then break; fi
    kill -0 "$console" 2>/dev/null || break
    { echo >&"$keyboard"; } 2>/dev/null || true
    sleep 1
  done
  kill "$console" 2>/dev/null || true
  grep -qa 'virtwright guest ready: hello' "$heard" || die "nothing was heard on the console of hello: $(tail -n 3 "$heard.err")"
}

tell() {
  cat <<TEXT

The machine runs on libvirt, with objects that stay true. All of it stays up; \`make demo-down\` takes it away. To try:

  export KUBECONFIG=$state/kubeconfig
  kubectl get virtualmachines,storagevolumes,hypervisors
  virsh --connect $host list
  virsh --connect $host destroy default.hello      # and see the machine come back
  node ${virtwright[1]#"$PWD"/} console hello --namespace default
TEXT
  command -v kubectl >/dev/null || printf '\n(kubectl is at %s/kubectl)\n' "$assets"
}

# Without its API server a demo has lost its objects and cannot carry on: its rest is taken away first.
if [[ -d $state ]] && ! remembered keeper >/dev/null; then
  step 'taking away what is left of an earlier demo'
  "$demo/down.sh" >/dev/null
fi
mkdir -p "$state"
chmod 700 "$state"
step 'finding the guest and the API server (the first time, they are built: minutes)'
guest=$("$top/test/peers/guest/build.sh")
assets=$("$top/test/peers/kubernetes/build.sh")
ensure_libvirt
step 'starting the API server and the operator'
start_keeper
wait_for_keeper
step 'applying crds/ and manifests/demo/'
apply
follow
banner=$(hear_banner)
step "on its console: $banner"
tell
