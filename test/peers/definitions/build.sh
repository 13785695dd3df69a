#!/usr/bin/env bash
# Fetches definitions of machines that others wrote, and prints the folder that holds them:
#   qemu lxc xen   what libvirt's own tests parse
# From Debian's source package of the installed libvirt, once, atomically; installs nothing. Needs deb-src's server, once for each of libvirt's
# own versions: Debian's later ones have the same tests, and the older ones are gone from there.
set -euo pipefail
export LC_ALL=C
cannot_build=3
declare -A tests=([qemu]=qemuxml2argvdata [lxc]=lxcxml2xmldata [xen]=libxlxml2domconfigdata)

cannot() { echo "definitions of others: $1" >&2; exit $cannot_build; }
command -v dpkg-source >/dev/null || cannot 'dpkg-source is needed; see the packages in test/peers/setup.sh'
version=$(dpkg-query --show --showformat='${source:Version}' libvirt-daemon 2>/dev/null) ||
  cannot 'libvirt-daemon is not installed; see the packages in test/peers/setup.sh'
upstream=${version#*:}
upstream=${upstream%-*}
recipe=$({ cat "${BASH_SOURCE[0]}"; echo "$upstream"; } | sha256sum)
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
sources=/etc/apt/sources.list.d/debian.sources
[[ -r $sources ]] || cannot "they are in Debian's source package of libvirt, and there is no $sources that says where that is"
sed 's/^Types:.*/Types: deb-src/' "$sources" >"$aside/deb.sources"
fetch() { (cd "$aside" && apt-get "${options[@]}" -qq --download-only source "$1") >&2; }
apt-get "${options[@]}" -qq update >&2 || cannot "the servers of $sources could not be asked for Debian's source package of libvirt"
fetch "libvirt=$version" || fetch libvirt || cannot "Debian's source package of libvirt could not be fetched from the servers of $sources"
[[ -r $aside/libvirt_$upstream.orig.tar.xz ]] || cannot "the servers of $sources have no source package of libvirt $upstream any more"
for driver in "${!tests[@]}"; do
  mkdir "$aside/$driver" "$aside/made/$driver"
  tar -C "$aside/$driver" -xf "$aside/libvirt_$upstream.orig.tar.xz" --wildcards "*/tests/${tests[$driver]}/*.xml"
  cp "$aside/$driver"/libvirt-*/tests/"${tests[$driver]}"/*.xml "$aside/made/$driver"
done
chmod 755 "$aside/made"
mv "$aside/made" "$definitions"
echo "$definitions"
