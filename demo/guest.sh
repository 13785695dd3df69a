#!/usr/bin/env bash
# Makes the demo's guest in the folder that is given: vmlinuz and initrd of the distribution's own kernel and busybox. Installs nothing, needs no root.
# Prints nothing; what it complains of is on stderr.
set -euo pipefail
export LC_ALL=C
umask 022
source "$(dirname "${BASH_SOURCE[0]}")/../test/peers/guest/parts.sh"

out=$1
[[ ! -e $out/initrd ]] || exit 0
work=$out.new
rm -rf "$work" "$out"
mkdir -p "$work"
command -v apt-get >/dev/null || { echo 'this is no Debian or Ubuntu, whose kernel and busybox the guest is made from; give an image: make demo IMAGE=FILE-OR-URL' >&2; exit 1; }
fetch_kernel "$work"
fetch "$work" busybox-static
dpkg-deb --extract "$work"/busybox-static_*.deb "$work/busybox"
busybox=$(find "$work/busybox" -path '*/bin/busybox' -type f)
make_initrd "$work" "$busybox" "$busybox" cpio --renumber-inodes --ignore-devno
mv "$work/out" "$out"
rm -rf "$work"
