import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type t from 'tap';
import type { Pace } from '#controllers/agent/host.js';
import type { VirtualMachine } from '#crds/types.js';
import { connect } from '#drivers/connect.js';
import type { Driver, MachineId } from '#drivers/driver.js';
import type { ApiServerOptions } from '#test/cluster/api-server.js';
import { condition, type Running, useWorld, type World } from '#test/cluster/world.js';
import { type Libvirtd, type LibvirtdOptions, startLibvirtd } from '#test/peers/libvirtd.js';
import { ImageServer } from './images.js';
import { OperatorProcess } from './operator-process.js';

const run = promisify(execFile);
const top = fileURLToPath(new URL('../../..', import.meta.url));

/** A real libvirt daemon, a real API server, a server of images, and what is needed to break them. */
export class Lab {
  readonly world: World;
  readonly daemon: Libvirtd;
  readonly images: ImageServer;
  /** Of the pool `fast`. */
  readonly poolPath: string;
  /** As an onlooker would have it. */
  readonly driver: () => Promise<Driver>;
  /** Where the guest that boots is fetched from, and what its kernel is told first. */
  readonly guestImages: { readonly kernel: string; readonly initrd: string; readonly words: string };

  constructor(world: World, daemon: Libvirtd, images: ImageServer, guest: Guest) {
    this.world = world;
    this.daemon = daemon;
    this.images = images;
    this.poolPath = join(daemon.directory, 'pools/fast');
    this.driver = () => connect({ uri: daemon.uri }, AbortSignal.timeout(30_000));
    this.guestImages = {
      kernel: images.put('vmlinuz', { bytes: guest.kernel }),
      initrd: images.put('initrd', { bytes: guest.initrd }),
      words: guest.words,
    };
  }

  hypervisor(annotations: Readonly<Record<string, string>> = {}) {
    const grants = [{ name: 'images', namespaces: { from: 'All' }, addresses: ['127.0.0.0/8'] }];
    return {
      kind: 'Hypervisor',
      metadata: { name: 'one', annotations },
      spec: { uri: this.daemon.uri, defaultPoolRef: { name: 'fast' }, grants },
    };
  }

  pool() {
    return { kind: 'StoragePool', metadata: { name: 'fast' }, spec: { directory: { path: this.poolPath } } };
  }

  volume(name: string, spec: object = {}, annotations: Readonly<Record<string, string>> = {}) {
    return {
      kind: 'StorageVolume',
      metadata: { name, namespace: 'default', annotations },
      spec: { size: '8Mi', format: 'Raw', reclaimPolicy: 'Delete', ...spec },
    };
  }

  /** The volumes of the guest that boots: `kernel` and `initrd`. */
  guestVolumes() {
    const { kernel, initrd } = this.guestImages;
    return [
      this.volume('kernel', { size: '24Mi', source: { url: kernel, format: 'Raw' } }),
      this.volume('initrd', { size: '4Mi', source: { url: initrd, format: 'Raw' } }),
    ];
  }

  /** Boots firmware and nothing else, in milliseconds: nobody in it heeds a power button. */
  machine(name: string, spec: object = {}, annotations: Readonly<Record<string, string>> = {}) {
    const usual = { memory: { size: '32Mi' }, stop: { mode: 'Hard' } };
    return { kind: 'VirtualMachine', metadata: { name, namespace: 'default', annotations }, spec: { ...usual, ...spec } };
  }

  /** Boots the guest; one with a disk of the machine's name counts its boots there. */
  guest(name: string, { words = '', disk = false }: { readonly words?: string; readonly disk?: boolean } = {}, spec: object = {}) {
    const commandLine = `${this.guestImages.words} vw.name=${name} ${disk ? 'vw.write=/dev/vda ' : ''}${words}`.trim();
    return this.machine(name, {
      memory: { size: '96Mi' },
      stop: { mode: 'TrySoft' },
      boot: { kernel: { volumeRef: { name: 'kernel' }, initrdVolumeRef: { name: 'initrd' }, commandLine } },
      devices: { serial: {}, rng: {} },
      ...(disk ? { disks: [{ name: 'root', volumeRef: { name } }] } : {}),
      ...spec,
    });
  }

  /** Host, pool and the guest's volumes. */
  async furnish(): Promise<void> {
    await this.world.apply(this.hypervisor(), this.pool(), ...this.guestVolumes());
  }

  /** The operator in this process. */
  start(options: { readonly pace?: Partial<Pace>; readonly only?: 'controller' | 'agent' } = {}): Promise<Running> {
    return this.world.start({ connect, hypervisors: ['one'], ...options });
  }

  /** A part of the operator as a process of its own. */
  process(command: 'controller' | 'agent' | 'operator'): OperatorProcess {
    return new OperatorProcess(command, ['one'], this.world.cluster.kubeconfigPath, this.daemon.directory);
  }

  /** The same for a user of its own, whom the API server tells from others, with more flags. */
  async processOf(user: string, command: 'controller' | 'agent', ...flags: readonly string[]): Promise<OperatorProcess> {
    const kubeconfig = await this.world.cluster.kubeconfigFor(user, ['system:masters']);
    return new OperatorProcess(command, ['one'], kubeconfig, this.daemon.directory, [...flags, '--identity', user]);
  }

  /** Fails with what the guest printed, too: most of what a machine is waited for depends on its guest. */
  async untilReady(name: string, isSo: (machine: VirtualMachine) => boolean = () => true): Promise<VirtualMachine> {
    try {
      return await this.world.until('VirtualMachine', name, (seen) => isReady(seen) && isSo(seen), { timeoutMs: 180_000 });
    } catch (reason) {
      throw new Error(
        `${reason instanceof Error ? reason.message : reason}; its guest printed ${JSON.stringify(await this.printed(name))}`,
      );
    }
  }

  /** The last of what the guest of a machine, whose serial port is logged, has printed. */
  async printed(name: string): Promise<string | undefined> {
    const find = [
      'find',
      join(this.daemon.directory, 'pools'),
      '-name',
      `default.${name}*.console`,
      '-exec',
      'tail',
      '-c',
      '2000',
      '{}',
      ';',
    ];
    return this.daemon.inside(...(find as [string, ...string[]])).catch(() => undefined);
  }

  async remove(...names: readonly string[]): Promise<void> {
    for (const name of names) await this.world.delete('VirtualMachine', name);
    for (const name of names) await this.untilGone('VirtualMachine', name);
  }

  /** In patience: what must be found by a poll, or by who was killed meanwhile, takes its time. */
  async untilGone(kind: 'VirtualMachine' | 'StorageVolume', name: string): Promise<void> {
    await this.until(`${kind} ${name} is gone`, async () => (await this.world.get(kind, name)) === undefined, 180_000);
  }

  /** Asks the guest on its console until it answers with its banner; gives all that was heard. */
  banner(machine: VirtualMachine): Promise<string> {
    return this.told(machine, '', new RegExp(`virtwright guest ready: ${machine.metadata.name}`));
  }

  /** Types a shell command on the guest's console, again and again, until something like `answer` was heard; gives all that was. */
  async told({ metadata, status }: VirtualMachine, command: string, answer: RegExp): Promise<string> {
    const signal = AbortSignal.timeout(90_000);
    await using driver = await this.driver();
    if (driver.consoles === undefined) throw new Error('libvirt has no consoles');
    await using line = await driver.consoles.open(status?.uuid as MachineId, signal);
    signal.addEventListener('abort', () => line[Symbol.asyncDispose]());
    const asking = setInterval(() => line.write(Buffer.from(`${command}\n`), signal).catch(() => {}), 500);
    let heard = '';
    try {
      for await (const chunk of line.output) {
        heard += Buffer.from(chunk).toString();
        if (answer.test(heard)) return heard;
      }
    } finally {
      clearInterval(asking);
    }
    throw new Error(`the console of ${metadata.name} ended after ${JSON.stringify(heard)}`);
  }

  /** How often a guest has booted from the volume, by its own count. */
  async boots(volume: string): Promise<number> {
    const status = (await this.world.get('StorageVolume', volume))?.status;
    const sector = (await readFile(status?.location ?? '')).subarray(0, 512).toString('latin1');
    return Number(/virtwright-boots (\d+)/.exec(sector)?.[1] ?? 0);
  }

  /** Resolves to the count once it is this high. */
  async untilBooted(volume: string, times: number): Promise<number> {
    await this.until(`${times} boots from ${volume}`, async () => (await this.boots(volume).catch(() => 0)) >= times);
    return this.boots(volume);
  }

  /** The process of the machine of this native name. */
  async qemu(nativeName: string): Promise<number | undefined> {
    for (const pid of await this.daemon.processes()) {
      const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      if (line.includes(`guest=${nativeName},`)) return pid;
    }
    return undefined;
  }

  /** The names of the files in the pool. */
  async stored(): Promise<readonly string[]> {
    return (await readdir(this.poolPath)).sort();
  }

  async until(what: string, isSo: () => Promise<boolean>, timeoutMs = 90_000): Promise<void> {
    for (const end = Date.now() + timeoutMs; !(await isSo()); await sleep(50)) {
      if (Date.now() > end) throw new Error(`waited in vain: ${what}`);
    }
  }
}

export const isReady = (seen: Parameters<typeof condition>[0]): boolean => condition(seen, 'Ready')?.status === 'True';

/** `reason: message` of the condition, as far as it is True. */
export const stalledWith = (seen: Parameters<typeof condition>[0]): string | undefined => {
  const stalled = condition(seen, 'Stalled');
  return stalled?.status === 'True' ? `${stalled.reason}: ${stalled.message}` : undefined;
};

interface Guest {
  readonly kernel: Uint8Array;
  readonly initrd: Uint8Array;
  readonly words: string;
}

/** For the whole test file; all of it is gone at its end. */
export async function useLab(test: typeof t, options: LibvirtdOptions = {}, server: ApiServerOptions = {}): Promise<Lab> {
  const world = await useWorld(test, server);
  test.setTimeout(15 * 60_000);
  const [guest, daemon, images] = await Promise.all([buildGuest(), startLibvirtd(options), ImageServer.start()]);
  test.teardown(async () => {
    await images[Symbol.asyncDispose]();
    await daemon.stop();
  });
  await hideKvm(daemon);
  return new Lab(world, daemon, images, guest);
}

async function buildGuest(): Promise<Guest> {
  const folder = (await run(join(top, 'test/peers/guest/build.sh'))).stdout.trim();
  const [kernel, initrd, words] = await Promise.all(['vmlinuz', 'initrd', 'cmdline'].map((name) => readFile(join(folder, name))));
  if (kernel === undefined || initrd === undefined) throw new Error(`no guest in ${folder}`);
  return { kernel, initrd, words: `${words}`.trim() };
}

/**
 * What works on one machine and hangs on the next is no part of these tests: to the daemon there is no KVM. What it finds out about its
 * emulators, which takes seconds, is true for all daemons without it.
 */
export async function hideKvm(daemon: Libvirtd): Promise<void> {
  const cache = join(tmpdir(), 'vw-libvirtd-cache-without-kvm');
  const nothing = join(daemon.directory, 'nothing');
  await mkdir(cache, { recursive: true });
  await writeFile(nothing, '');
  const hide = `mount --bind ${nothing} /dev/kvm && mount -o remount,bind,ro /dev/kvm`;
  const script = `! [ -e /dev/kvm ] || { ${hide}; } && mount --bind ${cache} /var/cache/libvirt`;
  await run('nsenter', ['--target', `${daemon.pid}`, '--mount', 'sh', '-c', script]);
  await daemon.restart();
}
