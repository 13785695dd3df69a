#!/usr/bin/env bash
# Builds the host of stores: a small Debian with libvirt, QEMU and what serves and takes file systems, volume groups and LUNs, to be booted under
# emulation by `stores.ts`. Prints the folder that holds it:
#   vmlinuz  initrd (finds the root)  root.img (ext4)  about (where it comes from)
# Built once per recipe (this folder), atomically; installs nothing here. Needs root, apt, mmdebstrap, busybox-static, cpio and e2fsprogs.
set -euo pipefail
export LC_ALL=C PATH=$PATH:/usr/sbin:/sbin
umask 022
cannot_build=3

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
recipe=$(cat "$here/build.sh" "$here/init" "$here/initrd-init" | sha256sum)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/virtwright
host=$cache/stores-${recipe:0:12}

packages=(
  libvirt-daemon libvirt-daemon-driver-qemu qemu-system-x86 seabios qemu-utils # a hypervisor, if one without guests of its own
  e2fsprogs parted lvm2 # file systems, partitions, volume groups
  nfs-kernel-server nfs-common glusterfs-server # files over the network
  tgt open-iscsi # LUNs over the network
  udev kmod iproute2 socat procps busybox-static
)
modules=(virtio_pci virtio_blk)

for tool in mmdebstrap mkfs.ext4 cpio busybox; do
  command -v "$tool" >/dev/null || { echo "the host of stores needs $tool; install mmdebstrap, e2fsprogs, cpio and busybox-static" >&2; exit $cannot_build; }
done
[[ $EUID -eq 0 ]] || { echo "the host of stores is built by root alone" >&2; exit $cannot_build; }

make_root() { # folder -> folder/root, with a kernel's modules
  local trimmed=() each
  for each in man doc locale info; do trimmed+=(--dpkgopt="path-exclude=/usr/share/$each/*"); done
  mmdebstrap --quiet --mode=root --variant=minbase --format=directory --aptopt='APT::Install-Recommends "false"' "${trimmed[@]}" \
    --include="$(IFS=,; echo "${packages[*]}")" bookworm "$1/root" /etc/apt/sources.list.d/debian.sources >&2
  find "$1/root/var/cache/apt" "$1/root/var/lib/apt/lists" -type f -delete
}

fetch_kernel() { # folder -> folder/kernel
  local package
  package=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
  (cd "$1" && apt-get download -qq -o APT::Sandbox::User=root "$package" >&2)
  dpkg-deb --extract "$1/$package"_*.deb "$1/kernel"
  dpkg-deb --show --showformat='kernel: ${Package} ${Version}\n' "$1/$package"_*.deb >"$1/out/about"
}

# libvirt listens to whoever reaches the machine, and so does a shell: its network is the test's own, and leads nowhere else.
configure() { # root
  mkdir -p "$1/srv/nfs" "$1/srv/gluster" "$1/var/log/libvirt" "$1/etc/libvirt" "$1/etc/iscsi"
  printf '%s\n' 'listen_tls = 0' 'listen_tcp = 1' 'listen_addr = "0.0.0.0"' 'auth_tcp = "none"' 'auth_unix_rw = "none"' \
    'log_outputs = "2:file:/var/log/libvirt/libvirtd.log"' >"$1/etc/libvirt/libvirtd.conf"
  printf '%s\n' 'stdio_handler = "file"' 'security_driver = "none"' 'user = "root"' 'group = "root"' 'namespaces = []' \
    'cgroup_controllers = []' >"$1/etc/libvirt/qemu.conf"
  # As Debian's libvirt-daemon-system makes them, which wants systemd.
  chroot "$1" groupadd --system libvirt-qemu
  chroot "$1" useradd --system --gid libvirt-qemu --home-dir /var/lib/libvirt libvirt-qemu
  echo stores >"$1/etc/hostname"
  printf '127.0.0.1 localhost stores\n' >"$1/etc/hosts"
  echo 0123456789abcdef0123456789abcdef >"$1/etc/machine-id"
  echo 'InitiatorName=iqn.2030-01.example.org:stores' >"$1/etc/iscsi/initiatorname.iscsi"
  rm -f "$1"/etc/libvirt/qemu/networks/autostart/*
  install -m 755 "$here/init" "$1/sbin/stores-init"
}

make_initrd() { # folder version
  local ird=$1/initrd module
  mkdir -p "$ird"/{bin,dev,root,modules}
  cp /bin/busybox "$ird/bin/busybox"
  install -m 755 "$here/initrd-init" "$ird/init"
  for module in "${modules[@]}"; do chroot "$1/root" modprobe --set-version "$2" --show-depends "$module"; done |
    sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++' | while read -r file; do
      cp "$1/root$file" "$ird/modules/$(printf '%02d' "$(find "$ird/modules" -name '*.ko' | wc -l)")-${file##*/}"
    done
  (cd "$ird" && find . -mindepth 1 -print0 | cpio --quiet --null --create --format=newc) | gzip -1 >"$1/out/initrd"
}

build() { # folder
  local version
  mkdir -p "$1/out"
  make_root "$1"
  fetch_kernel "$1"
  version=$(basename "$1"/kernel/lib/modules/*)
  mkdir -p "$1/root/lib/modules"
  cp -a "$1/kernel/lib/modules/$version" "$1/root/lib/modules/"
  chroot "$1/root" depmod "$version"
  configure "$1/root"
  make_initrd "$1" "$version"
  cp "$1"/kernel/boot/vmlinuz-* "$1/out/vmlinuz"
  truncate --size 1536M "$1/out/root.img"
  mkfs.ext4 -q -F -O ^has_journal -E lazy_itable_init=1 -d "$1/root" "$1/out/root.img" >&2
  chmod 644 "$1"/out/*
}

if [[ ! -d $host ]]; then
  mkdir -p "$cache"
  exec 9>"$cache/stores.lock"
  flock 9
  if [[ ! -d $host ]]; then
    work=$(mktemp -d "$cache/.stores-XXXXXX")
    trap 'rm -rf "$work"' EXIT
    build "$work"
    chmod 755 "$work/out"
    mv --no-target-directory "$work/out" "$host"
  fi
fi
echo "$host"
