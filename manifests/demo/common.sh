# What up.sh and down.sh share. Everything the demo started is written down in $state before it is used, so that it can be taken away after a crash.
set -euo pipefail

demo=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$demo/../.." && pwd)
state=${XDG_STATE_HOME:-$HOME/.local/state}/virtwright/demo
host=qemu:///system
port=$(sed -n 's|.*http://127\.0\.0\.1:\([0-9]*\)/vmlinuz.*|\1|p' "$demo/machine.yaml")
pool_path=$(sed -n 's|.*directory: { path: \(.*\) }.*|\1|p' "$demo/host.yaml")
virtwright=(node "$top/dist/controllers/main.js")

step() { printf '  %s\n' "$*"; }
die() { printf 'demo: %s\n' "$*" >&2; exit 1; }

host_answers() { virsh --quiet --connect "$host" uri >/dev/null 2>&1; }

# A process is known by its id and its start time: ids are given out again.
start_time() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20; }
remember() { mkdir -p "$state" && echo "$2 $(start_time "$2")" >"$state/$1.pid"; } # name pid
remembered() { # name -> its pid, while it lives
  local pid time
  read -r pid time 2>/dev/null <"$state/$1.pid" || return 1
  [[ -n $time && $(start_time "$pid") == "$time" ]] && echo "$pid"
}

stop_remembered() { # name: asks politely for ten seconds
  local pid tries
  if pid=$(remembered "$1"); then
    kill "$pid" 2>/dev/null || true
    for ((tries = 0; tries < 100; tries++)); do remembered "$1" >/dev/null || break; sleep 0.1; done
    ! remembered "$1" >/dev/null || kill -KILL "$pid" 2>/dev/null || true
  fi
  rm -f "$state/$1.pid"
}

# With the host's own folders, so that virsh finds it; with the host's own pid file, so that a second one does not start.
start_daemon() { # program
  mkdir -p "$state"
  "$top/test/peers/without-broken-kvm.sh" "$1" --daemon --pid-file "/run/$1.pid" >"$state/$1.log" 2>&1 || return 1
  remember "$1" "$(<"/run/$1.pid")"
}

ensure_libvirt() {
  local tries
  host_answers && return
  [[ $EUID -eq 0 ]] || die "libvirt does not answer at $host; start it, or run this as root"
  step 'starting libvirtd'
  start_daemon virtlogd || true # it may run already, and be somebody else's
  start_daemon libvirtd || die "libvirtd did not start: $(tail -n 3 "$state/libvirtd.log")"
  for ((tries = 0; tries < 100; tries++)); do host_answers && return; sleep 0.1; done
  die "libvirtd started, but $host does not answer"
}
