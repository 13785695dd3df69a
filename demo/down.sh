#!/usr/bin/env bash
# Takes away what the demo made, and nothing else: its processes by id, and on the host the machines that carry its mark, its network and its pool.
# May be run at any time, also when the demo crashed half-way, and again.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

remove_machines() {
  local uuid
  for uuid in $(on_host list --all --uuid); do
    [[ $(on_host metadata "$uuid" https://virtwright.io/xmlns/libvirt/1 2>/dev/null) == *"cluster=\"$cluster\""* ]] || continue
    step "machine $(on_host domname "$uuid")"
    on_host destroy "$uuid" >/dev/null 2>&1 || true
    on_host undefine --nvram "$uuid" >/dev/null
  done
}

remove_network() {
  local name
  for name in $(on_host net-list --all --name); do
    [[ $name == "$network" ]] || continue
    step "network $name"
    on_host net-destroy "$name" >/dev/null 2>&1 || true
    on_host net-undefine "$name" >/dev/null
  done
}

remove_pool() {
  local uuid volume
  for uuid in $(demo_pools); do
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
}

# A libvirtd that the demo started may have become somebody's: with machines on it, it stays, and is remembered for the next time.
stop_libvirt() {
  local others
  remembered libvirtd >/dev/null || return 0
  others=$(on_host list --name | xargs)
  if [[ -n $others ]]; then
    step "libvirtd stays, as other machines run: $others; stop them and run this again"
    find "$state" -mindepth 1 ! -name libvirtd.pid ! -name virtlogd.pid ! -name packages -delete
    exit
  fi
  step 'stopping the libvirtd that the demo started'
  stop_remembered libvirtd
  stop_remembered virtlogd
}

tell_packages() {
  local package left=()
  for package in $(sort -u "$state/packages" 2>/dev/null); do ! is_installed "$package" || left+=("$package"); done
  [[ ${#left[@]} -gt 0 ]] || return 0
  step "left installed: ${left[*]}"
  step "  to be rid of them, too: apt-get purge --auto-remove ${left[*]}"
}

driver=libvirt
! grep -qs '^DRIVER=fake' "$state/asked" || driver=fake
if [[ ! -d $state && ${FORCE:-} != yes ]]; then
  step 'there is no demo to take away'
  ! host_answers || [[ -z $(demo_pools) ]] || step "but one of somebody else, or whose $state was lost: make demo-down FORCE=yes takes that one"
  exit
fi
# The operator goes first: it would bring the machine back.
if remembered standalone >/dev/null; then step 'stopping the API server and the operator'; fi
stop_remembered standalone
if [[ $driver == libvirt && -d $state/data ]]; then ensure_libvirt; fi
if [[ $driver == libvirt ]] && host_answers; then
  remove_machines
  remove_network
  remove_pool
  stop_libvirt
fi
tell_packages
rm -rf "$state"
rmdir "$(dirname "$state")" 2>/dev/null || true
