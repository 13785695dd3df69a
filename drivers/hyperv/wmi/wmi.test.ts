import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { Simulator, type SimulatorOptions } from '#simulators/hyperv/simulator.js';
import { WsmanClient } from '../wsman/client.js';
import { decodeEmbedded } from '../wsman/embedded.js';
import { Lanes } from '../wsman/lanes.js';
import { decodeObject, embedObject, namespaces, type Version, type WmiClass } from './class.js';
import { card, computerSystem, connection, image, memory, networkSwitch, processor, resource, systemSettings } from './classes.js';
import { ImageService } from './image-service.js';
import { Jobs } from './jobs.js';
import { MachineService } from './machine-service.js';
import { notesOf } from './machine-settings.js';
import { powerOf, requestedState } from './power.js';
import type { Fields } from './property.js';
import { isInvalidState } from './return-code.js';
import { Wmi } from './wmi.js';
import { objectPath, quoted } from './wql.js';

const folder = await mkdtemp(join(tmpdir(), 'vw-wmi-'));
t.teardown(() => rm(folder, { recursive: true }));
await mkdir(join(folder, 'C/vms'), { recursive: true });

const soon = () => AbortSignal.timeout(30_000);
const user = { name: 'Administrator', password: 'secret' };

async function host(t: Test, mode: Version, options: Partial<SimulatorOptions> = {}) {
  const simulator = await Simulator.start({ mode, folder, users: [user], jobMs: 5, ...options });
  const login = { kind: 'ntlm', username: user.name, domain: '', password: user.password } as const;
  const client = new WsmanClient(new Lanes({ host: '127.0.0.1', port: simulator.port }, login));
  t.teardown(async () => {
    await client[Symbol.asyncDispose]();
    await simulator[Symbol.asyncDispose]();
  });
  const wmi = await Wmi.open(client, soon());
  const jobs = new Jobs(wmi, { first: 2, longest: 20 });
  const machines = new MachineService(wmi, jobs);
  const images = new ImageService(wmi, jobs);
  const defined = async (name: string) => {
    const made = await machines.define({ name, uuid: randomUUID(), notes: `notes of ${name}`, generation: 1 }, soon());
    if (made === undefined) throw new Error('made by a job');
    return made;
  };
  return { simulator, wmi, jobs, machines, images, defined };
}

/** What a job waits for. */
function holding() {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve: () => resolve() };
}

const difficult = `it's "quoted" \\ %_[a] <b> ü`;

for (const version of ['v2', 'v1'] as const) {
  for (const language of ['en-US', 'ja-JP'] as const)
    t.test(`${version} is found out on a Windows in ${language}, and says what the host is called`, async (t) => {
      const { wmi } = await host(t, version, { language });
      t.match(wmi, { version, namespace: namespaces[version], server: 'HYPERV' });
    });

  t.test(`${version}: a machine of a difficult name is made with its notes, found, changed, and deleted`, async (t) => {
    const { simulator, wmi, machines, defined } = await host(t, version);
    const system = await defined(difficult);
    const [found] = await wmi.find(computerSystem, { ElementName: difficult }, soon());
    t.same(found?.reference, system);
    t.equal(found && powerOf(found), 'Off');
    const settings = await machines.settingsOf(system, soon());
    t.same(settings?.version === 'v1' ? [settings.v1.Notes] : settings?.v2.Notes, [`notes of ${difficult}`]);
    const common = { InstanceID: settings?.common.InstanceID ?? '', ElementName: 'renamed' };
    await machines.change(system, embedObject(systemSettings, { version, common }), soon());
    t.equal((await wmi.get(computerSystem, system, soon())).common.ElementName, 'renamed');
    await machines.destroy(system, soon());
    t.equal(simulator.host.machines.size, 0);
    await t.rejects(wmi.get(computerSystem, system, soon()), { code: 'NotFound' });
  });

  t.test(`${version}: a machine is asked for each state, and an invalid one is told apart`, async (t) => {
    const { wmi, machines, defined } = await host(t, version);
    const system = await defined('web');
    const state = async () => powerOf(await wmi.get(computerSystem, system, soon()));
    for (const [wish, after] of [
      ['Start', 'Running'],
      ['Pause', 'Paused'],
      ['Start', 'Running'],
      ['Save', 'Saved'],
      ['Start', 'Running'],
      ['Reset', 'Running'],
      ['Off', 'Off'],
    ] as const) {
      await machines.request(system, wish, soon());
      t.equal(await state(), after, wish);
    }
    const again = machines.request(system, 'Off', soon());
    await t.rejects(again, { code: 'Conflict', message: /RequestStateChange \(Off\): the host says invalid state.*32775/ });
    t.ok(isInvalidState(await again.catch((reason) => reason)));
    await machines.request(system, 'Start', soon());
    await t.rejects(machines.destroy(system, soon()), { code: 'Conflict' });
  });

  t.test(`${version}: processors, memory, a disk and a card are added, changed and taken away`, async (t) => {
    const { simulator, wmi, machines, images, defined } = await host(t, version);
    const system = await defined('hardware');
    const settings = await machines.settingsOf(system, soon());
    const parts = <C extends Fields, V1 extends Fields, V2 extends Fields>(of: WmiClass<C, V1, V2>) =>
      wmi.associated(settings?.reference ?? system, 'Msvm_VirtualSystemSettingDataComponent', of, soon());
    const [cpu] = await parts(processor);
    const [ram] = await parts(memory);
    const change = (id: string | undefined, quantity: number) =>
      ({ version, common: { InstanceID: id ?? '', VirtualQuantity: quantity } }) as const;
    await machines.alter(
      system,
      [embedObject(processor, change(cpu?.common.InstanceID, 4)), embedObject(memory, change(ram?.common.InstanceID, 2048))],
      soon(),
    );
    t.same([(await parts(processor))[0]?.common.VirtualQuantity, (await parts(memory))[0]?.common.VirtualQuantity], [4, 2048]);
    await t.rejects(machines.alter(system, [embedObject(processor, change(cpu?.common.InstanceID, 999))], soon()), { code: 'Invalid' });

    const path = `C:\\vms\\${version}.vhd`;
    await images.create({ type: 'Dynamic', path, sizeBytes: 2 ** 30 }, soon());
    const place = (number: string) =>
      version === 'v1' ? ({ version, common: { Address: number } } as const) : ({ version, v2: { AddressOnParent: number } } as const);
    const subType = (name: string) => (version === 'v1' ? `Microsoft ${name}` : `Microsoft:Hyper-V:${name}`);
    const pathTo = (of: Parameters<typeof objectPath>[2] | undefined) =>
      of === undefined ? '' : objectPath(wmi.server, wmi.namespace, of);
    const ide = (await parts(resource)).find(({ common }) => common.ResourceType === 5 && common.Address === '0');
    const at = place('0');
    const driveOf = {
      ResourceType: version === 'v1' ? 22 : 17,
      ResourceSubType: subType('Synthetic Disk Drive'),
      Parent: pathTo(ide?.reference),
    };
    const drive = at.version === 'v1' ? { ...at, common: { ...driveOf, ...at.common } } : { ...at, common: driveOf };
    const [driveMade] = await machines.add(system, [embedObject(resource, drive)], soon());
    const file = version === 'v1' ? { Connection: [path] } : { HostResource: [path] };
    const disk = {
      ResourceType: version === 'v1' ? 21 : 31,
      ResourceSubType: subType('Virtual Hard Disk'),
      Parent: pathTo(driveMade),
      ...file,
    };
    const [diskMade] = await machines.add(system, [embedObject(image, { version, common: disk })], soon());
    const adapter = {
      ResourceType: 10,
      ResourceSubType: subType('Synthetic Ethernet Port'),
      Address: '00155D00AA01',
      StaticMacAddress: true,
    };
    const [cardMade] = await machines.add(system, [embedObject(card, { version, common: adapter })], soon());
    const machine = simulator.machineNamed('hardware');
    const { card: cardType, diskDrive, image: imageType } = simulator.host.words.types;
    const made = () =>
      machine?.devices.filter(({ values }) => [cardType, diskDrive, imageType].includes(String(values['ResourceType']))).length;
    t.equal(made(), 3);

    if (driveMade === undefined || diskMade === undefined || cardMade === undefined) throw new Error('something was not made');
    await t.rejects(machines.remove(system, [driveMade], soon()), { name: 'DriverError', code: 'Conflict' }, 'something is in it');
    await machines.remove(system, [diskMade, driveMade], soon());
    await machines.remove(system, [cardMade], soon());
    t.equal(made(), 0);
    t.match(await images.look(path, soon()), { type: 'Dynamic', sizeBytes: 2 ** 30, inUse: false }, 'and the file stays');
  });

  t.test(`${version}: a virtual disk is made, looked at and grown; what cannot be is refused`, async (t) => {
    const { images } = await host(t, version);
    const path = `C:\\vms\\grow-${version}.vhd`;
    await images.create({ type: 'Fixed', path, sizeBytes: 64 * 2 ** 20 }, soon());
    await images.grow(path, 128 * 2 ** 20, soon());
    t.match(await images.look(path, soon()), { type: 'Fixed', sizeBytes: 128 * 2 ** 20 });
    await images.create({ type: 'Differencing', path: `C:\\vms\\child-${version}.vhd`, parent: path }, soon());
    t.match(await images.look(`C:\\vms\\child-${version}.vhd`, soon()), { type: 'Differencing', parent: path });
    await t.rejects(images.create({ type: 'Fixed', path, sizeBytes: 64 * 2 ** 20 }, soon()), {
      name: 'DriverError',
      message: /The file exists/,
    });
    await t.rejects(images.look('C:\\vms\\nowhere.vhd', soon()), { code: 'NotFound' });
    await t.rejects(images.create({ type: 'Fixed', path: 'C:\\vms\\a.qcow2', sizeBytes: 2 ** 20 }, soon()), {
      code: 'Invalid',
      message: version === 'v2' ? /\.vhdx, \.vhd/ : /in \.vhd/,
    });
  });

  t.test(`${version}: what another life began is waited for, and not begun again`, async (t) => {
    const { jobs, machines, simulator, wmi, defined } = await host(t, version);
    const system = await defined('slow');
    const id = system.selectors['Name'] ?? '';
    const held = holding();
    simulator.host.troubles.add('RequestStateChange', { kind: 'hold', until: held.promise }, 1);
    const giveUp = new AbortController();
    const starting = machines.request(system, 'Start', giveUp.signal);
    while (simulator.host.jobs.all.every(({ affects }) => affects !== id)) await new Promise(setImmediate);
    giveUp.abort();
    await t.rejects(starting, { code: 'TimedOut' });
    const hasty = new Jobs(wmi, { first: 1, longest: 2, patience: 20 });
    await t.rejects(hasty.settled(id, soon()), { code: 'Busy', message: /still at "slow: start" .*0 %.*Hyper-V Manager/ });
    const settled = jobs.settled(id, soon());
    held.resolve();
    await settled;
    t.equal(powerOf(await wmi.get(computerSystem, system, soon())), 'Running');
    await t.resolves(jobs.settled(randomUUID().toUpperCase(), soon()), 'a machine that is gone has nothing under way');
    t.equal(simulator.host.asked.filter((what) => what.endsWith('.RequestStateChange')).length, 1);
  });

  t.test(`${version}: a machine or a disk that another life began to make is waited for, and nothing else is`, async (t) => {
    const { jobs, simulator, wmi, machines, images, defined } = await host(t, version);
    const system = await defined('merging');
    const held = holding();
    const hold = { kind: 'hold', until: held.promise } as const;
    const [define, create] =
      version === 'v2' ? ['DefineSystem', 'CreateVirtualHardDisk'] : ['DefineVirtualSystem', 'CreateDynamicVirtualHardDisk'];
    const gone = new AbortController();
    t.same([await jobs.machinesMade(soon()), await jobs.disksMade(soon())], [false, false]);
    if (version === 'v2') {
      const merge = { type: 50, affects: system.selectors['Name'] } as const;
      simulator.host.jobs.start('merging', 'Msvm_ConcreteJob', () => held.promise, merge);
      simulator.host.jobs.start('converting', 'Msvm_StorageJob', () => held.promise, { type: 6 });
      t.same([await jobs.machinesMade(soon()), await jobs.disksMade(soon())], [false, false], 'those may take hours');
      await jobs.settled(system.selectors['Name'] ?? '', soon());
    }
    for (const method of [define, create]) simulator.host.troubles.add(method ?? '', hold, 1);
    const path = `C:\\vms\\late-${version}.vhd`;
    const begun: readonly Promise<unknown>[] = [
      machines.define({ name: 'late', uuid: randomUUID(), notes: 'ours', generation: 1 }, gone.signal),
      images.create({ type: 'Dynamic', path, sizeBytes: 4 << 20 }, gone.signal),
    ];
    const isBegun = (method: string | undefined) => simulator.host.jobs.all.some(({ name }) => name === method);
    while (!(isBegun(define) && isBegun(create))) await new Promise(setImmediate);
    gone.abort();
    for (const each of begun) await t.rejects(each, { code: 'TimedOut' });
    const hasty = new Jobs(wmi, { first: 1, longest: 2, patience: 20 });
    await t.rejects(hasty.machinesMade(soon()), { code: 'Busy', message: new RegExp(`still at "${define}"`) });
    await t.rejects(hasty.disksMade(soon()), { code: 'Busy', message: new RegExp(`still at "${create}"`) });
    const making = simulator.host.jobs.all.find(({ name, state }) => name === create && state === 'running');
    if (making !== undefined) making.percent = 1;
    t.equal(await hasty.disksMade(soon()), false, 'one that was written to is found by its file');
    if (making !== undefined) making.percent = 0;
    const looks = (what: string) => simulator.host.asked.filter((one) => one.startsWith('Enumerate') && one.includes(what)).length;
    const before = { machines: looks('Msvm_ConcreteJob'), disks: looks('Msvm_StorageJob') };
    const waiting = [jobs.machinesMade(soon()), jobs.disksMade(soon())];
    // A second look begins once the first has seen what is under way.
    while (looks('Msvm_ConcreteJob') < before.machines + 2 || looks('Msvm_StorageJob') < before.disks + 2) await new Promise(setImmediate);
    held.resolve();
    t.same(await Promise.all(waiting), [true, true]);
    t.equal(simulator.host.machines.size, 2);
    t.match(await images.look(path, soon()), { sizeBytes: 4 << 20 });
  });

  t.test(`${version}: what Windows says beneath a job's number is understood in whatever language`, async (t) => {
    const { simulator, machines, defined } = await host(t, version);
    const system = await defined('failing');
    for (const [number, code] of [
      ['0x80070020', 'Busy'],
      ['0x80070070', 'Exhausted'],
      ['0x80070005', 'Denied'],
      ['0x80070002', 'NotFound'],
      ['0x80070050', 'Conflict'],
      ['0xC03A0003', 'Invalid'],
      ['0xC03A000D', 'Invalid'],
      ['0xC03A000E', 'Conflict'],
      ['0xC03A0010', 'Internal'],
      ['0x8FFFFFFF', 'Internal'],
      ['0x80070020 as well as 0x800705AA', 'Exhausted'],
    ] as const) {
      const message = `Der Vorgang ist fehlgeschlagen (${number}).`;
      simulator.host.troubles.add('RequestStateChange', { kind: 'job', code: 32768, message }, 1);
      const words = code === 'Busy' ? `${message.slice(0, -1)}; see which machine or program has it` : message;
      await t.rejects(machines.request(system, 'Start', soon()), { code, message: `RequestStateChange (Start): ${words} (32768)` });
    }
  });

  t.test(`${version}: a job that fails does so in the host's own words`, async (t) => {
    const { simulator, machines, defined } = await host(t, version);
    const system = await defined('failing');
    simulator.host.troubles.add('RequestStateChange', { kind: 'job', code: 32778, message: `Not <enough> memory & "room".` }, 1);
    await t.rejects(machines.request(system, 'Start', soon()), {
      code: 'Exhausted',
      message: 'RequestStateChange (Start): Not <enough> memory & "room". (32778)',
    });
    simulator.host.troubles.add('RequestStateChange', { kind: 'return', code: 32769 }, 1);
    await t.rejects(machines.request(system, 'Start', soon()), { code: 'Denied', message: /"Hyper-V Administrators"/ });
  });

  t.test(`${version}: a host that does everything by jobs makes the same, and with its notes`, async (t) => {
    const { wmi, machines } = await host(t, version, { byJob: true });
    const made = await machines.define({ name: 'byjob', uuid: randomUUID(), notes: 'ours', generation: 1 }, soon());
    const found = await wmi.find(computerSystem, { ElementName: 'byjob' }, soon());
    t.equal(found.length, 1);
    t.same(made, version === 'v1' ? found[0]?.reference : undefined);
    const settings = found[0] && (await machines.settingsOf(found[0].reference, soon()));
    t.same(settings && notesOf(settings), ['ours']);
  });

  t.test(`${version}: what a machine is plugged into has the same words`, async (t) => {
    const { wmi } = await host(t, version);
    t.match(await wmi.find(networkSwitch, {}, soon()), [{ common: { ElementName: 'Default Switch', HealthState: 5 } }]);
  });
}

t.test('a host without Hyper-V is told so, and one that is not reached is not one without', async (t) => {
  const { simulator, wmi } = await host(t, 'v2');
  simulator.host.troubles.add('Enumerate', { kind: 'denied' });
  await t.rejects(Wmi.open(wmi.client, soon()), { code: 'Denied' });
  const other = await Simulator.start({ mode: 'v2', folder, users: [user], without: true });
  t.teardown(() => other[Symbol.asyncDispose]());
  const login = { kind: 'ntlm', username: user.name, domain: '', password: user.password } as const;
  await using client = new WsmanClient(new Lanes({ host: '127.0.0.1', port: other.port }, login));
  await t.rejects(Wmi.open(client, soon()), {
    code: 'Unsupported',
    message: /neither root\/virtualization\/v2 nor .* install the role Hyper-V/,
  });
});

t.test('generation and notes are in the very call that makes a machine', async (t) => {
  const { simulator, machines } = await host(t, 'v2');
  await machines.define({ name: 'two', uuid: randomUUID(), notes: 'ours', generation: 2 }, soon());
  t.match(simulator.machineNamed('two'), { generation: 2, settings: { Notes: ['ours'] } });
  t.notOk(simulator.host.asked.some((what) => what.includes('Modify')));
});

t.test('a value that is not of its type is nonsense, and one that is missing is null', async (t) => {
  const read = (values: Readonly<Record<string, readonly string[]>>) =>
    decodeObject(computerSystem, 'v2', { properties: new Map(Object.entries(values)) });
  t.throws(() => read({ Name: ['x'], EnabledState: ['many'] }), {
    code: 'Internal',
    message: /Msvm_ComputerSystem.EnabledState is "many", where uint16/,
  });
  t.throws(() => read({}), { code: 'Internal', message: /Name is missing/ });
  t.match(read({ Name: ['x'] }), { version: 'v2', common: { Name: 'x', EnabledState: undefined, OperationalStatus: [] }, v2: {} });
  t.equal(powerOf(read({ Name: ['x'], EnabledState: ['32768'] })), 'Other', "version 1's word means nothing in version 2");
  t.equal(requestedState('v1', 'Pause'), 32768);
});

t.test('an object that is given to a method is read back as it was written', async () =>
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme' }).filter((text) => !/[\p{Cc}\p{Cs}\u{fffe}\u{ffff}]/u.test(text)),
      fc.array(fc.nat()),
      (name, sizes) => {
        const written = embedObject(connection, {
          version: 'v2',
          v2: { ElementName: name, HostResource: sizes.map(String), Limit: sizes[0] },
        });
        const { properties } = decodeEmbedded(written);
        return properties.get('ElementName')?.[0] === name && (properties.get('HostResource') ?? []).join() === sizes.join();
      },
    ),
  ),
);

t.test('texts in queries mean themselves', async () =>
  fc.assert(fc.property(fc.string(), (text) => !/(?<!\\)(\\\\)*'./s.test(`${quoted(text).slice(1, -1)}`))),
);
