#!/usr/bin/env bash
# Builds the test guest, a Debian cloud kernel with busybox and nothing else, and prints the folder that holds it:
#   vmlinuz  initrd  initrd-agent (with qemu-guest-agent)  disk.qcow2 (boots by itself)  cmdline (what makes it quick to boot)  about (where it comes from)
# Built once per recipe (this folder), atomically; installs nothing. Needs apt, busybox-static, cpio, gzip, qemu-guest-agent, grub-pc-bin, e2fsprogs and qemu-utils.
set -euo pipefail
export LC_ALL=C
umask 022

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
recipe=$(cat "$here/build.sh" "$here/init" "$here/dhcp" "$here/cmdline" | sha256sum)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/virtwright
guest=$cache/guest-${recipe:0:12}

# What a guest under QEMU needs beyond what the kernel has built in. Dependencies follow by themselves.
modules=(virtio_pci virtio_blk virtio_scsi sd_mod sr_mod virtio-rng virtio_net virtio_balloon isofs qemu_fw_cfg button evdev pvpanic-mmio)

fetch_kernel() { # folder -> leaves the unpacked package in folder/kernel and its name in folder/about
  local package
  package=$(kernel_package) || { apt-get update -qq >&2 && package=$(kernel_package); }
  (cd "$1" && apt-get download -qq -o APT::Sandbox::User=root "$package" >&2)
  dpkg-deb --extract "$1/$package"_*.deb "$1/kernel"
  dpkg-deb --show --showformat='kernel: ${Package} ${Version}\n' "$1/$package"_*.deb >"$1/about"
}

kernel_package() { # -> the real package behind the meta-package
  apt-cache depends linux-image-cloud-amd64 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1 | grep .
}

module_file() { # kernel-folder module -> its path; a module is written with - or with _
  find "$1/lib/modules" "$1/usr/lib/modules" -name "${2//[-_]/[-_]}.ko*" -print -quit 2>/dev/null | grep . ||
    { echo "build.sh: the kernel package has no module $2" >&2; return 1; }
}

declare -A added=()
add_module() { # kernel-folder module target-folder: dependencies first, numbered in order of loading
  local file dependency plain
  [[ ${added[${2//-/_}]:-} ]] && return
  added[${2//-/_}]=yes
  file=$(module_file "$1" "$2")
  plain=$3/.plain-$2
  case $file in *.xz) xz -dc "$file" >"$plain" ;; *.zst) zstd -qdc "$file" >"$plain" ;; *) cp "$file" "$plain" ;; esac
  for dependency in $(tr '\0' '\n' <"$plain" | sed -n 's/^depends=//p' | tr , ' '); do add_module "$1" "$dependency" "$3"; done
  mv "$plain" "$3/$(printf '%02d' "$(find "$3" -name '*.ko' | wc -l)")-$2.ko"
}

pack_initrd() { # folder -> the same bytes for the same input
  find "$1" -exec touch --no-dereference --date=@0 {} +
  (cd "$1" && find . -mindepth 1 -print0 | sort -z | cpio --quiet --null --create --format=newc --reproducible --owner=+0:+0) | gzip -9n
}

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
  local root=$1/root module
  mkdir -p "$root"/{bin,dev,etc,modules,proc,sys} "$1/out"
  fetch_kernel "$1"
  cp /bin/busybox "$root/bin/busybox"
  install -m 755 "$here/init" "$root/init"
  install -m 755 "$here/dhcp" "$root/bin/dhcp"
  for module in "${modules[@]}"; do add_module "$1/kernel" "$module" "$root/modules"; done
  pack_initrd "$root" >"$1/out/initrd"
  add_agent "$1/kernel" "$1/agent"
  { cat "$1/out/initrd" && pack_initrd "$1/agent"; } >"$1/out/initrd-agent"
  cp "$1"/kernel/boot/vmlinuz-* "$1/out/vmlinuz"
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
