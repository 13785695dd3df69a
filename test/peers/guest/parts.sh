# The parts of which test/peers/guest/build.sh and demo/guest.sh put a guest together: a distribution's kernel, busybox, and the scripts beside this file.
guest_recipe=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# What a guest under QEMU needs beyond what the kernel has built in. Dependencies follow by themselves.
modules=(virtio_pci virtio_blk virtio_scsi sd_mod sr_mod virtio-rng virtio_net virtio_balloon isofs qemu_fw_cfg button evdev pvpanic-mmio)

fetch_kernel() { # folder -> leaves the unpacked packages in folder/kernel and the kernel's name in folder/about
  local package packages
  package=$(kernel_package) || { apt-get update -qq >&2 && package=$(kernel_package); } ||
    { echo 'no linux-image-cloud-amd64 (Debian) or linux-image-virtual (Ubuntu) is known here; as root: apt-get update' >&2; return 1; }
  packages=("$package")
  # Ubuntu has the modules apart.
  [[ -z $(apt-cache search --names-only "^linux-modules-${package#linux-image-}\$") ]] || packages+=("linux-modules-${package#linux-image-}")
  fetch "$1" "${packages[@]}"
  for package in "${packages[@]}"; do dpkg-deb --extract "$1/$package"_*.deb "$1/kernel"; done
  dpkg-deb --show --showformat='kernel: ${Package} ${Version}\n' "$1/${packages[0]}"_*.deb >"$1/about"
}

fetch() { (cd "$1" && shift && apt-get download -qq -o APT::Sandbox::User=root "$@" >&2); } # folder package...

kernel_package() { # -> the real package behind the meta-package
  apt-cache depends linux-image-cloud-amd64 linux-image-virtual 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1 | grep .
}

is_built_in() { # kernel-folder module
  grep -qrs --include=modules.builtin "/${2//[-_]/[-_]}\.ko" "$1"/lib/modules "$1"/usr/lib/modules
}

module_file() { # kernel-folder module -> its path; a module is written with - or with _
  find "$1/lib/modules" "$1/usr/lib/modules" -name "${2//[-_]/[-_]}.ko*" -print -quit 2>/dev/null | grep . ||
    { echo "the kernel package has no module $2" >&2; return 1; }
}

declare -A added=()
add_module() { # kernel-folder module target-folder: dependencies first, numbered in order of loading
  local file dependency plain
  [[ ${added[${2//-/_}]:-} ]] && return
  added[${2//-/_}]=yes
  ! is_built_in "$1" "$2" || return 0
  file=$(module_file "$1" "$2")
  plain=$3/.plain-$2
  case $file in *.xz) xz -dc "$file" >"$plain" ;; *.zst) zstd -qdc "$file" >"$plain" ;; *) cp "$file" "$plain" ;; esac
  for dependency in $(tr '\0' '\n' <"$plain" | sed -n 's/^depends=//p' | tr , ' '); do add_module "$1" "$dependency" "$3"; done
  mv "$plain" "$3/$(printf '%02d' "$(find "$3" -name '*.ko' | wc -l)")-$2.ko"
}

pack_initrd() { # folder cpio... -> the same bytes for the same input
  local folder=$1
  shift
  find "$folder" -exec touch --no-dereference --date=@0 {} +
  (cd "$folder" && find . -mindepth 1 -print0 | sort -z | "$@" -o -0 -H newc -R 0:0 2>/dev/null) | gzip -9n
}

make_initrd() { # work-folder busybox cpio...: what is in work-folder/kernel becomes work-folder/out/vmlinuz and initrd
  local work=$1 root=$1/root module
  mkdir -p "$root"/{bin,dev,etc,modules,proc,sys} "$work/out"
  cp "$2" "$root/bin/busybox"
  shift 2
  install -m 755 "$guest_recipe/init" "$root/init"
  install -m 755 "$guest_recipe/dhcp" "$root/bin/dhcp"
  for module in "${modules[@]}"; do add_module "$work/kernel" "$module" "$root/modules"; done
  pack_initrd "$root" "$@" >"$work/out/initrd"
  cp "$work"/kernel/boot/vmlinuz-* "$work/out/vmlinuz"
}
