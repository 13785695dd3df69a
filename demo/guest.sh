#!/usr/bin/env bash
# Makes the demo's guest in the folder that is given: vmlinuz and initrd of the distribution's own kernel and busybox. Installs nothing, needs no root.
# Prints nothing; what it complains of is on stderr.
set -euo pipefail
export LC_ALL=C
umask 022
source "$(dirname "${BASH_SOURCE[0]}")/../test/peers/guest/parts.sh"

# The demo's machine has no more than this.
modules=(virtio_pci virtio_blk virtio-rng virtio_net virtio_balloon button evdev)

out=$1
[[ ! -e $out/initrd ]] || exit 0
work=$out.new
rm -rf "$work" "$out"
mkdir -p "$work"
command -v apt-get >/dev/null || { echo 'this is no Debian or Ubuntu, whose kernel and busybox the guest is made from; give an image: make demo IMAGE=FILE-OR-URL' >&2; exit 1; }
# What unpacks modules that a distribution compresses, where a small system has it not.
need() { # ending program package
  [[ -n $(find "$work/kernel" -name "*.ko.$1" -print -quit) && -z $(type -P "$2") ]] || return 0
  fetch "$work" "$3"
  dpkg-deb --extract "$work/$3"_*.deb "$work/tools"
  PATH=$work/tools/usr/bin:$PATH
}

fetch_kernel "$work"
need zst zstd zstd
need xz xz xz-utils
fetch "$work" busybox-static
dpkg-deb --extract "$work"/busybox-static_*.deb "$work/busybox"
busybox=$(find "$work/busybox" -path '*/bin/busybox' -type f)
make_initrd "$work" "$busybox" "$busybox" cpio --renumber-inodes --ignore-devno
mv "$work/out" "$out"
rm -rf "$work"
