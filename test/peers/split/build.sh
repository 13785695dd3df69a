#!/usr/bin/env bash
# Builds libvirt's split daemons, which Debian does not package, and prints the folder that holds them:
#   virtqemud virtlxcd virtnetworkd virtstoraged virtsecretd
# Each is the few files that make a daemon of libvirt's, compiled for one driver; the libraries and the drivers are those that Debian
# installed, so the source is that of the installed version. Built once for each, atomically; installs nothing. Needs deb-src's server,
# and the packages below "split daemons" in setup.sh.
set -euo pipefail
export LC_ALL=C
cannot_build=3
modules=(qemu lxc network storage secret)

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
for tool in meson ninja cc pkg-config rpcgen rst2html5 xsltproc dpkg-source; do
  command -v "$tool" >/dev/null || { echo "libvirt's split daemons need $tool; see the packages in test/peers/setup.sh" >&2; exit $cannot_build; }
done
version=$(dpkg-query --show --showformat='${source:Version}' libvirt-daemon 2>/dev/null) ||
  { echo 'libvirt-daemon is not installed; see the packages in test/peers/setup.sh' >&2; exit $cannot_build; }

recipe=$({ cat "$here/build.sh"; echo "$version"; } | sha256sum)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/virtwright
daemons=$cache/split-${recipe:0:12}
finished() { [[ -x $daemons/virtsecretd ]]; }

# Package lists of its own: the host may have none of sources.
fetch_source() { # folder -> folder/libvirt-<version>
  local options=(-o Dir::Etc::sourceparts=- -o Dir::Etc::sourcelist="$1/deb.sources" -o Dir::State::lists="$1/lists" -o Dir::Cache="$1/cache" -o APT::Sandbox::User=root)
  mkdir -p "$1"/lists/partial "$1"/cache/archives/partial
  sed 's/^Types:.*/Types: deb-src/' /etc/apt/sources.list.d/debian.sources >"$1/deb.sources"
  (cd "$1" && apt-get "${options[@]}" -qq update && apt-get "${options[@]}" -qq source "libvirt=$version") >&2
}

# Only what the daemons themselves are made of: libvirt as a whole would take a long time.
compile() { # folder with the source, and where to
  local build=$1/build lib command module source objects
  lib=$(dirname "$(ldconfig -p | sed -n 's/.*libvirt\.so\.0.* => //p' | head -n 1)")
  meson setup "$build" "$(echo "$1"/libvirt-*/)" --prefix=/usr --sysconfdir=/etc --localstatedir=/var -Drunstatedir=/run -Dauto_features=disabled \
    -Ddriver_remote=enabled -Ddriver_libvirtd=enabled -Ddriver_network=enabled -Dstorage_dir=enabled -Ddocs=disabled -Dtests=disabled -Dnls=disabled \
    -Dwerror=false >&2
  cd "$build"
  local made=src/virtnetworkd.p/remote_remote_daemon
  ninja $(ninja -t targets all | sed -n 's/^\(src\/[a-z]*\/[a-z]*_\?protocol\.[ch]\): .*/\1/p') >&2
  ninja src/admin/libvirt_admin_driver.a "$made"{,_config,_dispatch,_stream}.c.o >&2
  command=$(ninja -t commands "$made.c.o" | grep -- '-c ../.*/remote_daemon\.c$' | sed 's/ -MD .*//')
  for module in "${modules[@]}"; do
    objects=("${made}_dispatch.c.o")
    for source in remote_daemon remote_daemon_config remote_daemon_stream; do
      eval "$(sed "s/=\"virtnetworkd\"/=\"virt${module}d\"/; s/=\"network\"/=\"$module\"/" <<<"$command") -w -c $(echo "$1"/libvirt-*/)src/remote/$source.c -o $module-$source.o"
      objects+=("$module-$source.o")
    done
    cc -pie -o "$2/virt${module}d" "${objects[@]}" src/admin/libvirt_admin_driver.a "$lib"/libvirt{,-lxc,-qemu}.so.0 \
      $(pkg-config --libs gnutls gio-unix-2.0 gobject-2.0 libxml-2.0 libtirpc) -Wl,-export-dynamic
  done
}

finished && { echo "$daemons"; exit; }
mkdir -p "$cache"
exec 9>"$daemons.lock"
flock 9
finished && { echo "$daemons"; exit; }
aside=$(mktemp -d "$cache/building.XXXXXX")
trap 'rm -rf "$aside"' EXIT
mkdir "$aside/out"
fetch_source "$aside" || { echo "no source of libvirt $version to be had" >&2; exit $cannot_build; }
(compile "$aside" "$aside/out")
rm -rf "$daemons"
mv "$aside/out" "$daemons"
echo "$daemons"
