#!/usr/bin/env bash
# Sees to it that this host can run the demo, before anything is built: says what is missing and why, installs it as root, starts libvirt.
# A libvirt that answers is used as it is, and nothing is installed then. DRIVER=fake needs nothing but Node.
#   prepare.sh say    what will be done, or why nothing can; changes nothing
#   prepare.sh do     does it
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

packages=(
  libvirt-daemon-system libvirt-daemon-driver-qemu libvirt-clients # the hypervisor's management, and its own client
  qemu-system-x86 qemu-utils # the hypervisor
  dnsmasq-base iptables iproute2 # addresses for machines
)

check_node() {
  command -v node >/dev/null && command -v npm >/dev/null || die 'Node 20.20 or newer is needed, with npm: see https://nodejs.org/en/download'
  node -e 'const [major, minor] = process.versions.node.split(".").map(Number); process.exit(major > 20 || (major === 20 && minor >= 20) ? 0 : 1)' ||
    die "Node $(node --version) is too old, 20.20 or newer is needed: see https://nodejs.org/en/download"
}

check_host() {
  [[ $(uname -s)/$(uname -m) == Linux/x86_64 ]] ||
    die "this is $(uname -s) on $(uname -m); the demo's machine needs Linux on x86_64" 'Try a hypervisor in memory: make demo DRIVER=fake'
}

missing_packages() {
  local package
  for package in "${packages[@]}"; do is_installed "$package" || echo "$package"; done
}

# Without systemd a package's service cannot be started, and trying is noise: this file says so. An administrator's own is left alone.
forbid_services() {
  guard=/usr/sbin/policy-rc.d
  [[ -d /run/systemd/system || -e $guard ]] && return
  trap 'rm -f "$guard"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$guard"
  chmod 755 "$guard"
}

apt_install() { DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends "$@"; }

install_packages() { # in a subshell: the guard goes with it
  forbid_services
  # Package lists may be absent or old: then, and only then, they are fetched.
  apt_install "$@" || { apt-get update --quiet && apt_install "$@"; }
}

install_missing() {
  local missing log=$state/apt.log
  command -v apt-get >/dev/null || die "libvirt does not answer at $host, and this is no Debian or Ubuntu where it could be installed" \
    'Install and start libvirt with QEMU, then run this again. Or try a hypervisor in memory: make demo DRIVER=fake'
  mapfile -t missing < <(missing_packages)
  [[ ${#missing[@]} -gt 0 ]] || return 0
  [[ $EUID -eq 0 ]] || die "libvirt does not answer at $host; QEMU, libvirt and what gives machines their addresses are to be installed" \
    'As you are not root, please run this line, log in again, and then run make demo once more:' \
    "sudo sh -c 'apt-get update && apt-get install --yes --no-install-recommends ${missing[*]} && usermod --append --groups libvirt $(id -un)'" \
    'Or try a hypervisor in memory: make demo DRIVER=fake'
  if [[ $phase == say ]]; then
    step "libvirt does not answer here. To be installed with apt: ${missing[*]}"
    step '  qemu runs the machine, libvirt manages it, dnsmasq and iptables give it an address; make demo-down leaves them'
    return
  fi
  mkdir -p "$state"
  printf '%s\n' "${missing[@]}" >>"$state/packages" # before, so that it is told even after a crash
  (install_packages "${missing[@]}") >"$log" 2>&1 ||
    die "apt could not install them: $(grep '^E:' "$log" | head -n 3)" "All that it said is in $log. Is there a network?" \
      'Without one, try a hypervisor in memory: make demo DRIVER=fake'
}

phase=${1:?say or do}
check_node
case ${DRIVER:-libvirt} in
  libvirt) ;;
  fake) exit ;;
  *) die "DRIVER=$DRIVER is not known; accepted: libvirt, fake (a hypervisor in memory)" ;;
esac
check_host
if host_answers; then
  [[ $phase == do ]] || step "libvirt answers at $host: nothing needs to be installed"
else
  # Who may not install hears first of what is there and does not let him in.
  [[ $EUID -ne 0 && $(type -t libvirtd virtqemud) ]] || install_missing
  [[ $phase == say && $EUID -eq 0 ]] || ensure_libvirt
fi
