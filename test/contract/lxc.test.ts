import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { chown, lstat, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { connect } from '#drivers/connect.js';
import type { Driver, MachineDefinition, MachineId } from '#drivers/driver.js';
import { connectLibvirt } from '#drivers/libvirt/connect.js';
import { container } from '#drivers/libvirt/dialects/container/dialect.js';
import { libvirtDriver } from '#drivers/libvirt/driver.js';
import { containerBanner, containerRoot, giveToContainers, makeContainerRoot, packContainerRoot } from '#test/peers/containers.js';
import { startLibvirtd } from '#test/peers/libvirtd.js';
import { contract } from './contract.js';
import { type Virsh, virshPeer } from './libvirt-peer.js';
import type { GuestRecipe, Peer } from './subject.js';

t.setTimeout(300_000);

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
