#!/usr/bin/env bash
# Builds a host with Xen: a small Debian as its first domain, with libvirt's Xen driver, to be run under emulation by `xen.ts`. It is booted here once,
# and kept as it then stands, so that a test has it in seconds. Prints the folder that holds it:
#   xen  vmlinux  initrd  root.img  booted.qcow2  booted.state (memory and devices)  vmlinuz  guest.initrd  cmdline (of the guest)  machine (words for QEMU)
# Built once per recipe (this folder, the guest's, and the emulator), atomically; installs nothing here. Needs root, apt, mmdebstrap, busybox-static, cpio,
# e2fsprogs, xz-utils, qemu-system-x86 and qemu-utils.
set -euo pipefail
export LC_ALL=C PATH=$PATH:/usr/sbin:/sbin
umask 022
cannot_build=3

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
guest_recipe=$here/../guest
source "$guest_recipe/parts.sh"
for tool in mmdebstrap mkfs.ext4 cpio busybox xz qemu-system-x86_64 qemu-img setpriv; do
  command -v "$tool" >/dev/null || { echo "the host with Xen needs $tool; see the packages in test/peers/setup.sh" >&2; exit $cannot_build; }
done
[[ $EUID -eq 0 ]] || { echo "the host with Xen is built by root alone" >&2; exit $cannot_build; }

recipe=$({ cat "$here"/{build.sh,init,initrd-init,guest-init} "$guest_recipe"/{parts.sh,init,dhcp}; qemu-system-x86_64 --version; } | sha256sum)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/virtwright
host=$cache/xen-${recipe:0:12}

packages=(
  xen-hypervisor-4.17-amd64 xen-utils-4.17 xen-utils-common qemu-system-xen seabios # Xen, and what serves its guests' disks
  libvirt-daemon libvirt-daemon-driver-xen libvirt-clients qemu-utils dnsmasq-base iptables
  iproute2 bridge-utils kmod procps socat busybox-static
)
host_modules=(
  virtio_pci virtio_blk virtio_net ext4 crc32c_generic
  xenfs xen-evtchn xen-gntdev xen-gntalloc xen-privcmd xen-blkback xen-netback tun bridge loop br_netfilter
  af_packet nf_nat iptable_nat iptable_filter iptable_mangle ip_tables ip6_tables nf_tables nft_compat nft_chain_nat
  xt_MASQUERADE xt_CHECKSUM xt_conntrack xt_tcpudp xt_physdev xt_comment nf_reject_ipv4 ipt_REJECT ip6t_REJECT
)
early_modules=(virtio_pci virtio_blk crc32c_generic ext4 virtio_net)
modules=(xen-blkfront xen-netfront af_packet isofs) # the guest's

make_root() { # folder -> folder/root
  local trimmed=() each
  for each in man doc locale info; do trimmed+=(--dpkgopt="path-exclude=/usr/share/$each/*"); done
  mmdebstrap --quiet --mode=root --variant=minbase --format=directory --aptopt='APT::Install-Recommends "false"' "${trimmed[@]}" \
    --include="$(IFS=,; echo "${packages[*]}")" bookworm "$1/root" /etc/apt/sources.list.d/debian.sources >&2
  find "$1/root/var/cache/apt" "$1/root/var/lib/apt/lists" -type f -delete
}

generic_kernel() { # -> the real package behind the meta-package
  apt-cache depends linux-image-amd64 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1 | grep .
}

# The cloud flavour of Debian's kernel cannot be a first domain.
fetch_generic_kernel() { # folder -> folder/kernel, and its version in folder/version
  local package
  package=$(generic_kernel) || { apt-get update -qq >&2 && package=$(generic_kernel); } ||
    { echo 'no linux-image-amd64 is known here; as root: apt-get update' >&2; return 1; }
  fetch "$1" "$package"
  dpkg-deb --extract "$1/$package"_*.deb "$1/kernel"
  dpkg-deb --show --showformat='kernel: ${Package} ${Version}\n' "$1/$package"_*.deb >"$1/out/about"
  basename "$1"/kernel/lib/modules/* >"$1/version"
  depmod --basedir "$1/kernel" "$(cat "$1/version")"
}

# What a bzImage holds, packed by xz: unpacked here it need not be under emulation, twice over.
unpack_kernel() { # bzImage vmlinux
  local at
  at=$(grep --max-count=1 --only-matching --byte-offset --text --perl-regexp '\xfd7zXZ\x00' "$1" | head -n 1 | cut -d: -f1)
  tail --bytes=+$((at + 1)) "$1" | xz --decompress --stdout --single-stream >"$2" 2>/dev/null || true
  head --bytes=4 "$2" | grep --quiet ELF || { echo "$1 holds no kernel that was packed by xz" >&2; return 1; }
}

# The same bzImage, its kernel packed by gzip: quick to unpack also under emulation, and as a volume it may be longer than it is.
repack_kernel() { # bzImage vmlinux out
  local sectors head
  sectors=$(od --address-radix=n --format=u1 --skip-bytes=$((0x1f1)) --read-bytes=1 "$1")
  head=$(((sectors + 1) * 512))
  { head --bytes=$head "$1"; gzip -9 --no-name --stdout "$2"; } >"$3"
  put_word $((0x248)) 0 "$3"
  put_word $((0x24c)) $(($(stat --format=%s "$3") - head)) "$3"
}

put_word() { # offset value file: four bytes, the lowest first
  local bytes
  printf -v bytes '\\x%02x\\x%02x\\x%02x\\x%02x' $(($2 & 255)) $(($2 >> 8 & 255)) $(($2 >> 16 & 255)) $(($2 >> 24 & 255))
  printf "$bytes" | dd of="$3" bs=1 seek="$1" conv=notrunc status=none
}

dependencies() { # folder module... -> files, those that are needed first
  local folder=$1 module
  shift
  for module in "$@"; do modprobe --dirname "$folder/kernel" --set-version "$(cat "$folder/version")" --show-depends "$module" 2>/dev/null; done |
    sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++'
}

add_host_modules() { # folder
  local version from into file
  version=$(cat "$1/version")
  from=$1/kernel/lib/modules/$version into=$1/root/lib/modules/$version
  mkdir -p "$into"
  cp "$from"/modules.{builtin,builtin.modinfo,order} "$into/"
  dependencies "$1" "${host_modules[@]}" | while read -r file; do install -D "$file" "$into/${file#"$from/"}"; done
  depmod --basedir "$1/root" "$version"
}

# libvirt listens to whoever reaches the machine, and so does a shell: its network is the test's own, and leads nowhere else.
configure() { # root
  local model
  mkdir -p "$1/var/log/xen" "$1/var/log/libvirt" "$1/guest"
  printf '%s\n' 'listen_tls = 0' 'listen_tcp = 1' 'listen_addr = "0.0.0.0"' 'auth_tcp = "none"' 'auth_unix_rw = "none"' \
    'log_outputs = "2:file:/var/log/libvirt/libvirtd.log"' >"$1/etc/libvirt/libvirtd.conf"
  echo xen >"$1/etc/hostname"
  printf '127.0.0.1 localhost xen\n' >"$1/etc/hosts"
  echo 0123456789abcdef0123456789abcdef >"$1/etc/machine-id"
  rm -f "$1"/etc/libvirt/qemu/networks/autostart/* # where Debian has the default network start
  # Xen hides SEP from the first domain on what says that it is AMD's, and no model of libvirt's is without it: the host would have no CPU.
  for model in qemu64 kvm64 qemu32; do sed -i "/'sep'/d" "$1/usr/share/libvirt/cpu_map/x86_$model.xml"; done
  # These drivers ask for daemons, or devices, that are not here.
  rm -f "$1"/usr/lib/*/libvirt/connection-driver/libvirt_driver_{qemu,nodedev,interface,nwfilter}.so
  install -m 755 "$here/init" "$1/sbin/xen-init"
}

make_host_initrd() { # folder
  local ird=$1/initrd file
  mkdir -p "$ird"/{bin,dev,root,modules}
  cp /bin/busybox "$ird/bin/busybox"
  install -m 755 "$here/initrd-init" "$ird/init"
  dependencies "$1" "${early_modules[@]}" | while read -r file; do
    cp "$file" "$ird/modules/$(printf '%02d' "$(find "$ird/modules" -name '*.ko' | wc -l)")-${file##*/}"
  done
  (cd "$ird" && find . -mindepth 1 -print0 | cpio --quiet --null --create --format=newc) >"$1/out/initrd"
}

make_guest_initrd() { # folder
  local root=$1/guest module
  mkdir -p "$root"/{bin,dev,etc,modules,proc,sys}
  cp /bin/busybox "$root/bin/busybox"
  install -m 755 "$here/guest-init" "$root/init"
  install -m 755 "$guest_recipe/init" "$root/init-guest"
  install -m 755 "$guest_recipe/dhcp" "$root/bin/dhcp"
  for module in "${modules[@]}"; do add_module "$1/kernel" "$module" "$root/modules"; done
  pack_initrd "$root" cpio --reproducible >"$1/out/guest.initrd"
}

# QEMU is heard on its console and told on its monitor; as it takes in what it said, it is the same machine later.
boot_once() { # out
  local console=$1/console.log
  (cd "$1" && qemu-img create -q -f qcow2 -b root.img -F raw booted.qcow2)
  {
    for ((second = 0; second < 300; second++)); do
      grep --quiet 'virtwright host of Xen ready' "$console" 2>/dev/null && break
      sleep 1
    done
    sleep 2
    printf '%s\n' stop 'migrate_set_parameter max-bandwidth 4G' "migrate \"exec:cat > $1/booted.state\"" quit
  } | (cd "$1" && mapfile -t words <machine && setpriv --pdeathsig KILL qemu-system-x86_64 "${words[@]}" -drive file=booted.qcow2,format=qcow2,if=virtio,cache=unsafe \
    -netdev user,id=n0,restrict=on -device virtio-net-pci,netdev=n0,romfile= -serial "file:$console" -monitor stdio >/dev/null 2>"$1/qemu.log")
  grep --quiet 'virtwright host of Xen ready' "$console" && [[ -s $1/booted.state ]] || { echo "Xen did not come up:" >&2; tail -n 40 "$console" "$1/qemu.log" >&2; return 1; }
}

# One word a line, in the folder that holds the files.
write_words() { # out
  local of_xen='console=com1 com1=115200,8n1 bootscrub=0 dom0_mem=512M,max:512M dom0_max_vcpus=1 loglvl=warning guest_loglvl=warning smt=true spec-ctrl=no xpti=no'
  local of_linux='console=hvc0 quiet mitigations=off init_on_alloc=0 audit=0 apparmor=0 random.trust_cpu=1 net.ifnames=0'
  printf '%s\n' -accel tcg,tb-size=256 -cpu qemu64,+svm,+npt -smp 2 -m 1792 -nodefaults -no-user-config -display none -no-reboot \
    -kernel xen -append "$of_xen" -initrd "vmlinux $of_linux,initrd" >"$1/machine"
}

build() { # folder
  mkdir -p "$1/out"
  make_root "$1"
  fetch_generic_kernel "$1"
  add_host_modules "$1"
  configure "$1/root"
  unpack_kernel "$1"/kernel/boot/vmlinuz-* "$1/out/vmlinux"
  # QEMU takes it as it is, and unpacks nothing.
  gzip --decompress --stdout "$1"/root/boot/xen-4.17-amd64.gz >"$1/out/xen"
  make_host_initrd "$1"
  make_guest_initrd "$1"
  repack_kernel "$1"/kernel/boot/vmlinuz-* "$1/out/vmlinux" "$1/out/vmlinuz"
  echo 'console=hvc0 quiet mitigations=off rodata=off lsm= audit=0 cryptomgr.notests' >"$1/out/cmdline"
  cp "$1/out/vmlinux" "$1/out/guest.initrd" "$1/root/guest/"
  truncate --size 2G "$1/out/root.img"
  mkfs.ext4 -q -F -O ^has_journal -E lazy_itable_init=1 -d "$1/root" "$1/out/root.img" >&2
  write_words "$1/out"
  boot_once "$1/out"
  chmod 644 "$1"/out/*
}

if [[ ! -d $host ]]; then
  mkdir -p "$cache"
  exec 9>"$cache/xen.lock"
  flock 9
  if [[ ! -d $host ]]; then
    work=$(mktemp -d "$cache/.xen-XXXXXX")
    trap 'rm -rf "$work"' EXIT
    build "$work"
    chmod 755 "$work/out"
    mv --no-target-directory "$work/out" "$host"
  fi
fi
echo "$host"
