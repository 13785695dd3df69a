import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Driver, MachineDefinition, MachineId, PoolId } from '#drivers/driver.js';
import { Credentials } from '#drivers/target.js';
import type { Machine } from '#simulators/hyperv/model/machine.js';
import { Simulator } from '#simulators/hyperv/simulator.js';
import { connectHypervDriver } from './driver.js';

t.setTimeout(900_000);

const soon = () => AbortSignal.timeout(60_000);
const pool = 'd:\\hyper-v' as PoolId;
const mark = { owner: { cluster: 'c', namespace: 'shop', name: 'web', uid: 'u' }, record: 'r' };
const theirNotes = 'ask Ann\r\nbefore you touch it\n';
const definition: MachineDefinition = {
  uuid: '5c3a3b3e-1f0e-4a6e-9a7b-111111111111',
  nativeName: 'Web Server (2)',
  cpuCount: 2,
  memoryBytes: 64 << 20,
  firmware: 'BIOS',
  disks: [],
  interfaces: [],
  serial: false,
  rng: false,
};

interface Scene {
  readonly simulator: Simulator;
  readonly connect: () => Promise<Driver>;
  readonly driver: Driver;
  readonly id: MachineId;
  readonly native: Machine;
}

/** A machine as people make it: cards that all are called alike, notes of theirs, and the host starts it by itself. */
async function strangers(t: Test, mode: 'v1' | 'v2', byJob = false): Promise<Scene> {
  const folder = await mkdtemp(join(tmpdir(), 'vw-hyperv-'));
  t.teardown(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, 'D/Hyper-V'), { recursive: true });
  const user = { name: 'Administrator', password: 'secret' };
  const simulator = await Simulator.start({ mode, folder, users: [user], jobMs: 2, byJob });
  t.teardown(() => simulator[Symbol.asyncDispose]());
  const secret = { username: user.name, password: user.password };
  const credentials = new Credentials(Object.entries(secret).map(([key, value]) => [key, Buffer.from(value)] as const));
  const connect = async () => {
    const uri = `hyperv://127.0.0.1:${simulator.port}/?transport=http`;
    const driver = await connectHypervDriver(uri, credentials, { signal: soon(), pace: { first: 1, longest: 5 } });
    t.teardown(() => driver[Symbol.asyncDispose]());
    return driver;
  };
  const driver = await connect();
  const disk = async (name: string) => {
    const made = await driver.volumes?.create({ pool, nativeName: name, format: 'Vhd', sizeBytes: 4 << 20 }, soon());
    return { name, location: made?.location ?? '', format: 'Vhd' as const };
  };
  const card = (name: string) => ({ name, network: 'Default Switch' });
  const disks = [await disk('root'), { ...(await disk('data')), bus: 'SCSI' as const }];
  const wish = { ...definition, disks, cdroms: [{ name: 'tools' }], interfaces: ['lan', 'a', 'b'].map(card) };
  const id = await driver.machines.define(wish, mark, soon());
  await driver.adoption?.release(id, mark.owner, soon());
  const native = simulator.machineNamed(definition.nativeName);
  if (native === undefined) throw new Error('no machine');
  for (const each of native.devices.filter(({ values }) => ['a', 'b'].includes(String(values['ElementName']))))
    native.replaceDevice(each, { ElementName: 'Network Adapter' });
  native.settings = {
    ...native.settings,
    Notes: mode === 'v2' ? [theirNotes] : theirNotes,
    AutomaticStartupAction: mode === 'v2' ? '4' : '2',
  };
  return { simulator, connect, driver, id, native };
}

const look = async ({ driver, id }: Scene) => {
  const [found] = (await driver.machines.read([id], soon())).machines;
  if (found === undefined) throw new Error('it is gone');
  return found;
};

/** Without our line, and what goes with it. */
const restOf = ({ settings: { Notes: _, AutomaticStartupAction: __, ...settings }, devices, state }: Machine) => ({
  settings,
  devices,
  state,
});
const partCount = ({ devices }: Machine) => devices.length;
const changesSince = ({ simulator }: Scene, from: number) =>
  simulator.host.asked.slice(from).filter((what) => /\.(Add|Modify|Remove|Create|Delete|Define|Destroy|Request)/.test(what));

for (const mode of ['v2', 'v1'] as const) {
  t.test(`${mode}: a machine of others is taken over and given back while it runs, by its notes alone`, async (t) => {
    const scene = await strangers(t, mode);
    const { driver, id, native, simulator } = scene;
    await driver.power.start(id, { paused: false }, soon());
    const [before, notes, startup] = [restOf(native), native.settings['Notes'], native.settings['AutomaticStartupAction']];
    const { found, mark: none } = await look(scene);
    t.equal(none, undefined);
    t.match(found, {
      shape: {
        disks: [
          { name: 'ide0-0', location: 'd:\\hyper-v\\root.vhd', bus: 'IDE' },
          { name: 'scsi0-0', location: 'd:\\hyper-v\\data.vhd', bus: 'SCSI' },
        ],
        cdroms: [{ name: 'ide0-1', bus: 'IDE' }],
        interfaces: [{ name: 'lan' }, { name: 'nic0' }, { name: 'nic1' }],
      },
      kept: [],
    });
    const from = simulator.host.asked.length;
    await driver.adoption?.adopt(id, mark, soon());
    const changes = changesSince(scene, from).map((what) => what.replace(/^.*\./, ''));
    t.same(changes, mode === 'v2' ? ['ModifySystemSettings'] : ['ModifyVirtualSystem', 'ModifyVirtualSystem']);
    const after = await look(scene);
    t.same([after.configured, after.live, after.mark], [found?.shape, found?.shape, mark]);
    t.same(restOf(native), before);
    t.equal(native.settings['AutomaticStartupAction'], mode === 'v2' ? '2' : '0', 'who starts it is decided elsewhere');
    t.match(native.settings['Notes'], mode === 'v2' ? [/^ask Ann\r\n/] : /^ask Ann\r\n/);

    const written = native.writes;
    const { disks, interfaces, cdroms = [] } = after.configured ?? definition;
    await driver.machines.define({ ...definition, disks, interfaces, cdroms }, mark, soon());
    t.equal(native.writes, written, 'what is as it was asked for is not written');
    for (const cpuCount of [definition.cpuCount, 3]) {
      const draft = await driver.drafts?.machine({ ...definition, disks, interfaces, cdroms, cpuCount }, mark, soon());
      t.match(draft?.text, /[*]{3}.nvirtwright: /);
      t.notMatch(draft?.text, /Ann|touch/, 'what people wrote is told to nobody');
    }

    t.match(JSON.stringify(native.settings['Notes']), /startup[^,]*Always/, 'a word, as its number is another in the other version');
    await driver.adoption?.release(id, mark.owner, soon());
    t.same(
      [restOf(native), native.settings['Notes'], native.settings['AutomaticStartupAction']],
      [before, notes, startup],
      'to the letter',
    );
    t.same((await look(scene)).found, found);
  });

  t.test(`${mode}: what was taken over is changed like any other, and where it differs alone`, async (t) => {
    const scene = await strangers(t, mode);
    const { driver, id, native } = scene;
    await driver.adoption?.adopt(id, mark, soon());
    const { configured = definition } = await look(scene);
    const { disks, interfaces, cdroms = [] } = configured;
    const all = partCount(native);
    const wish = { ...definition, disks, interfaces, cdroms };
    await driver.machines.define({ ...wish, memoryBytes: 96 << 20 }, mark, soon());
    t.equal(native.number('Msvm_MemorySettingData', 'VirtualQuantity'), 96);
    t.equal(partCount(native), all, 'nothing came or went');
    const addresses = () => interfaces.filter(({ macAddress = '' }) => hasCard(native, macAddress)).map(({ name }) => name);
    t.same(addresses(), ['lan', 'nic0', 'nic1']);
    await driver.machines.define({ ...wish, interfaces: interfaces.filter(({ name }) => name !== 'nic0') }, mark, soon());
    t.same(addresses(), ['lan', 'nic1'], 'of two that were called alike the right one went');
    t.match((await look(scene)).configured, { interfaces: [{ name: 'lan' }, { name: 'nic1' }], disks: [{}, {}] });
    const more = { name: 'nic0', network: 'Default Switch', macAddress: '00:15:5d:99:00:01' };
    await driver.machines.define({ ...wish, interfaces: [...interfaces.filter(({ name }) => name !== 'nic0'), more] }, mark, soon());
    t.match((await look(scene)).configured, { interfaces: [{ name: 'lan' }, { name: 'nic1' }, more] });
  });

  t.test(`${mode}: a disc of a pool is taken over in its drive, and one that no pool has is left in its own`, async (t) => {
    const scene = await strangers(t, mode);
    const { driver, id, native, simulator } = scene;
    await simulator.host.options.store.touch('D:\\Hyper-V\\Tools.iso');
    await simulator.host.options.store.touch('C:\\Windows\\System32\\vmguest.iso');
    const put = async (location: string) => {
      await driver.adoption?.adopt(id, mark, soon());
      const { disks = [], interfaces = [] } = (await look(scene)).configured ?? {};
      const cdroms = [{ name: 'ide0-1', bus: 'IDE' as const, location }];
      await driver.machines.define({ ...definition, disks, interfaces, cdroms }, mark, soon());
      await driver.adoption?.release(id, mark.owner, soon());
    };
    await put('d:\\hyper-v\\tools.iso');
    const inPool = (await look(scene)).found;
    t.match(inPool, { shape: { cdroms: [{ name: 'ide0-1', location: 'd:\\hyper-v\\tools.iso' }] }, kept: [] });
    await put('c:\\windows\\system32\\vmguest.iso');
    const inNone = (await look(scene)).found;
    t.same(inNone?.shape.cdroms, undefined);
    t.match(inNone, { kept: ['cdrom ide0-1 (c:\\windows\\system32\\vmguest.iso)'] });
    const count = partCount(native);
    await driver.adoption?.adopt(id, mark, soon());
    const { disks = [], interfaces = [] } = (await look(scene)).configured ?? {};
    await driver.machines.define({ ...definition, memoryBytes: 96 << 20, disks, interfaces }, mark, soon());
    t.equal(partCount(native), count, 'drive and disc are there');
  });

  t.test(`${mode}: what has checkpoints is taken over as it is, and loses no disk`, async (t) => {
    const scene = await strangers(t, mode);
    const { driver, id, native, simulator } = scene;
    const over = 'D:\\Hyper-V\\Data_0A1B2C3D-0A1B-0A1B-0A1B-0A1B2C3D4E5F.avhd';
    await simulator.host.options.store.touch(over);
    const isData = ({ values }: Machine['devices'][number]) =>
      [values[native.words.file] ?? []].flat().some((file) => file.endsWith('data.vhd'));
    const image = native.devices.find(isData);
    if (image === undefined) throw new Error('no disk');
    native.replaceDevice(image, { [native.words.file]: [over] });
    const { found } = await look(scene);
    t.match(found, { kept: ['checkpoints'], shape: { disks: [{}, { location: 'd:\\hyper-v\\data.vhd', format: 'Vhd' }] } });
    await driver.adoption?.adopt(id, mark, soon());
    t.match((await look(scene)).configured?.disks, found?.shape.disks);
    const { configured = definition } = await look(scene);
    const [root] = configured.disks;
    if (root === undefined) throw new Error('no disk');
    const wish = { ...definition, interfaces: configured.interfaces, cdroms: configured.cdroms ?? [] };
    const lost = { code: 'Conflict', message: /has checkpoints/ };
    await t.rejects(driver.machines.define({ ...wish, disks: [root] }, mark, soon()), lost);
    await t.rejects(driver.machines.undefine(id, mark.owner, { keepState: false }, soon()), lost);
    t.ok(
      native.devices.some(({ values }) => [values[native.words.file] ?? []].flat().includes(over)),
      'it is there',
    );
    await driver.adoption?.release(id, mark.owner, soon());
    t.equal((await look(scene)).mark, undefined);
  });

  for (const byJob of [false, true])
    t.test(
      `${mode}${byJob ? ' by jobs' : ''}: whoever ends anywhere in it leaves one that the next takes over, or gives back`,
      async (t) => {
        const scene = await strangers(t, mode, byJob);
        const { connect, native, simulator, id } = scene;
        const [before, notes, startup] = [restOf(native), native.settings['Notes'], native.settings['AutomaticStartupAction']];
        const { found } = await look(scene);
        const { troubles } = simulator.host;
        const endings = (['before', 'after'] as const).flatMap((when) => [1, 2].map((nth) => ({ when, nth })));
        for (const { when, nth } of endings)
          for (const verb of ['adopt', 'release'] as const) {
            const dying = await connect();
            const modify = mode === 'v2' ? 'ModifySystemSettings' : 'ModifyVirtualSystem';
            let count = 0;
            const act = async () => {
              count += 1;
              if (count === nth) troubles.add('*', { kind: 'cut', when });
            };
            troubles.add(modify, { kind: 'meet', act });
            const call = verb === 'adopt' ? dying.adoption?.adopt(id, mark, soon()) : dying.adoption?.release(id, mark.owner, soon());
            await call?.catch(() => {});
            troubles.calm();
            const next = await connect();
            if (verb === 'adopt') await next.adoption?.adopt(id, mark, soon());
            else await next.adoption?.release(id, mark.owner, soon());
            const why = `${verb}, cut ${when} change ${nth}`;
            t.same(restOf(native), before, why);
            if (verb === 'adopt') t.same((await look(scene)).configured, found?.shape, why);
            else t.same([native.settings['Notes'], native.settings['AutomaticStartupAction']], [notes, startup], why);
            await Promise.all([dying[Symbol.asyncDispose](), next[Symbol.asyncDispose]()]);
          }
      },
    );
}

const hasCard = ({ devices }: Machine, macAddress: string): boolean =>
  devices.some(({ values }) => values['Address'] === macAddress.replaceAll(':', '').toUpperCase());
