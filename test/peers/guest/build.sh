#!/usr/bin/env bash
# Builds the test guest, a Debian cloud kernel with busybox and nothing else, and prints the folder that holds it:
#   vmlinuz  initrd  initrd-agent (with qemu-guest-agent)  disk.qcow2 (boots by itself)  cmdline (what makes it quick to boot)  about (where it comes from)
# Built once per recipe (this folder), atomically; installs nothing. Needs apt, busybox-static, cpio, gzip, qemu-guest-agent, grub-pc-bin, e2fsprogs and qemu-utils.
set -euo pipefail
export LC_ALL=C
umask 022

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/parts.sh"
recipe=$(cat "$here/build.sh" "$here/parts.sh" "$here/init" "$here/dhcp" "$here/cmdline" | sha256sum)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/virtwright
guest=$cache/guest-${recipe:0:12}

add_agent() { # kernel-folder target-folder: the kernel unpacks one archive after the other, so this holds only what is added
  local library
  mkdir -p "$2"/{modules,usr/sbin}
  add_module "$1" virtio_console "$2/modules"
  mv "$2"/modules/*-virtio_console.ko "$2/modules/99-virtio_console.ko"
  cp /usr/sbin/qemu-ga "$2/usr/sbin/"
  for library in $(ldd /usr/sbin/qemu-ga | grep -o '/[^ ]*'); do install -D "$library" "$2$library"; done
  install -D /etc/os-release "$2/etc/os-release"
}

# One partition with the kernel, and GRUB in the gap before it: what a host's BIOS boots. Nothing is mounted, and no program asks for a device.
make_disk() { # out-folder work-folder
  local disk=$2/disk.raw first=2048 mebibytes=40
  mkdir "$2/boot"
  cp "$1/vmlinuz" "$1/initrd" "$2/boot/"
  printf 'set root=(hd0,msdos1)\nlinux /vmlinuz %s vw.seed vw.dhcp vw.listen=7\ninitrd /initrd\nboot\n' "$(cat "$1/cmdline")" >"$2/load.cfg"
  grub-mkimage --format=i386-pc --prefix='(hd0,msdos1)' --config="$2/load.cfg" --output="$2/core.img" biosdisk part_msdos ext2 linux
  truncate --size=${mebibytes}M "$disk"
  mke2fs -q -t ext2 -d "$2/boot" -E offset=$((first * 512)) "$disk" $((mebibytes - 1))m
  dd if=/usr/lib/grub/i386-pc/boot.img of="$disk" bs=440 count=1 conv=notrunc status=none
  dd if="$2/core.img" of="$disk" bs=512 seek=1 conv=notrunc status=none
  # The table's first entry: bootable, Linux, from sector 2048 on, 39 MiB.
  printf '\x80\0\0\0\x83\0\0\0\0\x08\0\0\0\x38\x01\0' | dd of="$disk" bs=1 seek=446 conv=notrunc status=none
  printf '\x55\xaa' | dd of="$disk" bs=1 seek=510 conv=notrunc status=none
  qemu-img convert -c -O qcow2 "$disk" "$1/disk.qcow2"
}

build() { # folder
  mkdir -p "$1/out"
  fetch_kernel "$1"
  make_initrd "$1" /bin/busybox cpio --reproducible
  add_agent "$1/kernel" "$1/agent"
  { cat "$1/out/initrd" && pack_initrd "$1/agent" cpio --reproducible; } >"$1/out/initrd-agent"
  cp "$here/cmdline" "$1/about" "$1/out/"
  make_disk "$1/out" "$1"
  dpkg-query --show --showformat='busybox: ${Package} ${Version}\n' busybox-static >>"$1/out/about"
  chmod 644 "$1"/out/*
}

if [[ ! -d $guest ]]; then
  mkdir -p "$cache"
  exec 9>"$cache/guest.lock"
  flock 9
  if [[ ! -d $guest ]]; then
    work=$(mktemp -d "$cache/.guest-XXXXXX")
    trap 'rm -rf "$work"' EXIT
    build "$work"
    chmod 755 "$work/out"
    mv --no-target-directory "$work/out" "$guest"
  fi
fi
echo "$guest"
