import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { endChild, freePorts } from '#test/cluster/process.js';
import { buildPeer } from './build.js';
import { heard, runScript, startRelay } from './emulated.js';

/**
 * A host of stores: a small Debian under emulation, with libvirt, and with what a machine of ours may lack, as NFS servers, volume groups
 * and LUNs. It is reached by libvirt's protocol on a socket of this machine, and by a shell. What is written into it is gone when it stops.
 */
export interface Stores extends AsyncDisposable {
  readonly uri: string;
  /** What a script of bash prints there; rejects with all that it said when it fails, or takes longer than two minutes. */
  shell(script: string): Promise<string>;
  virsh(...args: readonly string[]): Promise<string>;
  /** Breaks all connections to its daemon; new ones can be made. */
  disconnect(): void;
}

const ports = { libvirt: 16_509, shell: 5_514 } as const;
const bootMs = 180_000;

/** Rejects with AssetsMissing where it cannot be built. */
export async function startStores(): Promise<Stores> {
  const folder = await buildPeer('stores');
  const [libvirt = 0, shell = 0] = await freePorts(2);
  const directory = await mkdtemp(join(tmpdir(), 'vw-stores-'));
  const machine = boot(folder, { [libvirt]: ports.libvirt, [shell]: ports.shell });
  const stop = async () => {
    await endChild(machine, 'SIGKILL');
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await heard(machine, 'virtwright host of stores ready', bootMs);
    const socket = join(directory, 'libvirt-sock');
    const relay = await startRelay(socket, libvirt);
    const uri = `qemu+unix:///system?socket=${socket}`;
    return {
      uri,
      shell: (script) => runScript(shell, script),
      virsh: async (...args) => (await promisify(execFile)('virsh', ['--connect', uri, ...args], { timeout: 120_000 })).stdout,
      disconnect: () => relay.cut(),
      [Symbol.asyncDispose]: async () => {
        relay.close();
        await stop();
      },
    };
  } catch (reason) {
    await stop();
    throw reason;
  }
}

/** Its network is its own: nothing leads out of it, and into it only from this machine. */
function boot(folder: string, forwards: Readonly<Record<number, number>>): ChildProcess {
  const hostfwd = Object.entries(forwards).map(([here, there]) => `hostfwd=tcp:127.0.0.1:${here}-:${there}`);
  const words = 'console=ttyS0 quiet mitigations=off random.trust_cpu=1 audit=0 apparmor=0 net.ifnames=0';
  return spawn(
    'setpriv', // it dies with the test, however that ends
    [
      ...['--pdeathsig', 'KILL', 'qemu-system-x86_64'],
      ...['-accel', 'tcg,tb-size=256', '-cpu', 'Nehalem', '-m', '768', '-nodefaults', '-no-user-config', '-display', 'none'],
      ...['-no-reboot', '-serial', 'stdio', '-kernel', join(folder, 'vmlinuz'), '-initrd', join(folder, 'initrd'), '-append', words],
      ...['-drive', `file=${join(folder, 'root.img')},format=raw,if=virtio,cache=unsafe,snapshot=on`],
      ...['-netdev', ['user,id=n0,restrict=on', ...hostfwd].join(','), '-device', 'virtio-net-pci,netdev=n0,romfile='],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
}
