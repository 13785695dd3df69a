#!/usr/bin/env bash
# Takes away what up.sh made, and nothing else: its processes by id, and on the host whatever lies in the demo's own pool.
# May be run at any time, also when the demo crashed half-way, and again.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

on_host() { virsh --quiet --connect "$host" "$@"; }

# The demo's machines are those with a file in the demo's pool, whatever their names.
remove_machines() {
  local uuid
  for uuid in $(on_host list --all --uuid); do
    [[ $(on_host dumpxml "$uuid" 2>/dev/null) == *"$pool_path/"* ]] || continue
    step "machine $(on_host domname "$uuid")"
    on_host destroy "$uuid" >/dev/null 2>&1 || true
    on_host undefine --nvram "$uuid" >/dev/null 2>&1 || true
  done
}

remove_pool() {
  local uuid volume
  for uuid in $(on_host pool-list --all --uuid); do
    [[ $(on_host pool-dumpxml "$uuid" 2>/dev/null) == *"<path>$pool_path</path>"* ]] || continue
    step "pool $(on_host pool-name "$uuid")"
    on_host pool-start "$uuid" >/dev/null 2>&1 || true
    on_host pool-refresh "$uuid" >/dev/null 2>&1 || true
    while read -r volume; do
      [[ -z $volume ]] || on_host vol-delete --pool "$uuid" "$volume" >/dev/null || true
    done < <(on_host vol-list "$uuid" | awk '{ print $1 }')
    on_host pool-destroy "$uuid" >/dev/null 2>&1 || true
    on_host pool-delete "$uuid" >/dev/null 2>&1 || true
    on_host pool-undefine "$uuid" >/dev/null
  done
  rmdir "$(dirname "$pool_path")" 2>/dev/null || true
}

# A libvirtd that the demo started may have become somebody's: with machines on it, it stays, and is remembered for the next time.
stop_libvirt() {
  local others
  others=$(on_host list --name | xargs)
  if remembered libvirtd >/dev/null && [[ -n $others ]]; then
    step "libvirtd stays, as other machines run: $others; stop them and run this again"
    find "$state" -mindepth 1 ! -name libvirtd.pid ! -name virtlogd.pid -delete
    exit
  fi
  stop_remembered libvirtd
  stop_remembered virtlogd
}

if [[ ! -d $state ]]; then
  step 'there is no demo to take away'
  exit
fi
# The operator goes first: it would bring the machine back.
step 'stopping the operator and the API server'
stop_remembered keeper
ensure_libvirt
remove_machines
remove_pool
stop_libvirt
rm -rf "$state"
