# For the build.sh of a peer that is made with Go, to be sourced. Tests running side by side wait for one build.

has_all() { for program in $programs; do [ -x "$final/$program" ] || return 1; done; }

# cached NAME PROGRAMS: where the cache has them already, prints the folder and ends; else there is an empty one at $aside, to be filled.
cached() {
  cache=${XDG_CACHE_HOME:-$HOME/.cache}/virtwright
  final=$cache/$1
  programs=$2
  if has_all; then echo "$final"; exit; fi
  command -v go >/dev/null || { echo "Go 1.26 or newer is needed to build $programs; see $0" >&2; exit 3; }
  mkdir -p "$cache"
  exec 9>"$final.lock"
  flock 9
  if has_all; then echo "$final"; exit; fi
  aside=$(mktemp -d "$cache/building.XXXXXX")
  trap 'rm -rf "$aside"' EXIT
  trap 'exit 1' HUP INT TERM
  chmod 755 "$aside"
  export CGO_ENABLED=0 GOFLAGS=-mod=readonly GOWORK=off
}

# Keeps what is at $aside from now on, and prints where.
keep() {
  rm -rf "$final"
  mv "$aside" "$final"
  trap - EXIT
  echo "$final"
}
