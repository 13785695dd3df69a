import { execFile } from 'node:child_process';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { connect } from '#drivers/connect.js';
import type { Driver, MachineDefinition, MachineId } from '#drivers/driver.js';
import { containerBanner, giveToContainers, makeContainerRoot } from '#test/peers/containers.js';
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
