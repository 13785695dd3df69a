# What prepare.sh and down.sh share. Everything the demo starts is written down in $state before it is used, so that it can be taken away after a crash.
set -euo pipefail
export LC_ALL=C PATH=$PATH:/usr/sbin:/sbin

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
state=${XDG_STATE_HOME:-$HOME/.local/state}/virtwright/demo
host=qemu:///system
cluster=virtwright-demo
network=default.virtwright-demo
pool_path=/var/lib/libvirt/images/virtwright-demo

step() { printf '  %s\n' "$*"; }
die() { printf 'demo: %s\n' "$1" >&2; shift; [[ $# -eq 0 ]] || printf '      %s\n' "$@" >&2; exit 1; }

# Never asks for a password, never waits for long.
on_host() { setsid --wait timeout 60 virsh --quiet --connect "$host" "$@" </dev/null; }
host_answers() { on_host uri >/dev/null 2>&1; }

is_installed() { [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

demo_pools() { # -> the uuid of the demo's pool, if this host has it
  local uuid
  for uuid in $(on_host pool-list --all --uuid); do
    [[ $(on_host pool-dumpxml "$uuid" 2>/dev/null) != *"<path>$pool_path</path>"* ]] || echo "$uuid"
  done
}

# A process is known by its id and its start time: ids are given out again. A zombie is none.
start_time() { sed 's/.*) //; /^Z/d' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20; }
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

start_by_systemd() {
  step 'starting libvirt, by systemd'
  systemctl start libvirtd.socket 2>/dev/null || systemctl start virtqemud.socket virtnetworkd.socket virtstoraged.socket 2>/dev/null ||
    die "systemd could not start libvirt; see: systemctl status libvirtd"
}

start_by_hand() {
  step 'starting libvirtd: no systemd runs here that would'
  start_daemon virtlogd || true # it may run already, and be somebody else's
  start_daemon libvirtd || die "libvirtd did not start: $(tail -n 3 "$state/libvirtd.log")"
}

ensure_libvirt() {
  local tries
  host_answers && return
  [[ $EUID -eq 0 ]] || die "libvirt does not answer at $host: $(on_host uri 2>&1 | head -n 1)" "${not_root[@]}"
  if [[ -d /run/systemd/system ]]; then start_by_systemd; else start_by_hand; fi
  for ((tries = 0; tries < 100; tries++)); do host_answers && return; sleep 0.1; done
  die "libvirt was started, but does not answer at $host: $(on_host uri 2>&1 | head -n 1)"
}

not_root=(
  'If it does not run, start it:           sudo systemctl start libvirtd'
  "If it does not let you in, join it:     sudo usermod --append --groups libvirt $(id -un), then log in again"
  'Or try a hypervisor in memory:          make demo DRIVER=fake'
)
