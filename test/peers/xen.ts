import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { endChild, freePorts, hasEnded } from '#test/cluster/process.js';
import { buildPeer } from './build.js';
import { runScript, startRelay } from './emulated.js';
import { idleKernel } from './xen/idle.js';

/**
 * A host with Xen: a small Debian as its first domain, under emulation, with libvirt's Xen driver. It is taken up where it stood when it was
 * built, just booted, and its files are none of this machine's. What is written into it is gone when it stops.
 */
export interface XenHost extends AsyncDisposable {
  readonly uri: string;
  /** A folder of this machine for the test's own files. */
  readonly directory: string;
  readonly guest: XenGuest;
  /** What a script of bash prints in the first domain; rejects with all that it said when it fails, or takes longer than two minutes. */
  shell(script: string): Promise<string>;
  virsh(...args: readonly string[]): Promise<string>;
  /** Breaks all connections to its daemon; new ones can be made. */
  disconnect(): void;
}

/** The test guest, for Xen; see test/peers/guest/README.md. */
export interface XenGuest {
  /** What its kernel's command line begins with. */
  readonly words: string;
  /** Paths on the host. `idle` is a kernel that does nothing, and starts in no time. */
  readonly onHost: { readonly kernel: string; readonly initrd: string; readonly idle: string };
  /** Files of this machine, with the same in them. */
  readonly here: { readonly kernel: string; readonly initrd: string };
}

const ports = { libvirt: 16_509, shell: 5_514 } as const;
const wakingMs = 120_000;

/** Rejects with AssetsMissing where it cannot be built. */
export async function startXen(): Promise<XenHost> {
  const folder = await buildPeer('xen');
  const [relayed = 0, libvirt = 0, shellPort = 0] = await freePorts(3);
  const directory = await mkdtemp(join(tmpdir(), 'vw-xen-'));
  const machine = await takeUp(folder, directory, { [libvirt]: ports.libvirt, [shellPort]: ports.shell });
  const relay = await startRelay(relayed, libvirt);
  const stop = async () => {
    relay.close();
    await endChild(machine, 'SIGKILL');
    await rm(directory, { recursive: true, force: true });
  };
  const uri = `xen+tcp://127.0.0.1:${relayed}/system`;
  const shell = (script: string) => runScript(shellPort, script);
  try {
    await wake(machine);
    // It stood still since it was kept; a host knows what time it is.
    await shell(`date --set=@${Math.floor(Date.now() / 1_000)}`);
    await shell(`base64 -d >/guest/idle <<'END'\n${idleKernel().toString('base64')}\nEND`);
    return {
      uri,
      directory,
      guest: {
        words: (await readFile(join(folder, 'cmdline'), 'utf8')).trim(),
        onHost: { kernel: '/guest/vmlinux', initrd: '/guest/guest.initrd', idle: '/guest/idle' },
        here: { kernel: join(folder, 'vmlinuz'), initrd: join(folder, 'guest.initrd') },
      },
      shell,
      virsh: async (...args) => (await promisify(execFile)('virsh', ['--connect', uri, ...args], { timeout: 120_000 })).stdout,
      disconnect: () => relay.cut(),
      [Symbol.asyncDispose]: stop,
    };
  } catch (reason) {
    const said = await readFile(join(directory, 'console.log'), 'utf8').catch(() => '');
    await stop();
    throw new Error(`the host with Xen does not wake up; it said: ${said}`, { cause: reason });
  }
}

/** Its network is its own: nothing leads out of it, and into it only from this machine. On its input and output it takes orders (QMP). */
async function takeUp(folder: string, directory: string, forwards: Readonly<Record<number, number>>): Promise<ChildProcess> {
  const words = (await readFile(join(folder, 'machine'), 'utf8')).trimEnd().split('\n');
  const hostfwd = Object.entries(forwards).map(([here, there]) => `hostfwd=tcp:127.0.0.1:${here}-:${there}`);
  return spawn(
    'setpriv', // it dies with the test, however that ends
    [
      ...['--pdeathsig', 'KILL', 'qemu-system-x86_64', ...words],
      ...['-drive', 'file=booted.qcow2,format=qcow2,if=virtio,cache=unsafe,snapshot=on'],
      ...['-netdev', ['user,id=n0,restrict=on', ...hostfwd].join(','), '-device', 'virtio-net-pci,netdev=n0,romfile='],
      ...['-serial', `file:${join(directory, 'console.log')}`, '-incoming', 'exec:cat booted.state', '-qmp', 'stdio'],
    ],
    { cwd: folder, stdio: ['pipe', 'pipe', 'inherit'] },
  );
}

/** It was stopped when it was kept, and is let go once it is all there. */
async function wake(machine: ChildProcess): Promise<void> {
  const { stdin, stdout } = machine;
  if (stdin === null || stdout === null) throw new Error('no way to give orders');
  let status = '';
  createInterface(stdout).on('line', (line) => {
    status = (JSON.parse(line) as { readonly return?: { readonly status?: string } }).return?.status ?? status;
  });
  const order = (execute: string) => stdin.write(`${JSON.stringify({ execute })}\n`);
  order('qmp_capabilities');
  for (const end = Date.now() + wakingMs; status !== 'running'; await sleep(100)) {
    if (hasEnded(machine) || Date.now() > end) throw new Error(`its state is ${status || 'not known'}`);
    order(status === 'paused' ? 'cont' : 'query-status');
    if (status === 'paused') status = '';
  }
}
