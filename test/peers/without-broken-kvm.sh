#!/usr/bin/env bash
# Runs a command (a libvirtd), with /dev/kvm hidden from it when the user that QEMU runs as cannot open it, as in many containers.
# libvirt's probe of QEMU may open /dev/kvm nonetheless, its check of the cached answer may not: it then throws the answer away and probes
# again, several times for each machine defined, four seconds each. Hidden, /dev/kvm is absent for both, and machines are emulated.
set -euo pipefail

qemu_user=${QEMU_USER:-libvirt-qemu}

can_open_kvm() { setpriv --reuid "$qemu_user" --regid kvm --init-groups test -r /dev/kvm -a -w /dev/kvm; }

# A whole /dev of its own, as libvirt cannot carry a mount upon a single device into the private /dev that it gives each machine.
replace_dev() {
  local new entry
  new=$(mktemp --directory)
  mount -t tmpfs -o mode=755,nosuid dev "$new"
  for entry in /dev/*; do
    case $entry in
      /dev/kvm) ;;
      *) if [[ -d $entry && ! -L $entry ]]; then mkdir "$new/${entry#/dev/}"; mount --rbind "$entry" "$new/${entry#/dev/}"; else cp --archive "$entry" "$new/"; fi ;;
    esac
  done
  mount --move "$new" /dev
  rmdir "$new"
}

if [[ ${1:-} == --in-private-mounts ]]; then
  shift
  replace_dev
  exec "$@"
fi
if [[ $EUID -ne 0 || ! -c /dev/kvm ]] || can_open_kvm; then exec "$@"; fi
exec unshare --mount --propagation private "$0" --in-private-mounts "$@"
