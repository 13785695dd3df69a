#!/usr/bin/env bash
# Fetches definitions of machines that others wrote, and prints the folder that holds them:
#   qemu lxc xen   what libvirt's own tests parse
# From Debian's source package of the installed libvirt, once, atomically; installs nothing. Needs deb-src's server.
set -euo pipefail
export LC_ALL=C
cannot_build=3
declare -A tests=([qemu]=qemuxml2argvdata [lxc]=lxcxml2xmldata [xen]=libxlxml2domconfigdata)

command -v dpkg-source >/dev/null || { echo "definitions of others need dpkg-source; see the packages in test/peers/setup.sh" >&2; exit $cannot_build; }
version=$(dpkg-query --show --showformat='${source:Version}' libvirt-daemon 2>/dev/null) ||
  { echo 'libvirt-daemon is not installed; see the packages in test/peers/setup.sh' >&2; exit $cannot_build; }
recipe=$({ cat "${BASH_SOURCE[0]}"; echo "$version"; } | sha256sum)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/virtwright
definitions=$cache/definitions-${recipe:0:12}

[[ -d $definitions ]] && { echo "$definitions"; exit; }
mkdir -p "$cache"
exec 9>"$definitions.lock"
flock 9
[[ -d $definitions ]] && { echo "$definitions"; exit; }
aside=$(mktemp -d "$cache/building.XXXXXX")
trap 'rm -rf "$aside"' EXIT
trap 'exit 1' HUP INT TERM

# Package lists of its own: the host may have none of sources.
options=(-o Dir::Etc::sourceparts=- -o Dir::Etc::sourcelist="$aside/deb.sources" -o Dir::State::lists="$aside/lists" -o Dir::Cache="$aside/cache" -o APT::Sandbox::User=root)
mkdir -p "$aside"/lists/partial "$aside"/cache/archives/partial "$aside/made"
sed 's/^Types:.*/Types: deb-src/' /etc/apt/sources.list.d/debian.sources >"$aside/deb.sources"
(cd "$aside" && apt-get "${options[@]}" -qq update && apt-get "${options[@]}" -qq --download-only source "libvirt=$version") >&2
for driver in "${!tests[@]}"; do
  mkdir "$aside/$driver" "$aside/made/$driver"
  tar -C "$aside/$driver" -xf "$aside"/libvirt_*.orig.tar.xz --wildcards "*/tests/${tests[$driver]}/*.xml"
  cp "$aside/$driver"/libvirt-*/tests/"${tests[$driver]}"/*.xml "$aside/made/$driver"
done
chmod 755 "$aside/made"
mv "$aside/made" "$definitions"
echo "$definitions"
