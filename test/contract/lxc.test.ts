import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { chown, lstat, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { connect } from '#drivers/connect.js';
import type { ContainerLimits, Driver, MachineDefinition, MachineId } from '#drivers/driver.js';
import { connectLibvirt } from '#drivers/libvirt/connect.js';
import { container } from '#drivers/libvirt/dialects/container/dialect.js';
import { libvirtDriver } from '#drivers/libvirt/driver.js';
import { containerBanner, containerRoot, giveToContainers, makeContainerRoot, packContainerRoot } from '#test/peers/containers.js';
import { startLibvirtd } from '#test/peers/libvirtd.js';
import { contract } from './contract.js';
import { type Virsh, virshPeer } from './libvirt-peer.js';
import type { GuestRecipe, Peer } from './subject.js';

t.setTimeout(900_000);

const run = promisify(execFile);
const daemon = await startLibvirtd();
t.teardown(() => daemon.stop());

const directory = join(daemon.directory, 'pools');
await mkdir(directory);
const root = join(daemon.directory, 'root');
await makeContainerRoot(root);
await giveToContainers(root);

const virsh: Virsh = async (...args) => (await run('virsh', ['--connect', daemon.lxcUri, ...args])).stdout;

const peer: Peer = {
  ...virshPeer(virsh, daemon.directory),
  editMemory: async (uuid, memoryBytes) => {
    await virsh('setmaxmem', uuid, `${memoryBytes}B`, '--config');
    await virsh('setmem', uuid, `${memoryBytes}B`, '--config');
  },
  writeTrace: async (uuid) => {
    const name = (await virsh('domname', uuid)).trim();
    const { ino, mtimeNs } = await stat(join(daemon.directory, `etc/lxc/${name}.xml`), { bigint: true });
    return `${ino} ${mtimeNs}`;
  },
  putFile: (path, content) => writeFile(path, content),
  disconnect: () => daemon.restart(),
};

/** A container whose init does as these words say. */
function guest(...words: readonly string[]): GuestRecipe {
  return {
    prepare: async (definition: MachineDefinition) => ({
      ...definition,
      serial: true,
      container: { root, init: ['/sbin/init', 'name=contract', ...words] },
    }),
    ready: heardBanner,
  };
}

const banner = `${containerBanner} contract`;

async function heardBanner({ consoles }: Driver, id: MachineId): Promise<void> {
  const signal = AbortSignal.timeout(60_000);
  await using console = await consoles?.open(id, signal);
  let heard = '';
  for await (const bytes of console?.output ?? []) {
    heard += Buffer.from(bytes).toString('latin1');
    if (heard.includes(banner)) return;
  }
  throw new Error(`the container did not come up; heard: ${heard}; ${await logs()}`);
}

const logs = (): Promise<string> => readFile(join(daemon.directory, 'log/libvirtd.log'), 'utf8').catch(() => '');

await contract(t, {
  name: 'libvirt with LXC',
  connect: () => connect({ uri: daemon.lxcUri }, AbortSignal.timeout(30_000)),
  peer,
  directory,
  shape: { memoryBytes: 32 << 20, container: { root, init: ['/sbin/init', 'deaf'] } },
  cannot: ['startPaused', 'reset', 'haveDisks'],
  looks: 600,
  guests: {
    hearing: guest(),
    deaf: guest('deaf'),
    leaving: { prepare: guest('leave').prepare },
    talking: { ...guest(), prints: banner },
    unstartable: {
      prepare: async (definition) => ({ ...definition, container: { root: join(daemon.directory, 'nowhere'), init: ['/sbin/init'] } }),
    },
  },
});

t.test('a root below a folder that lets nobody pass is refused with the remedy', async (t) => {
  const closed = join(daemon.directory, 'closed');
  await mkdir(closed, { mode: 0o700 });
  await makeContainerRoot(join(closed, 'root'));
  await giveToContainers(join(closed, 'root'));
  const signal = AbortSignal.timeout(30_000);
  await using driver = await connect({ uri: daemon.lxcUri }, signal);
  const owner = { cluster: 'contract', namespace: 'shop', name: 'closed', uid: 'closed' };
  const definition: MachineDefinition = {
    uuid: '00000000-0000-4000-8000-00000000c105',
    nativeName: 'contract.closed',
    cpuCount: 1,
    memoryBytes: 32 << 20,
    disks: [],
    interfaces: [],
    serial: false,
    rng: false,
    container: { root: join(closed, 'root'), init: ['/sbin/init'] },
  };
  const id = await driver.machines.define(definition, { owner, record: '' }, signal);
  await t.rejects(driver.power.start(id, { paused: false }, signal), { code: 'Denied', message: /chmod o\+x/ });
});

/** What the kernel was told of the group of processes that a container is; this host has cgroups of version 1 or 2. */
async function told(name: string, controller: string, [v1, v2]: readonly [v1: string, v2: string]): Promise<string> {
  for (const [machines, file] of [
    [`/sys/fs/cgroup/${controller}/machine`, v1],
    ['/sys/fs/cgroup/machine', v2],
  ] as const) {
    const group = (await readdir(machines).catch(() => [])).find((each) => each.endsWith(`-${name}.libvirt-lxc`));
    if (group !== undefined) return (await readFile(join(machines, group, file), 'utf8')).trim();
  }
  throw new Error(`no group of ${name}`);
}

t.test('the kernel holds a container to its limits, which change while it runs', async (t) => {
  const signal = AbortSignal.timeout(60_000);
  await using driver = await connect({ uri: daemon.lxcUri }, signal);
  const owner = { cluster: 'contract', namespace: 'shop', name: 'limited', uid: 'limited' };
  const mark = { owner, record: '' };
  const definition = (limits: ContainerLimits, change: Partial<MachineDefinition>): MachineDefinition => ({
    uuid: '00000000-0000-4000-8000-00000000c106',
    nativeName: 'limited',
    cpuCount: 1,
    memoryBytes: 32 << 20,
    maxMemoryBytes: 64 << 20,
    maxCpuCount: 2,
    disks: [],
    interfaces: [],
    serial: false,
    rng: false,
    container: { root, init: ['/sbin/init'], limits },
    ...change,
  });
  const id = await driver.machines.define(definition({ readBytes: 1 << 20, writeIops: 50 }, { cpuShares: 300 }), mark, signal);
  await driver.power.start(id, { paused: false }, signal);
  t.match(await told('limited', 'cpu', ['cpu.shares', 'cpu.weight']), /^300$/);
  t.match(await told('limited', 'cpu', ['cpu.cfs_quota_us', 'cpu.max']), /^100000\b/);
  t.equal(await told('limited', 'memory', ['memory.limit_in_bytes', 'memory.max']), `${32 << 20}`);
  t.match(await told('limited', 'blkio', ['blkio.throttle.read_bps_device', 'io.max']), /^\d+:\d+ .*1048576/);
  t.match(await told('limited', 'blkio', ['blkio.throttle.write_iops_device', 'io.max']), /^\d+:\d+ .*50/);
  const changed = { cpuShares: 600, cpuCount: 2, memoryBytes: 64 << 20 };
  await driver.machines.define(definition({ readBytes: 2 << 20 }, changed), mark, signal);
  for (const kind of ['cpuShares', 'cpu', 'memory', 'containerLimits'] as const) await driver.live?.apply(id, owner, { kind }, signal);
  t.match(await told('limited', 'cpu', ['cpu.shares', 'cpu.weight']), /^600$/);
  t.match(await told('limited', 'cpu', ['cpu.cfs_quota_us', 'cpu.max']), /^200000\b/);
  t.equal(await told('limited', 'memory', ['memory.limit_in_bytes', 'memory.max']), `${64 << 20}`);
  t.match(await told('limited', 'blkio', ['blkio.throttle.read_bps_device', 'io.max']), /^\d+:\d+ .*2097152/);
  t.notMatch(await told('limited', 'blkio', ['blkio.throttle.write_iops_device', 'io.max']), /50/, 'and one that is not named goes');
  const { machines } = await driver.machines.read([id], signal);
  t.match(machines[0]?.live, { cpuShares: 600, cpuCount: 2, container: { limits: { readBytes: 2 << 20 } } });
  await driver.machines.define(definition({}, changed), mark, signal);
  await driver.live?.apply(id, owner, { kind: 'containerLimits' }, signal);
  t.notMatch(await told('limited', 'blkio', ['blkio.throttle.read_bps_device', 'io.max']), /2097152/, 'as all of them do');
  t.equal((await driver.machines.read([id], signal)).machines[0]?.live?.container?.limits, undefined);
  const nowhere = {
    ...definition({ readIops: 1 }, changed),
    container: { root: '/sys/kernel', init: ['/init'] as const, limits: { readIops: 1 } },
  };
  await t.rejects(driver.machines.define(nowhere, mark, signal), { code: 'Unsupported', message: /container\.limits: .*no disk/ });
  await driver.power.cut(id, owner, signal);
  await driver.machines.undefine(id, owner, { keepState: false }, signal);
});

t.test('what is to be read only stays so, whoever is root in the container', async (t) => {
  const [place, signal] = [join(daemon.directory, 'given'), AbortSignal.timeout(60_000)];
  await mkdir(join(root, 'given'), { recursive: true });
  await mkdir(place);
  await writeFile(join(place, 'note'), 'of another');
  for (const path of [place, root]) await giveToContainers(path);
  await using driver = await connect({ uri: daemon.lxcUri }, signal);
  const owner = { cluster: 'contract', namespace: 'shop', name: 'reader', uid: 'reader' };
  const { prepare, ready } = guest();
  const definition = await prepare({
    uuid: '00000000-0000-4000-8000-00000000c107',
    nativeName: 'reader',
    cpuCount: 1,
    memoryBytes: 32 << 20,
    disks: [],
    interfaces: [],
    serial: true,
    rng: false,
  });
  const mounts = [{ path: '/given', location: place, readOnly: true as const }];
  const container = { root, init: ['/sbin/init', 'name=contract'] as const, mounts };
  const id = await driver.machines.define({ ...definition, container }, { owner, record: '' }, signal);
  await driver.power.start(id, { paused: false }, signal);
  await ready?.(driver, id);
  await using console = await driver.consoles?.open(id, signal);
  let heard = '';
  await console?.write(Buffer.from('mount -o remount,bind,rw /given; echo evil >/given/note; echo do""ne\n'), signal);
  for await (const bytes of console?.output ?? []) {
    heard += Buffer.from(bytes).toString('latin1');
    if (heard.includes('done')) break;
  }
  t.match(heard, /Read-only file system/);
  t.equal(await readFile(join(place, 'note'), 'utf8'), 'of another');
  await driver.power.cut(id, owner, signal);
  await driver.machines.undefine(id, owner, { keepState: false }, signal);
});

t.test('a directory volume is filled, filled anew, and deleted with all that a container made of it', async (t) => {
  const signal = AbortSignal.timeout(60_000);
  await using driver = await connect({ uri: daemon.lxcUri }, signal);
  const { pools, volumes } = driver;
  if (pools === undefined || volumes === undefined) throw new Error('libvirt has pools');
  const source = { kind: 'directory', path: join(directory, 'trees') } as const;
  const pool = await pools.define({ uuid: '00000000-0000-4000-8000-0000000074ee', nativeName: 'trees', source }, signal);
  await pools.start(pool, signal);
  const id = { pool, nativeName: 'contract.tree' };
  const { location } = await volumes.create({ ...id, format: 'Directory', sizeBytes: 1 << 20 }, signal);
  const packed = join(daemon.directory, 'packed.tar');
  await packContainerRoot(packed, daemon.directory);
  await volumes.upload(id, createReadStream(packed), signal);
  t.match(await volumes.list(pool, { refresh: true }, signal), [{ id, format: 'Directory', sizeBytes: 0 }]);
  t.equal((await lstat(join(location, 'sbin/init'))).uid, containerRoot);
  const outside = join(daemon.directory, 'outside');
  await mkdir(outside);
  await writeFile(join(outside, 'kept'), 'kept');
  await symlink(outside, join(location, 'out'));
  await writeFile(join(location, 'written'), 'by a container');
  await chown(location, containerRoot + 1_000, containerRoot + 1_000);
  await volumes.upload(id, createReadStream(packed), signal);
  t.notOk(
    (await readdir(location)).some((name) => name === 'written' || name === 'out'),
    'nothing is left of what was there',
  );
  await symlink(outside, join(location, 'out'));
  await volumes.delete(id, signal);
  await volumes.delete(id, signal);
  t.same([await readdir(source.path), await readdir(outside)], [[], ['kept']], 'and no link was followed');
  await pools.undefine(pool, signal);
});

t.test('a daemon that is reached from afar has its directories filled and emptied by nobody here', async (t) => {
  const signal = AbortSignal.timeout(60_000);
  const precious = join(directory, 'far/contract.precious');
  await using near = await connect({ uri: daemon.lxcUri }, signal);
  const { pools, volumes } = near;
  const uuid = '00000000-0000-4000-8000-00000000fa40';
  const pool = await pools?.define({ uuid, nativeName: 'far', source: { kind: 'directory', path: join(directory, 'far') } }, signal);
  if (pools === undefined || volumes === undefined || pool === undefined) throw new Error('libvirt has pools');
  await pools.start(pool, signal);
  const id = { pool, nativeName: 'contract.precious' };
  await volumes.create({ ...id, format: 'Directory', sizeBytes: 1 << 20 }, signal);
  await writeFile(join(precious, 'file'), 'somebody’s');
  const open = () => connectLibvirt(daemon.lxcUri, {}, signal);
  await using far = libvirtDriver(await open(), open, container, { isHere: false });
  await t.rejects(far.volumes?.delete(id, signal) ?? Promise.resolve(), { code: 'Unsupported' });
  t.same(await readdir(precious), ['file']);
  await volumes.delete(id, signal);
  await pools.undefine(pool, signal);
});
