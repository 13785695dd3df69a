import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import type { Driver, MachineDefinition, NetworkDefinition, PoolDefinition, PoolId, VolumeFormat } from '#drivers/driver.js';
import { connectHypervDriver } from '#drivers/hyperv/driver.js';
import { Credentials } from '#drivers/target.js';
import { Simulator, type SimulatorOptions } from '#simulators/hyperv/simulator.js';
import { skipWhereMissing } from './build.js';
import { servedDrives } from './hyperv-files.js';

const user = { name: 'Administrator', password: 'secret' };

export const soon = () => AbortSignal.timeout(120_000);
export const pool = 'd:\\hyper-v' as PoolId;
export const mark = { owner: { cluster: 'c', namespace: 'shop', name: 'web', uid: 'u' }, record: 'r' };
export const definition: MachineDefinition = {
  uuid: '5c3a3b3e-1f0e-4a6e-9a7b-111111111111',
  nativeName: 'shop.web',
  cpuCount: 1,
  memoryBytes: 64 << 20,
  disks: [],
  interfaces: [],
  serial: false,
  rng: false,
};

/** A network adapter of a simulated host's, and a network that leads outside by it. */
export const device = 'Intel(R) 82574L Gigabit Network Connection #2';
export const outside: NetworkDefinition = {
  uuid: '5c3a3b3e-1f0e-4a6e-9a7b-222222222222',
  nativeName: 'shop.out',
  forward: { mode: 'Direct', device },
  records: [],
};

/** A simulated host with a folder for disks, and our driver for it, which writes no files there. `connect` is another life of ours. */
export async function hypervHost(t: Test, mode: 'v1' | 'v2', options: Partial<SimulatorOptions> = {}, smb: number | 'off' = 'off') {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'vw-hyperv-')));
  await mkdir(join(folder, 'D/Hyper-V'), { recursive: true });
  const simulator = await Simulator.start({ mode, folder, users: [user], jobMs: 2, ...options });
  t.teardown(async () => {
    await simulator[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });
  const secret = { username: user.name, password: user.password };
  const connectBy = async (by: number | 'off'): Promise<Driver> => {
    const credentials = new Credentials(Object.entries(secret).map(([key, value]) => [key, Buffer.from(value)] as const));
    const uri = `hyperv://127.0.0.1:${simulator.port}/?transport=http&smb=${by}`;
    const driver = await connectHypervDriver(uri, credentials, { signal: soon(), pace: { first: 1, longest: 5 } });
    t.teardown(() => driver[Symbol.asyncDispose]());
    return driver;
  };
  const connect = () => connectBy(smb);
  const driver = await connect();
  const facet = <F extends 'volumes' | 'networks' | 'pools' | 'live'>(name: F): NonNullable<Driver[F]> => {
    const found = driver[name];
    if (found === undefined) throw new Error(`no ${name}`);
    return found;
  };
  const disk = (nativeName: string, format: VolumeFormat = 'Vhd') =>
    facet('volumes').create({ pool, nativeName, format, sizeBytes: 4 << 20 }, soon());
  const read = async (id: string) => (await driver.machines.read([id as never], soon())).machines[0];
  return { folder, simulator, connect, connectBy, driver, facet, disk, read };
}

/** Where a simulated host puts disks when nobody says where. */
export const usualFolder = 'C/Hyper-V/Virtual Hard Disks';

/** The same, whose drives are also reached by SMB: what is written there is what WMI shows. */
export async function hypervWithFiles(t: Test, mode: 'v1' | 'v2', options: Partial<SimulatorOptions> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'vw-hyperv-'));
  for (const each of ['D/Hyper-V', usualFolder]) await mkdir(join(folder, each), { recursive: true });
  const samba = await servedDrives(folder, user).catch((reason) => skipWhereMissing(t, reason));
  t.teardown(() => samba[Symbol.asyncDispose]());
  return { ...(await hypervHost(t, mode, { folder, ...options }, samba.port)), samba };
}

/** The pool of the folder `disks` on a share of a file server. */
export const sharePool: PoolDefinition = {
  uuid: '5c3a3b3e-1f0e-4a6e-9a7b-222222222222',
  nativeName: 'virtwright.shared',
  source: { kind: 'smb', server: '127.0.0.2', share: 'VMs', folder: 'Disks' },
};

/** The same, and a file server with a share: Windows without Hyper-V, at the host's port of another address. */
export async function hypervWithShare(t: Test, options: Partial<SimulatorOptions> = {}, smb: number | 'off' = 'off') {
  const host = await hypervHost(t, 'v2', {}, smb);
  const folder = await mkdtemp(join(tmpdir(), 'vw-files-'));
  const { port } = host.simulator;
  const server = await Simulator.start({ mode: 'v2', without: true, host: '127.0.0.2', port, folder, users: [user], ...options });
  t.teardown(async () => {
    await server[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });
  await server.share('VMs', 'D:\\Shares\\VMs', '127.0.0.2', host.simulator);
  await server.host.options.store.makeFolder('D:\\Shares\\VMs\\Disks');
  return { ...host, server, files: server.host.options.store };
}

/** From the `nth` question on nothing is heard any more, as when our process ends there: that one is answered to nobody, or not even done. */
export function endAt(
  simulator: Simulator,
  nth: number,
  isDone: boolean,
  counts: (what: string) => boolean = () => true,
): { readonly asked: () => number; readonly revive: () => void } {
  const { asked, troubles } = simulator.host;
  let count = 0;
  const push = asked.push.bind(asked);
  asked.push = (...what) => {
    if (what.some(counts)) {
      count += 1;
      if (count === nth && isDone) troubles.add('*', { kind: 'cut', when: 'after' }, 1);
      if (count === (isDone ? nth + 1 : nth)) troubles.add('*', { kind: 'cut', when: 'before' });
    }
    return push(...what);
  };
  return {
    asked: () => count,
    revive: () => {
      troubles.calm();
      asked.push = push;
    },
  };
}
