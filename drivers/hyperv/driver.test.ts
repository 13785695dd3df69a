import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Driver, MachineDefinition, PoolId } from '#drivers/driver.js';
import { Credentials } from '#drivers/target.js';
import { defineMachine } from '#simulators/hyperv/model/definitions.js';
import { parentMark } from '#simulators/hyperv/model/device.js';
import { addDevice } from '#simulators/hyperv/model/resources.js';
import { newSwitch } from '#simulators/hyperv/model/switch.js';
import { Simulator, type SimulatorOptions } from '#simulators/hyperv/simulator.js';
import { endAt } from '#test/peers/hyperv-host.js';
import { connectHypervDriver } from './driver.js';

t.setTimeout(900_000);

const folder = await mkdtemp(join(tmpdir(), 'vw-hyperv-'));
t.teardown(() => rm(folder, { recursive: true }));
const soon = () => AbortSignal.timeout(30_000);
const user = { name: 'Administrator', password: 'secret' };

async function host(t: Test, mode: 'v1' | 'v2', options: Partial<SimulatorOptions> = {}) {
  const simulator = await Simulator.start({ mode, folder, users: [user], jobMs: 2, ...options });
  t.teardown(() => simulator[Symbol.asyncDispose]());
  const connect = async (password = user.password): Promise<Driver> => {
    const secret = { username: user.name, password };
    const credentials = new Credentials(Object.entries(secret).map(([key, value]) => [key, Buffer.from(value)] as const));
    const uri = `hyperv://127.0.0.1:${simulator.port}/?transport=http`;
    const driver = await connectHypervDriver(uri, credentials, { signal: soon(), pace: { first: 1, longest: 5 } });
    t.teardown(() => driver[Symbol.asyncDispose]());
    return driver;
  };
  return { simulator, connect };
}

await mkdir(join(folder, 'D/Hyper-V'), { recursive: true });
const pool = 'd:\\hyper-v' as PoolId;

/** A disk that is there, of the format that both versions have. */
async function volume(driver: Driver, nativeName: string, format: 'Vhd' | 'Vhdx' = 'Vhd'): Promise<string> {
  await driver.volumes?.delete({ pool, nativeName }, soon());
  return (await driver.volumes?.create({ pool, nativeName, format, sizeBytes: 4 << 20 }, soon()))?.location ?? '';
}

const definition: MachineDefinition = {
  uuid: '5c3a3b3e-1f0e-4a6e-9a7b-111111111111',
  nativeName: 'shop.web',
  cpuCount: 2,
  memoryBytes: 64 << 20,
  disks: [],
  interfaces: [],
  serial: false,
  rng: false,
};
const mark = { owner: { cluster: 'c', namespace: 'shop', name: 'web', uid: 'u' }, record: 'r' };
const { uuid: _uuid, nativeName: _name, ...shape } = definition;

for (const mode of ['v2', 'v1'] as const)
  for (const byJob of [false, true])
    for (const isDone of [false, true])
      t.test(
        `${mode}${byJob ? ' by jobs' : ''}: whoever ends anywhere in a define, ${isDone ? 'unheard' : 'unasked'}, leaves one machine or none`,
        async (t) => {
          for (let nth = 1, isOver = false; !isOver; nth += 1) {
            const { simulator, connect } = await host(t, mode, { byJob });
            const first = await connect();
            const end = endAt(simulator, nth, isDone);
            isOver = await first.machines.define(definition, mark, soon()).then(
              () => end.asked() < nth,
              () => false,
            );
            end.revive();
            // What a job had begun goes on without us.
            await new Promise((resolve) => setTimeout(resolve, 10));
            t.ok(simulator.host.machines.size <= 1, `ended at ${nth}`);
            const second = await connect();
            const id = await second.machines.define(definition, mark, soon());
            const { machines } = await second.machines.read([id], soon());
            t.match(machines, [{ uuid: definition.uuid, nativeName: 'shop.web', mark, configured: shape, power: { state: 'Off' } }]);
            t.equal(simulator.host.machines.size, 1, `one machine after the end at ${nth}`);
            await Promise.all([first[Symbol.asyncDispose](), second[Symbol.asyncDispose](), simulator[Symbol.asyncDispose]()]);
            if (nth > 60) throw new Error('a define takes more than 60 questions');
          }
        },
      );

for (const mode of ['v2', 'v1'] as const)
  for (const isDone of [false, true])
    t.test(
      `${mode}: whoever ends anywhere while drives and cards are made, ${isDone ? 'unheard' : 'unasked'}, leaves each once`,
      async (t) => {
        for (let nth = 1, isOver = false; !isOver; nth += 1) {
          const { simulator, connect } = await host(t, mode);
          const first = await connect();
          const root = { name: 'root', location: await volume(first, 'root'), format: 'Vhd' } as const;
          const more = { name: 'more', location: await volume(first, 'more'), format: 'Vhd', bus: 'SCSI' } as const;
          const id = await first.machines.define(
            { ...definition, firmware: 'BIOS', disks: [root], cdroms: [{ name: 'tools' }] },
            mark,
            soon(),
          );
          const wish = {
            ...definition,
            firmware: 'BIOS' as const,
            disks: [more, root],
            interfaces: [{ name: 'lan', network: 'Default Switch', macAddress: '52:54:00:00:00:01' }],
          };
          const end = endAt(simulator, nth, isDone, (what) => /\.(Add|Modify|Remove|Create|Delete)/.test(what));
          isOver = await first.machines.define(wish, mark, soon()).then(
            () => end.asked() < nth,
            () => false,
          );
          end.revive();
          await new Promise((resolve) => setTimeout(resolve, 10));
          const second = await connect();
          t.equal(await second.machines.define(wish, mark, soon()), id);
          const [machine] = (await second.machines.read([id], soon())).machines;
          t.match(machine?.configured, { disks: [more, { ...root, bus: 'IDE' }], interfaces: wish.interfaces }, `ended at ${nth}`);
          t.equal(machine?.configured?.cdroms, undefined);
          const native = simulator.machineNamed('shop.web');
          const count = (type: string) => native?.devices.filter(({ values }) => values['ResourceType'] === type).length;
          const { types } = simulator.host.words;
          t.same(
            [types.diskDrive, types.dvdDrive, types.image, types.card, types.scsi].map(count),
            [2, 0, 2, 1, 1],
            'drives, discs, files, cards, controllers',
          );
          const writes = native?.writes;
          await second.machines.define(wish, mark, soon());
          t.equal(native?.writes, writes, 'and then there is nothing to be done');
          await Promise.all([first[Symbol.asyncDispose](), second[Symbol.asyncDispose](), simulator[Symbol.asyncDispose]()]);
          if (nth > 60) throw new Error('a change takes more than 60 questions');
        }
      },
    );

for (const mode of ['v2', 'v1'] as const)
  for (const isDone of [false, true])
    t.test(`${mode}: whoever ends anywhere while disks come and go, ${isDone ? 'unheard' : 'unasked'}, leaves each once`, async (t) => {
      for (let nth = 1, isOver = false; !isOver; nth += 1) {
        const { simulator, connect } = await host(t, mode);
        const first = await connect();
        const disk = async (name: string) => ({ name, location: await volume(first, name), format: 'Vhd', bus: 'SCSI' }) as const;
        const [root, old, more] = [{ ...(await disk('root')), bus: 'IDE' } as const, await disk('old'), await disk('more')];
        const bios = { ...definition, firmware: 'BIOS' as const };
        const id = await first.machines.define({ ...bios, disks: [root, old] }, mark, soon());
        await first.power.start(id, { paused: false }, soon());
        await first.machines.define({ ...bios, disks: [more, root] }, mark, soon());
        const end = endAt(simulator, nth, isDone, (what) => /\.(Add|Modify|Remove|Create|Delete)/.test(what));
        const change = async ({ live }: Driver) => {
          for (const name of ['more', 'old']) await live?.apply(id, mark.owner, { kind: 'disk', name }, soon());
        };
        isOver = await change(first).then(
          () => end.asked() < nth,
          () => false,
        );
        end.revive();
        await new Promise((resolve) => setTimeout(resolve, 10));
        const second = await connect();
        await change(second);
        const [machine] = (await second.machines.read([id], soon())).machines;
        t.same(
          [machine?.live?.disks, machine?.configured?.disks],
          [
            [more, root],
            [more, root],
          ],
          `ended at ${nth}`,
        );
        const native = simulator.machineNamed('shop.web');
        const count = (type: string) => native?.devices.filter(({ values }) => values['ResourceType'] === type).length;
        t.same([simulator.host.words.types.diskDrive, simulator.host.words.types.image].map(count), [2, 2], 'drives and files');
        t.notMatch(String(native?.settings['Notes']), /"next"/, 'and nothing waits for the next start');
        const writes = native?.writes;
        await change(second);
        t.equal(native?.writes, writes, 'nor is there anything to be done');
        await Promise.all([first[Symbol.asyncDispose](), second[Symbol.asyncDispose](), simulator[Symbol.asyncDispose]()]);
        if (nth > 60) throw new Error('a change takes more than 60 questions');
      }
    });

t.test('drives and cards of others stay where they are, and ours go around them', async (t) => {
  const { simulator, connect } = await host(t, 'v2');
  const driver = await connect();
  const root = { name: 'root', location: await volume(driver, 'root', 'Vhdx'), format: 'Vhdx' } as const;
  const id = await driver.machines.define({ ...definition, disks: [root] }, mark, soon());
  const native = simulator.machineNamed('shop.web');
  if (native === undefined) throw new Error('no machine');
  const controller = native.devices.find(({ values }) => values['ResourceType'] === '6');
  const parent = controller === undefined ? '' : parentMark(controller);
  const drive = { className: 'Msvm_ResourceAllocationSettingData', values: { ResourceType: '17', Parent: parent } };
  const card = { className: 'Msvm_SyntheticEthernetPortSettingData', values: { ResourceType: '10', ElementName: 'dmz' } };
  for (const theirs of [drive, card]) await addDevice(simulator.host, native, theirs);
  const more = { name: 'more', location: await volume(driver, 'more', 'Vhdx'), format: 'Vhdx' } as const;
  await driver.machines.define({ ...definition, disks: [root, more] }, mark, soon());
  const places = () =>
    native.devices.filter(({ values }) => values['ResourceType'] === '17').map(({ suffix }) => /(\d+)\\D$/.exec(suffix)?.[1]);
  t.same(places(), ['0', '1', '2']);
  const dmz = { ...definition, disks: [root, more], interfaces: [{ name: 'dmz', network: 'Default Switch' }] };
  await t.rejects(driver.machines.define(dmz, mark, soon()), { code: 'Conflict', message: /"dmz" that is not ours/ });
  await driver.machines.define(definition, mark, soon());
  t.same(places(), ['1']);
  t.match(
    native.devices.find(({ values }) => values['ElementName'] === 'dmz'),
    {},
    'their card is there',
  );
  t.match((await driver.machines.read([id], soon())).machines, [{ configured: { disks: [], interfaces: [] } }]);
});

t.test("a place of ours with another's disk is theirs, and what they use is told", async (t) => {
  const { simulator, connect } = await host(t, 'v2');
  const driver = await connect();
  const root = { name: 'root', location: await volume(driver, 'root', 'Vhdx'), format: 'Vhdx' } as const;
  const theirs = await volume(driver, 'theirs', 'Vhdx');
  const id = await driver.machines.define({ ...definition, disks: [root] }, mark, soon());
  const native = simulator.machineNamed('shop.web');
  const image = native?.devices.find(({ values }) => values['ResourceType'] === '31');
  if (native === undefined || image === undefined) throw new Error('no disk');
  native.replaceDevice(image, { HostResource: [theirs.toUpperCase()] });
  const look = async () => (await driver.machines.read([id], soon())).machines[0]?.configured;
  t.match(await look(), { disks: [], uses: [theirs] });
  await driver.machines.define({ ...definition, disks: [root] }, mark, soon());
  t.match(await look(), { disks: [root], uses: [theirs] }, 'ours is elsewhere');
  await driver.machines.define(definition, mark, soon());
  t.match(await look(), { disks: [], uses: [theirs] }, 'and theirs stays');
  await driver.machines.undefine(id, mark.owner, { keepState: false }, soon());
});

t.test('a drive that finds no place is refused before anything is noted', async (t) => {
  const { connect } = await host(t, 'v2');
  const driver = await connect();
  const names = ['a', 'b', 'c', 'd'];
  const disks = await Promise.all(names.map(async (name) => ({ name, location: await volume(driver, name), format: 'Vhd' as const })));
  const id = await driver.machines.define({ ...definition, firmware: 'BIOS', disks }, mark, soon());
  await driver.power.start(id, { paused: false }, soon());
  const more = { ...definition, firmware: 'BIOS', disks, cdroms: [{ name: 'tools' }] } as const;
  await t.rejects(driver.machines.define(more, mark, soon()), { code: 'Unsupported', message: /5 on IDE/ });
  await driver.power.cut(id, mark.owner, soon());
  await driver.machines.undefine(id, mark.owner, { keepState: false }, soon());
});

t.test('a checkpoint puts a file over a disk, which stays the same disk, and is not lost', async (t) => {
  const { simulator, connect } = await host(t, 'v2');
  const driver = await connect();
  const root = { name: 'root', location: await volume(driver, 'root', 'Vhdx'), format: 'Vhdx' } as const;
  const id = await driver.machines.define({ ...definition, disks: [root] }, mark, soon());
  const native = simulator.machineNamed('shop.web');
  const image = native?.devices.find(({ values }) => values['ResourceType'] === '31');
  if (native === undefined || image === undefined) throw new Error('no disk');
  const over = 'D:\\Hyper-V\\root_0A1B2C3D-0A1B-0A1B-0A1B-0A1B2C3D4E5F.avhdx';
  await simulator.host.options.store.touch(over);
  native.replaceDevice(image, { HostResource: [over] });
  t.match((await driver.machines.read([id], soon())).machines, [{ configured: { disks: [root] } }]);
  const { writes } = native;
  await driver.machines.define({ ...definition, disks: [root] }, mark, soon());
  t.equal(native.writes, writes);
  const lost = { code: 'Conflict', message: /checkpoint/ };
  await t.rejects(driver.machines.define(definition, mark, soon()), lost, 'not taken out');
  await t.rejects(driver.machines.define({ ...definition, disks: [{ ...root, location: 'd:\\hyper-v\\b.vhdx' }] }, mark, soon()), lost);
  await t.rejects(driver.machines.undefine(id, mark.owner, { keepState: false }, soon()), lost, 'nor left behind');
  const disk = { pool, nativeName: 'root' };
  const { volumes } = driver;
  if (volumes === undefined) throw new Error('no volumes');
  await t.rejects(volumes.grow(disk, 8 << 20, soon()), lost, 'nor grown beneath it');
  await t.rejects(volumes.delete(disk, soon()), lost);
  t.equal(native.devices.filter(({ values }) => values['ResourceType'] === '31').length, 1);
  native.replaceDevice(native.devices.find(({ suffix }) => suffix === image.suffix) ?? image, { HostResource: [root.location] });
  await simulator.host.options.store.delete(over);
  await driver.machines.undefine(id, mark.owner, { keepState: false }, soon());
  await driver.volumes?.delete(disk, soon());
});

t.test('of two switches of one name neither is taken for the other', async (t) => {
  const { simulator, connect } = await host(t, 'v2');
  const driver = await connect();
  const twin = newSwitch({ ElementName: 'Default Switch' });
  simulator.host.switches.set(twin.id, twin);
  const names = (await driver.networks?.list(soon()))?.map(({ nativeName }) => nativeName) ?? [];
  t.same([names.length, names.includes(`Default Switch {${twin.id}}`), names.includes('Default Switch')], [2, true, false]);
  const lan = { name: 'lan', network: 'Default Switch' };
  const id = await driver.machines.define({ ...definition, interfaces: [lan] }, mark, soon());
  await t.rejects(driver.power.start(id, { paused: false }, soon()), {
    code: 'NotFound',
    message: /2 switches "Default Switch"; accepted: /,
  });
  await driver.machines.define({ ...definition, interfaces: [{ ...lan, network: `Default Switch {${twin.id}}` }] }, mark, soon());
  await driver.power.start(id, { paused: false }, soon());
  t.match((await driver.machines.read([id], soon())).machines, [{ live: { interfaces: [{ network: `Default Switch {${twin.id}}` }] } }]);
});

t.test('what only the other generation has is refused by name', async (t) => {
  const { connect } = await host(t, 'v2');
  const driver = await connect();
  const disk = { name: 'root', location: 'd:\\hyper-v\\root.vhdx', format: 'Vhdx' } as const;
  for (const [change, message] of [
    [{ firmware: 'UEFI', disks: [{ ...disk, bus: 'IDE' }] }, /"root": bus: IDE .* generation 2 .* accepts SCSI/],
    [{ firmware: 'UEFI', disks: [{ ...disk, location: 'd:\\a.vhd', format: 'Vhd' }] }, /format: Vhd .* accepts Vhdx/],
    [{ firmware: 'BIOS', cdroms: [{ name: 'tools', bus: 'SCSI' }] }, /"tools": bus: SCSI .* accepts IDE/],
    [{ firmware: 'BIOS', cdroms: ['a', 'b', 'c', 'd', 'e'].map((name) => ({ name })) }, /5 on IDE .* 4 there at most/],
    [{ disks: [{ ...disk, location: 'd:\\hyper-v\\..\\root.vhdx' }] }, /location: .* a path of the host/],
    [{ disks: [{ ...disk, location: 'root.vhdx' }] }, /location: .* a path of the host/],
    [{ disks: [{ ...disk, location: 'd:\\root.vhd' }] }, /ends in .vhdx/],
  ] as const)
    await t.rejects(driver.machines.define({ ...definition, ...change }, mark, soon()), { message });
  t.same(await driver.machines.list(soon()), []);
});

t.test('a password that the host refuses is not tried again and again', async (t) => {
  const { simulator, connect } = await host(t, 'v2');
  const logins = simulator.host.asked.length;
  for (const message of [/check "username"/, /not tried again yet/, /not tried again yet/])
    await t.rejects(connect('wrong'), { code: 'Denied', message });
  t.equal(simulator.host.asked.length, logins);
  await t.resolves(connect(), 'and the right one is tried at once');
});

t.test('a host without the role Hyper-V says so', async (t) => {
  const { connect } = await host(t, 'v2', { without: true });
  await t.rejects(connect(), { code: 'Unsupported', message: /install the role Hyper-V/ });
});

t.test('a machine of version 2 never starts of itself, and asks the firmware for no keys', async (t) => {
  const { simulator, connect } = await host(t, 'v2');
  const driver = await connect();
  await driver.machines.define(definition, mark, soon());
  t.match(simulator.machineNamed('shop.web')?.settings, {
    AutomaticStartupAction: '2',
    SecureBootEnabled: 'false',
    VirtualSystemSubType: 'Microsoft:Hyper-V:SubType:2',
    BIOSGUID: `{${definition.uuid.toUpperCase()}}`,
  });
});

t.test('a copy is refused, and neither is touched', async (t) => {
  const { simulator, connect } = await host(t, 'v2');
  const driver = await connect();
  const id = await driver.machines.define(definition, mark, soon());
  const made = simulator.machineNamed('shop.web');
  const other = await driver.machines.define(
    { ...definition, uuid: definition.uuid.replace(/1$/, '2'), nativeName: 'shop.copy' },
    mark,
    soon(),
  );
  const copy = simulator.machineNamed('shop.copy');
  if (made === undefined || copy === undefined) throw new Error('no machines');
  const before = [made.writes, copy.writes];
  const own = copy.settings;
  const { Notes = '', BIOSGUID = '' } = made.settings;
  const begun = [Notes].flat().map((note) => note.replace(/"id":"[^"]*",/, ''));
  // The line of a machine that is being made does not say yet of which.
  for (const copied of [{ Notes, BIOSGUID }, { Notes: begun }]) {
    copy.settings = { ...own, ...copied };
    await t.rejects(driver.machines.define({ ...definition, cpuCount: 1 }, mark, soon()), {
      code: 'Conflict',
      message: new RegExp(`${id}.*${other}|${other}.*${id}`),
    });
  }
  t.same([made.writes, copy.writes], before);
});

t.test('a machine whose firmware lost its uuid is found by its notes, and gets it back', async (t) => {
  const { simulator, connect } = await host(t, 'v2');
  const driver = await connect();
  const id = await driver.machines.define(definition, mark, soon());
  const made = simulator.machineNamed('shop.web');
  if (made === undefined) throw new Error('no machine');
  made.settings = { ...made.settings, BIOSGUID: '{11111111-2222-3333-4444-555555555555}' };
  t.equal(await driver.machines.define(definition, mark, soon()), id);
  t.match(await driver.machines.read([id], soon()), { machines: [{ uuid: definition.uuid }] });
});

t.test('a saved machine keeps the hardware it was saved with, and its next start brings what was asked', async (t) => {
  const { simulator, connect } = await host(t, 'v2');
  const driver = await connect();
  const id = await driver.machines.define(definition, mark, soon());
  await driver.power.start(id, { paused: false }, soon());
  simulator.machineNamed('shop.web')?.enter('saved');
  await driver.machines.define({ ...definition, cpuCount: 4 }, mark, soon());
  const look = async () => (await driver.machines.read([id], soon())).machines;
  t.match(await look(), [{ power: { state: 'Off', reason: 'Saved' }, configured: { cpuCount: 4 } }]);
  await driver.power.start(id, { paused: false }, soon());
  t.match(await look(), [{ power: { state: 'On' }, live: { cpuCount: 2 }, configured: { cpuCount: 4 } }]);
  await driver.power.cut(id, mark.owner, soon());
  await driver.power.start(id, { paused: false }, soon());
  t.match(await look(), [{ power: { state: 'On' }, live: { cpuCount: 4 }, configured: { cpuCount: 4 } }]);
});

for (const mode of ['v2', 'v1'] as const)
  t.test(`${mode}: a guest tells its name, its system, and its addresses`, async (t) => {
    const { simulator, connect } = await host(t, mode);
    const driver = await connect();
    const lan = { name: 'lan', network: 'Default Switch', macAddress: '52:54:00:00:00:01' };
    const two = { ...definition, interfaces: [lan, { ...lan, name: 'dmz', macAddress: '52:54:00:00:00:02' }] };
    const id = await driver.machines.define({ ...definition, interfaces: [lan] }, mark, soon());
    await driver.power.start(id, { paused: false }, soon());
    const native = simulator.machineNamed('shop.web');
    if (native === undefined) throw new Error('no machine');
    t.same(await driver.guests?.look(id, soon()), { addresses: [] }, 'before it says anything');
    native.guest = {
      integration: true,
      heeds: true,
      addresses: { '525400000001': ['10.0.0.7', 'fe80::7'], '525400000002': ['10.0.1.7'] },
      items: {
        FullyQualifiedDomainName: 'web.shop & co',
        OSName: 'Debian GNU/Linux',
        OSVersion: '12',
        NetworkAddressIPv4: '10.0.0.7;nonsense',
        NetworkAddressIPv6: 'fe80::7',
      },
    };
    const own = ['10.0.0.7', 'fe80::7'].map((ip) => ({ macAddress: '52:54:00:00:00:01', ip, source: 'Agent' }));
    const says = { agent: 'Connected', hostname: 'web.shop & co', os: { name: 'Debian GNU/Linux', version: '12' } };
    t.same(await driver.guests?.look(id, soon()), { ...says, addresses: own });
    await driver.power.cut(id, mark.owner, soon());
    await driver.machines.define(two, mark, soon());
    await driver.power.start(id, { paused: false }, soon());
    const sight = await driver.guests?.look(id, soon());
    const other = { macAddress: '52:54:00:00:00:02', ip: '10.0.1.7', source: 'Agent' };
    t.same(sight?.addresses, mode === 'v2' ? [...own, other] : [], 'version 1 does not tell which card has which');
    native.guest = { ...native.guest, integration: false };
    t.same(await driver.guests?.look(id, soon()), { addresses: [] });
  });

t.test('time is told of a machine whose name is its own alone, and of no other', async (t) => {
  const { simulator, connect } = await host(t, 'v2');
  const driver = await connect();
  const id = await driver.machines.define(definition, mark, soon());
  await driver.power.start(id, { paused: false }, soon());
  const read = async () => (await driver.stats?.read(soon())) ?? [];
  const [first] = await read();
  t.match(first, { id, memory: { balloonBytes: 64 << 20 }, disks: [], interfaces: [] });
  t.ok((first?.cpuSeconds ?? -1) >= 0);
  await defineMachine(simulator.host, { className: 'Msvm_VirtualSystemSettingData', values: { ElementName: 'shop.web' } }, []);
  t.same(await read(), [{ id, memory: { balloonBytes: 64 << 20 }, disks: [], interfaces: [] }]);
});

for (const mode of ['v2', 'v1'] as const)
  t.test(`${mode}: of disks that nobody wrote to the host is not asked again, and of one that grew it is`, async (t) => {
    const { simulator, connect } = await host(t, mode);
    const driver = await connect();
    for (const name of ['quiet', 'grown']) await volume(driver, name);
    const list = async () => (await driver.volumes?.list(pool, { refresh: true }, soon())) ?? [];
    await list();
    const looks = () => simulator.host.asked.filter((what) => /GetVirtualHardDisk(Info|SettingData)$/.test(what)).length;
    const before = looks();
    await list();
    t.equal(looks(), before);
    await simulator.host.options.store.resize('D:\\Hyper-V\\grown.vhd', 8 << 20);
    const sizeOf = (name: string, volumes: Awaited<ReturnType<typeof list>>) => volumes.find(({ id }) => id.nativeName === name)?.sizeBytes;
    const after = await list();
    t.same([sizeOf('quiet', after), sizeOf('grown', after), looks()], [4 << 20, 8 << 20, before + 1]);
  });

t.test('v1: a saved machine that is forgotten leaves no port', async (t) => {
  const { simulator, connect } = await host(t, 'v1');
  const driver = await connect();
  const lan = { name: 'lan', network: 'Default Switch' };
  const id = await driver.machines.define({ ...definition, interfaces: [lan] }, mark, soon());
  await driver.power.start(id, { paused: false }, soon());
  const ports = () => [...simulator.host.switches.values()].flatMap(({ ports }) => ports).length;
  t.equal(ports(), 1);
  simulator.machineNamed('shop.web')?.enter('saved');
  await driver.machines.undefine(id, mark.owner, { keepState: false }, soon());
  t.same([ports(), simulator.host.machines.size], [0, 0]);
});
