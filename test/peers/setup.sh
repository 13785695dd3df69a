#!/usr/bin/env bash
# Installs what the tests need beside Node: once, with apt, and without starting any service. Quick and silent when nothing is missing.
# Then builds the guest and, with Go at hand, the Kubernetes API server, the simulator of vSphere, Helm and what judges objects as GitOps tools do, so that no test has to wait for them.
# Under CI=true whatever is missing in the end is a failure; elsewhere it is a warning, and the tests that need it are skipped.
set -euo pipefail

packages=(
  libvirt-daemon-system libvirt-daemon-driver-qemu libvirt-daemon-driver-lxc libvirt-clients qemu-system-x86 ovmf swtpm swtpm-tools ipxe-qemu qemu-utils python3-libvirt # hosts, and a second opinion about them
  busybox-static cpio gzip xz-utils qemu-guest-agent grub-common grub-pc-bin e2fsprogs # the guest
  mmdebstrap kmod # the host of stores, the host with Xen
  libxml2-utils # libvirt's own schemas say whether we write what it reads
  genisoimage # a second opinion about CD-ROM images
  dnsmasq-base iproute2 iptables openvswitch-switch # networks
  meson ninja-build gcc libc6-dev pkg-config dpkg-dev libglib2.0-dev libgnutls28-dev libtirpc-dev libxml2-dev rpcsvc-proto python3-docutils xsltproc # split daemons
  openssl # certificates for TLS
  openssh-server netcat-openbsd sasl2-bin libsasl2-modules # ways to far hosts
  prometheus # names of metrics, alerts, queries
  virtinst # machines as others make them
  python3-pyvmomi # a second opinion about vSphere
  python3-winrm wsl # second opinions about WS-Management
  krb5-kdc krb5-admin-server krb5-user libkrb5-dev # tickets, and what the optional package "kerberos" is built with
  samba samba-common-bin samba-vfs-modules smbclient # shares of Windows, and a second opinion about them
)

give_up_or_warn() {
  echo "setup: $*" >&2
  [[ ${CI:-} == true ]] && exit 1
  return 0
}

missing_packages() {
  local package
  for package in "${packages[@]}"; do
    [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || echo "$package"
  done
}

as_root() { if [[ $EUID -eq 0 ]]; then "$@"; else sudo -n "$@"; fi; }

# Debian starts a daemon as soon as it is installed, unless this file says no. An administrator's own file is left alone.
forbid_services() {
  guard=/usr/sbin/policy-rc.d
  [[ -e $guard ]] && return
  trap 'as_root rm -f "$guard"' EXIT
  printf '#!/bin/sh\nexit 101\n' | as_root tee "$guard" >/dev/null
  as_root chmod 755 "$guard"
}

apt_install() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends "$@"
}

install_packages() { # in a subshell: the guard goes with it
  local log
  log=$(mktemp)
  forbid_services
  # Package lists may be absent or old: then, and only then, they are fetched.
  if ! { apt_install "$@" || { as_root apt-get update --quiet && apt_install "$@"; }; } >"$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log"
    return 1
  fi
  rm -f "$log"
}

install_missing() {
  local missing
  command -v dpkg-query >/dev/null || { give_up_or_warn "not a Debian: please install the like of ${packages[*]}"; return; }
  mapfile -t missing < <(missing_packages)
  [[ ${#missing[@]} -eq 0 ]] && return
  echo "setup: installing ${missing[*]}"
  (install_packages "${missing[@]}") || give_up_or_warn "could not install them; try: apt-get install ${missing[*]}"
}

# Each of these prints the folder it built, and nothing changes when it is there.
build_once() {
  [[ -x $1 ]] || return 0
  "$1" >/dev/null || give_up_or_warn "$1 failed"
}

build_each() {
  local peer
  for peer in "$@"; do build_once "./$peer/build.sh"; done
}

# What Go builds, and what becomes of Debian's packages, side by side: the one computes while the other fetches.
build_peers() {
  local status=0
  build_each kubernetes vsphere helm gitops &
  (build_each guest split definitions stores xen) || status=$?
  wait $! || status=$?
  return "$status"
}

cd "$(dirname "${BASH_SOURCE[0]}")"
case ${1:-all} in
  packages) install_missing ;;
  peers) build_peers ;;
  all) install_missing && build_peers ;;
  *) echo "usage: $0 [packages|peers]" >&2; exit 2 ;;
esac
