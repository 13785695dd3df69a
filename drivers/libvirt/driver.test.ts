import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { connect } from '#drivers/connect.js';
import type { Driver, HostEvent, Machine, MachineDefinition, MachineId, Mark, PoolId, PowerState } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { parseXml } from '#drivers/xml/parse.js';
import { serializeXml } from '#drivers/xml/serialize.js';
import { type Libvirtd, startLibvirtd } from '#test/peers/libvirtd.js';
import { connectLibvirt } from './connect.js';
import { bootProbe } from './dialects/qemu/probe.js';
import type { Connection } from './rpc/connection.js';
import { withMark } from './xml/metadata.js';

const run = promisify(execFile);
const signal = AbortSignal.timeout(110_000);

const daemon = await startLibvirtd();
const driver = await connect({ uri: daemon.uri }, signal);
t.teardown(async () => {
  await driver[Symbol.asyncDispose]();
  await daemon.stop();
});

/** Two hexadecimal digits tell the machines of this file apart. */
function uuidOf(digits: string): string {
  return `7d4c2f1e-0000-4000-8000-0000000000${digits}`;
}

function definitionOf(name: string, digits: string): MachineDefinition {
  return {
    uuid: uuidOf(digits),
    nativeName: name,
    cpuCount: 1,
    memoryBytes: 32 * 2 ** 20,
    firmware: 'BIOS',
    disks: [],
    interfaces: [],
    serial: true,
    rng: true,
  };
}

function markOf(name: string): Mark {
  return { owner: { cluster: 'c1', namespace: 'shop', name, uid: `uid-of-${name}` }, record: '{"failures":0}' };
}

async function readOne(id: MachineId, from: Driver = driver): Promise<Machine> {
  const [machine] = (await from.machines.read([id], signal)).machines;
  if (machine === undefined) throw new Error(`${id} is gone`);
  return machine;
}

async function powerOf(t: Test, id: MachineId, from: Driver = driver): Promise<PowerState> {
  const machine = await readOne(id, from);
  const glance = (await from.machines.list(signal)).find((each) => each.id === id);
  t.strictSame(glance?.power, machine.power, 'a glance and a full read agree');
  return machine.power;
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) {
    if (signal.aborted) throw new Error(`waited in vain: ${what}`);
    await delay(50);
  }
}

async function qemuOf(name: string, of: Libvirtd = daemon): Promise<number> {
  for (const pid of await of.processes()) {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (line.includes(`guest=${name},`)) return pid;
  }
  throw new Error(`no QEMU of ${name}`);
}

async function defineByHand(name: string, xml: string): Promise<void> {
  const file = join(daemon.directory, `${name}.xml`);
  await writeFile(file, xml);
  await daemon.virsh('define', file);
}

/** When the host last wrote the machine's definition. */
async function writtenAt(name: string): Promise<bigint> {
  return (await stat(join(daemon.directory, `etc/qemu/${name}.xml`), { bigint: true })).mtimeNs;
}

function kindOf({ kind, ...rest }: HostEvent): string {
  return 'id' in rest ? `${kind} ${rest.id}` : kind;
}

t.test('a host tells what it is and what it accepts, and KVM only when a guest got through its firmware', async (t) => {
  const host = await driver.host.describe(signal);
  t.match(host, { hypervisor: 'QEMU', versions: { QEMU: /^7\.2\./, libvirt: '9.0.0' }, architecture: 'x86_64' });
  t.ok(host.cpuCount >= 1 && host.memoryBytes > 2 ** 30);
  const of = (field: string) => host.capabilities.find((each) => each.field === field);
  t.match(of('cpu.count'), { min: 1, max: 288 });
  t.match(of('memory.size'), { min: 2 ** 20 });
  t.equal((of('memory.size')?.max ?? 0) % 2 ** 20, 0);
  for (const field of ['boot.kernel', 'devices.serial', 'devices.rng', 'pools.directory']) t.ok(of(field), field);
  t.strictSame(of('disks.format')?.values, ['Raw', 'Qcow2']);
  const accelerator = of('accelerator');
  t.equal(accelerator?.values?.at(-1), 'TCG');
  t.match(accelerator?.reason, /KVM was tried: a probe machine's firmware .*; under TCG it was done in|offers no KVM/);
  t.comment(accelerator);
  t.notMatch(await daemon.virsh('list', '--all', '--name'), /probe/, 'no probe machine is left');
});

t.test('what UEFI wrote down stays or goes when its machine is forgotten, as is asked, and is found again', async (t) => {
  const { capabilities } = await driver.host.describe(signal);
  if (capabilities.find(({ field }) => field === 'firmware.type')?.values?.includes('UEFI') !== true) {
    t.pass('UEFI', { skip: 'this host has no firmware for it' });
    return;
  }
  const mark = markOf('uefi');
  const definition: MachineDefinition = { ...definitionOf('shop.uefi', '61'), firmware: 'UEFI' };
  const written = join(daemon.directory, 'lib/qemu/nvram/shop.uefi_VARS.fd');
  const runOnce = async (keepState: boolean) => {
    const id = await driver.machines.define(definition, mark, signal);
    await driver.power.start(id, { paused: true }, signal);
    await driver.power.cut(id, mark.owner, signal);
    await driver.machines.undefine(id, mark.owner, { keepState }, signal);
  };
  await runOnce(true);
  const before = await stat(written);
  await runOnce(true);
  t.equal((await stat(written)).ino, before.ino);
  await runOnce(false);
  await t.rejects(stat(written), { code: 'ENOENT' });
});

t.test('graphics listen on their host and nowhere else; from another network they are not reached, and that is said', async (t) => {
  const mark = markOf('shown');
  const id = await driver.machines.define(
    { ...definitionOf('shop.shown', '62'), graphics: { type: 'VNC', password: 'pAss-w0r' } },
    mark,
    signal,
  );
  await driver.power.start(id, { paused: true }, signal);
  const listening = (await daemon.inside('ss', '-Hltn'))
    .trim()
    .split('\n')
    .map((line) => line.split(/\s+/)[3]);
  t.match(listening, [/^127\.0\.0\.1:\d+$/], 'one port, on the loopback');
  await t.rejects((async () => driver.consoles?.graphics(id, signal))(), {
    code: 'Unavailable',
    message: /listen on 127\.0\.0\.1, port \d+, of its host.* in its network/,
  });
  const line = await readFile(`/proc/${await qemuOf('shop.shown')}/cmdline`, 'utf8');
  t.match(line, /password=on/);
  t.notMatch(line, /pAss-w0r/, 'no password on a command line');
  t.notMatch(await daemon.virsh('dumpxml', 'shop.shown'), /pAss-w0r/, 'nor told to whom does not ask for secrets');
  await driver.power.cut(id, mark.owner, signal);
  await driver.machines.undefine(id, mark.owner, { keepState: false }, signal);
});

t.test('a probe can succeed, can fail, and leaves nothing behind when its connection breaks', async (t) => {
  const open = (opening: AbortSignal) => connectLibvirt(daemon.uri, {}, opening);
  const guest = { architecture: 'x86_64', machine: 'pc-q35-7.2', emulator: undefined };
  t.match(await bootProbe(open, 'qemu', guest, signal), { tookMs: Number, outcome: /was done in/ });
  t.match(await bootProbe(open, 'qemu', { ...guest, machine: 'pc-unheard-of' }, signal), {
    tookMs: undefined,
    outcome: /did not start: .*unheard-of/,
  });
  const connection = await open(signal);
  const breaking: Connection = {
    call: connection.call.bind(connection),
    callAlone: connection.callAlone.bind(connection),
    upload: connection.upload.bind(connection),
    download: connection.download.bind(connection),
    events: connection.events.bind(connection),
    isLocal: connection.isLocal,
    reach: (...args) => connection.reach(...args),
    closed: connection.closed,
    openStream: async () => {
      t.match(await daemon.virsh('list', '--all', '--name'), /virtwright-probe-/);
      await connection[Symbol.asyncDispose]();
      throw new DriverError('Unavailable', 'the connection broke');
    },
    [Symbol.asyncDispose]: async () => {},
  };
  await t.rejects(
    bootProbe(async () => breaking, 'qemu', guest, signal),
    { code: 'Unavailable' },
  );
  await until('the probe is gone', async () => !/probe/.test(await daemon.virsh('list', '--all', '--name')));
});

t.test('a machine is defined once, started, paused, reset, cut and forgotten', async (t) => {
  const { machines, power } = driver;
  const definition = { ...definitionOf('shop.life', '10'), cpuCount: 2 };
  const mark = markOf('life');
  const id = await machines.define(definition, mark, signal);
  const { uuid, nativeName, ...shape } = definition;
  const defined = await readOne(id);
  t.strictSame(defined.configured, shape);
  t.match(defined, { uuid, nativeName, mark, live: undefined, power: { state: 'Off', reason: 'Unknown' } });
  t.match(defined.hardware, { machine: 'pc-q35-7.2', firmware: 'BIOS', accelerator: /^(KVM|TCG)$/ });

  const before = await writtenAt(nativeName);
  await machines.define(definition, mark, signal);
  t.equal(await writtenAt(nativeName), before, 'an unchanged definition is not written');
  await machines.define({ ...definition, cpuCount: 3 }, mark, signal);
  t.not(await writtenAt(nativeName), before);
  t.equal((await readOne(id)).configured?.cpuCount, 3);
  await t.rejects(machines.define({ ...definition, cpuCount: 289 }, mark, signal), { code: 'Invalid', message: /at most 288/ });
  await t.rejects(machines.define({ ...definition, memoryBytes: 2 ** 50 }, mark, signal), { code: 'Invalid', message: /memory\.size/ });
  await machines.define(definition, mark, signal);

  await power.start(id, { paused: true }, signal);
  t.strictSame(await powerOf(t, id), { state: 'Paused', reason: 'User' });
  await power.start(id, { paused: true }, signal);
  await power.resume(id, signal);
  t.equal((await powerOf(t, id)).state, 'On');
  await power.resume(id, signal);
  await power.pause(id, signal);
  await power.pause(id, signal);
  t.strictSame(await powerOf(t, id), { state: 'Paused', reason: 'User' });
  await power.resume(id, signal);
  await power.reset(id, mark.owner, signal);
  t.strictSame((await readOne(id)).live, shape, 'what runs is what was asked');

  const changed = { owner: mark.owner, record: 'a "new" <record>\n' };
  await machines.mark(id, changed, changed.owner, signal);
  t.strictSame((await readOne(id)).mark, changed);
  t.match(await daemon.virsh('dumpxml', nativeName), /a "new" &lt;record/, 'in the running machine');
  await power.press(id, mark.owner, signal);
  await t.rejects(machines.undefine(id, mark.owner, { keepState: false }, signal), { code: 'Conflict', message: /not Off/ });
  await power.cut(id, mark.owner, signal);
  t.strictSame(await powerOf(t, id), { state: 'Off', reason: 'Cut' });
  await power.cut(id, mark.owner, signal);
  await power.press(id, mark.owner, signal);
  await t.rejects(power.pause(id, signal), { code: 'Conflict' });

  await power.start(id, { paused: false }, signal);
  t.strictSame(await powerOf(t, id), { state: 'On', reason: 'Booted' });
  await power.cut(id, mark.owner, signal);
  await machines.undefine(id, mark.owner, { keepState: false }, signal);
  await machines.undefine(id, mark.owner, { keepState: false }, signal);
  t.strictSame(await machines.read([id], signal), { machines: [], unread: [] });
  await t.rejects(power.start(id, { paused: false }, signal), { code: 'NotFound' });
  await t.rejects(power.cut(id, mark.owner, signal), { code: 'NotFound' });
});

t.test('machines of others are seen, named, and left alone', async (t) => {
  const { machines, power } = driver;
  const stranger = uuidOf('20');
  await defineByHand(
    'stranger',
    `<domain type='qemu'><name>stranger</name><uuid>${stranger}</uuid><memory unit='MiB'>32</memory><os><type arch='x86_64'>hvm</type></os></domain>`,
  );
  const id = stranger as MachineId;
  t.equal((await readOne(id)).mark, undefined);
  const before = await daemon.virsh('dumpxml', 'stranger');
  const mark = markOf('stranger');
  await t.rejects(machines.define(definitionOf('shop.other', '20'), mark, signal), { code: 'NotOurs', message: /"stranger".*no mark/ });
  await t.rejects(machines.define(definitionOf('stranger', '21'), mark, signal), { code: 'NotOurs', message: /"stranger"/ });
  await t.rejects(machines.mark(id, mark, mark.owner, signal), { code: 'NotOurs' });
  await t.rejects(machines.undefine(id, mark.owner, { keepState: false }, signal), { code: 'NotOurs' });
  await daemon.virsh('start', 'stranger', '--paused');
  t.strictSame(await powerOf(t, id), { state: 'Paused', reason: 'User' });
  for (const verb of ['press', 'cut', 'reset'] as const) await t.rejects(power[verb](id, mark.owner, signal), { code: 'NotOurs' });
  await daemon.virsh('destroy', 'stranger');
  t.equal(await daemon.virsh('dumpxml', 'stranger'), before, 'nothing of it was changed');

  await machines.mark(id, mark, undefined, signal);
  t.strictSame((await readOne(id)).mark, mark, 'a mark is how a machine is adopted');
  await t.rejects(machines.mark(id, { ...mark, owner: markOf('other').owner }, undefined, signal), { code: 'NotOurs' });
  await machines.undefine(id, mark.owner, { keepState: false }, signal);

  const ours = await machines.define(definitionOf('shop.owned', '22'), markOf('owned'), signal);
  const copied = { owner: { ...markOf('owned').owner, uid: 'another' }, record: '' };
  for (const digits of ['22', '23'])
    await t.rejects(machines.define(definitionOf('shop.owned', digits), copied, signal), {
      code: 'NotOurs',
      message: /"shop\.owned" on the host belongs to shop\/owned of cluster "c1" \(uid uid-of-owned\)/,
    });
  await t.rejects(machines.define(definitionOf('shop.owned', '23'), markOf('owned'), signal), {
    code: 'Conflict',
    message: new RegExp(uuidOf('22')),
  });
  await machines.undefine(ours, markOf('owned').owner, { keepState: false }, signal);
});

t.test('a rich machine made by hand keeps, on the host, all that an edit does not speak of', async (t) => {
  const xml = parseXml(await readFile('test/golden/libvirt/domain-rich.xml', 'utf8'), 'rich');
  const mark = markOf('rich');
  await defineByHand('legacy-db', serializeXml(withMark(xml, mark)));
  const id = uuidOf('03') as MachineId;
  const { configured } = await readOne(id);
  if (configured === undefined) throw new Error('no definition');
  const before = (await daemon.virsh('dumpxml', '--security-info', 'legacy-db')).split('\n');
  const written = await writtenAt('legacy-db');
  const definition = { ...configured, uuid: id, nativeName: 'legacy-db' };
  await driver.machines.define(definition, mark, signal);
  t.equal(await writtenAt('legacy-db'), written);
  await driver.machines.define({ ...definition, memoryBytes: 2 ** 31, disks: definition.disks.slice(0, 1) }, mark, signal);
  const after = (await daemon.virsh('dumpxml', '--security-info', 'legacy-db')).split('\n');
  t.strictSame(
    after.filter((line) => !before.includes(line)).map((line) => line.trim()),
    [
      "<memory unit='KiB'>2097152</memory>",
      "<currentMemory unit='KiB'>2097152</currentMemory>",
      "<cell id='0' cpus='0-3' memory='2097152' unit='KiB'/>",
    ],
  );
  t.strictSame(
    before.filter((line) => !after.includes(line)).map((line) => line.trim()),
    [
      "<memory unit='KiB'>4194304</memory>",
      "<currentMemory unit='KiB'>4194304</currentMemory>",
      "<cell id='0' cpus='0-3' memory='4194304' unit='KiB'/>",
      "<disk type='block' device='disk'>",
      "<source dev='/dev/vg0/legacy-db-data'/>",
      "<target dev='vdc' bus='virtio'/>",
      "<alias name='ua-data'/>",
      "<address type='pci' domain='0x0000' bus='0x07' slot='0x00' function='0x0'/>",
    ],
  );
  await driver.machines.undefine(id, mark.owner, { keepState: false }, signal);
});

t.test('what is changed beside us shows: memory, and a definition taken away while the machine runs', async (t) => {
  const { machines, power } = driver;
  const definition = definitionOf('shop.drift', '30');
  const mark = markOf('drift');
  const id = await machines.define(definition, mark, signal);
  await power.start(id, { paused: true }, signal);
  await daemon.virsh('setmem', 'shop.drift', '24M', '--config');
  const drifted = await readOne(id);
  t.equal(drifted.configured?.memoryBytes, 24 * 2 ** 20);
  t.equal(drifted.live?.memoryBytes, 32 * 2 ** 20);
  await machines.define(definition, mark, signal);
  t.equal((await readOne(id)).configured?.memoryBytes, 32 * 2 ** 20);

  await daemon.virsh('undefine', 'shop.drift');
  const transient = await readOne(id);
  t.equal(transient.configured, undefined);
  t.ok(transient.live);
  t.strictSame(transient.mark, mark);
  await machines.mark(id, { ...mark, record: 'while transient' }, mark.owner, signal);
  await machines.define(definition, { ...mark, record: 'again' }, signal);
  const again = await readOne(id);
  t.strictSame(again.configured, again.live);
  t.equal(again.mark?.record, 'again');
  await power.cut(id, mark.owner, signal);
  t.strictSame((await readOne(id)).power, { state: 'Off', reason: 'Cut' }, 'it is there after its stop');
  await machines.undefine(id, mark.owner, { keepState: false }, signal);
});

t.test('a machine whose QEMU dies is Off and Crashed, and events say that it changed', async (t) => {
  const { machines, power, events } = driver;
  const watching = new AbortController();
  const heard: string[] = [];
  const watch = (async () => {
    for await (const event of events?.watch(watching.signal) ?? []) heard.push(kindOf(event));
  })();
  await until('the first gap', async () => heard.length > 0);
  t.equal(heard[0], 'gap');
  const id = await machines.define(definitionOf('shop.crash', '40'), markOf('crash'), signal);
  await until('defined', async () => heard.includes(`machine ${id}`));
  await power.start(id, { paused: false }, signal);
  await until('started', async () => heard.length > 2);
  const known = heard.length;
  process.kill(await qemuOf('shop.crash'), 'SIGKILL');
  await until('crashed', async () => (await readOne(id)).power.state === 'Off');
  t.strictSame(await powerOf(t, id), { state: 'Off', reason: 'Crashed' });
  await until('told', async () => heard.length > known);
  t.ok(heard.slice(known).every((event) => event === `machine ${id}`));
  watching.abort();
  await watch;
  await machines.undefine(id, markOf('crash').owner, { keepState: false }, signal);
});

t.test('a console is read and written, and taken over by the next who opens it', async (t) => {
  const { machines, power, consoles } = driver;
  if (consoles === undefined) throw new Error('no consoles');
  const mute = await machines.define({ ...definitionOf('shop.mute', '51'), serial: false }, markOf('mute'), signal);
  await power.start(mute, { paused: true }, signal);
  await t.rejects(consoles.open(mute, signal), { code: 'Invalid', message: /no serial console/ });
  await power.cut(mute, markOf('mute').owner, signal);
  await machines.undefine(mute, markOf('mute').owner, { keepState: false }, signal);
  const id = await machines.define(definitionOf('shop.console', '50'), markOf('console'), signal);
  await t.rejects(consoles.open(id, signal), { code: 'Conflict' });
  await power.start(id, { paused: true }, signal);
  const opening = new AbortController();
  const first = await consoles.open(id, opening.signal);
  opening.abort();
  await first.write(Buffer.from('x'), signal);
  const ended = collect(first.output);
  const second = await consoles.open(id, signal);
  await ended;
  await t.rejects(first.write(Buffer.from('x'), signal), { code: 'Conflict', message: /another opener took it over/ });
  const rest = collect(second.output);
  await power.cut(id, markOf('console').owner, signal);
  await rest;
  await t.rejects(second.write(Buffer.from('x'), signal), { code: 'Conflict' });
  t.pass('both ended: the first when it was taken over, the second with the machine');
  await second[Symbol.asyncDispose]();
  await first[Symbol.asyncDispose]();
  await machines.undefine(id, markOf('console').owner, { keepState: false }, signal);
});

t.test('one QEMU that hangs holds up nobody else', async (t) => {
  const { machines, power, stats } = driver;
  const disk = { name: 'root', location: join(daemon.directory, 'hang.raw'), format: 'Raw' as const, bus: 'VirtioBlk' as const };
  await writeFile(disk.location, Buffer.alloc(1024 * 1024));
  const well = { ...definitionOf('shop.well', '61'), disks: [disk] };
  const hungDisk = { ...disk, location: join(daemon.directory, 'hung.raw') };
  await writeFile(hungDisk.location, Buffer.alloc(1024 * 1024));
  const hungId = await machines.define({ ...definitionOf('shop.hung', '60'), disks: [hungDisk] }, markOf('hung'), signal);
  await power.start(hungId, { paused: false }, signal);
  const pid = await qemuOf('shop.hung');
  process.kill(pid, 'SIGSTOP');
  const pressed = power.press(hungId, markOf('hung').owner, signal);
  pressed.catch(() => {});
  await until('the press waits for it', async () => !/^ok/.test(await daemon.virsh('domcontrol', 'shop.hung')));
  const wellId = await machines.define(well, markOf('well'), signal);
  await power.start(wellId, { paused: false }, signal);
  t.equal((await readOne(wellId)).power.state, 'On');
  t.equal((await readOne(hungId)).power.state, 'On', 'even the hung one is read');
  const measured = await stats?.read(signal);
  t.strictSame(
    measured?.map((each) => each.id),
    [wellId],
    'and is left out of the measurements',
  );
  t.match(measured?.[0], {
    cpuSeconds: Number,
    memory: { balloonBytes: 32 * 2 ** 20, residentBytes: Number },
    disks: [{ name: 'root', read: { bytes: Number, operations: Number, seconds: Number }, written: { bytes: Number } }],
  });
  await power.cut(wellId, markOf('well').owner, signal);
  await machines.undefine(wellId, markOf('well').owner, { keepState: false }, signal);
  await machines.define({ ...definitionOf('shop.hung', '60'), disks: [hungDisk], cpuCount: 2 }, markOf('hung'), signal);
  t.equal((await readOne(hungId)).configured?.cpuCount, 2, 'its definition can be changed');
  await power.cut(hungId, markOf('hung').owner, signal);
  t.strictSame(await powerOf(t, hungId), { state: 'Off', reason: 'Cut' }, 'its power can be cut while the press still waits for it');
  // The press fails with its QEMU, or finds what it wanted; either way it is over.
  await pressed.catch((reason) => t.match(reason, { name: 'DriverError' }));
  await machines.undefine(hungId, markOf('hung').owner, { keepState: false }, signal);
  t.ok(await stat(disk.location), 'disks stay');
});

t.test('pools are made, kept apart by uuid, name and path, and leave what is in them', async (t) => {
  const { pools } = driver;
  if (pools === undefined) throw new Error('no pools');
  const path = join(daemon.directory, 'deep/down/fast');
  const definition = { uuid: uuidOf('70'), nativeName: 'fast', source: { kind: 'directory', path } } as const;
  const id = await pools.define(definition, signal);
  t.match(await pools.list(signal), [{ id, uuid: definition.uuid, nativeName: 'fast', active: false, path }]);
  await pools.start(id, signal);
  await pools.start(id, signal);
  await pools.define(definition, signal);
  const [pool] = await pools.list(signal);
  t.ok(pool?.active);
  t.ok((pool?.capacityBytes ?? 0) > (pool?.availableBytes ?? 0));
  await t.rejects(pools.define({ ...definition, uuid: uuidOf('71') }, signal), { code: 'NotOurs', message: /"fast".*70/ });
  await t.rejects(pools.define({ uuid: uuidOf('71'), nativeName: 'x', source: { kind: 'directory', path: `${path}/` } }, signal), {
    code: 'NotOurs',
    message: /"fast"/,
  });
  await t.rejects(pools.define({ ...definition, source: { kind: 'directory', path: '/elsewhere' } }, signal), {
    code: 'Invalid',
    message: /does not move/,
  });
  await writeFile(join(path, 'kept'), 'x');
  await pools.undefine(id, signal);
  await pools.undefine(id, signal);
  t.strictSame(await pools.list(signal), []);
  t.strictSame(await readdir(path), ['kept']);
  await t.rejects(pools.start(id, signal), { code: 'NotFound' });
  await pools.define(definition, signal);
  t.strictSame(await readdir(path), ['kept'], 'an existing directory is taken as it is');
  await pools.undefine(id, signal);
});

async function collect(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of content) parts.push(part);
  return Buffer.concat(parts);
}

async function* inPieces(content: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.length; at += size) yield content.subarray(at, at + size);
}

t.test('volumes are made, filled, read, grown and deleted', async (t) => {
  const { pools, volumes } = driver;
  if (pools === undefined || volumes === undefined) throw new Error('no storage');
  const path = join(daemon.directory, 'volumes');
  await mkdir(path);
  const pool = await pools.define({ uuid: uuidOf('80'), nativeName: 'volumes', source: { kind: 'directory', path } }, signal);
  await t.rejects(volumes.list(pool, { refresh: false }, signal), { code: 'Conflict' }, 'not while the pool is stopped');
  await pools.start(pool, signal);

  const empty = await volumes.create({ pool, nativeName: 'shop.db-root', format: 'Qcow2', sizeBytes: 0 }, signal);
  t.match(empty, { location: join(path, 'shop.db-root'), sizeBytes: 0 });
  t.equal((await stat(empty.location)).size, 0);
  await t.rejects(volumes.create({ pool, nativeName: 'shop.db-root', format: 'Raw', sizeBytes: 0 }, signal), { code: 'Conflict' });
  const image = join(daemon.directory, 'image.qcow2');
  await run('qemu-img', ['create', '-f', 'qcow2', image, '100M']);
  const content = await readFile(image);
  await volumes.upload(empty.id, inPieces(content, 10_000), signal);
  const [filled] = await volumes.list(pool, { refresh: false }, signal);
  t.match(filled, { id: empty.id, format: 'Qcow2', sizeBytes: 100 * 2 ** 20, location: empty.location });
  t.ok((await collect(volumes.download(empty.id, { offset: 0, length: content.length }, signal))).equals(content));
  t.equal((await collect(volumes.download(empty.id, { offset: 0, length: 4 }, signal))).toString('latin1'), 'QFI\xfb');
  t.equal((await collect(volumes.download(empty.id, { offset: 0, length: 0 }, signal))).length, 0);
  await volumes.upload(empty.id, inPieces(content.subarray(0, 5000), 999), signal);
  t.equal((await stat(empty.location)).size, 5000, 'nothing longer is left');
  await volumes.upload(empty.id, inPieces(content, 2 ** 16), signal);
  await volumes.grow(empty.id, 200 * 2 ** 20, signal);
  await volumes.grow(empty.id, 200 * 2 ** 20, signal);
  await t.rejects(volumes.grow(empty.id, 100 * 2 ** 20, signal), { code: 'Invalid', message: /never shrinks/ });
  t.match(JSON.parse((await run('qemu-img', ['info', '--output=json', empty.location])).stdout), {
    'virtual-size': 200 * 2 ** 20,
    format: 'qcow2',
  });

  const raw = await volumes.create({ pool, nativeName: 'data', format: 'Raw', sizeBytes: 2 ** 40 }, signal);
  t.match(raw, { format: 'Raw', sizeBytes: 2 ** 40, allocationBytes: 0 }, 'nothing is allocated ahead');
  const thin = await volumes.create({ pool, nativeName: 'thin', format: 'Qcow2', sizeBytes: 2 ** 30 }, signal);
  t.match(thin, { format: 'Qcow2', sizeBytes: 2 ** 30 });
  await writeFile(join(path, 'put-there'), 'x');
  for (const format of ['Raw', 'Qcow2'] as const)
    await t.rejects(volumes.create({ pool, nativeName: 'put-there', format, sizeBytes: 2 ** 20 }, signal), { code: 'Conflict' });
  t.equal((await readFile(join(path, 'put-there'))).toString(), 'x', 'a file that the pool had not seen is not overwritten');
  const names = async (refresh: boolean) => (await volumes.list(pool, { refresh }, signal)).map((each) => each.id.nativeName).sort();
  t.strictSame(await names(false), ['data', 'shop.db-root', 'thin']);
  t.strictSame(await names(true), ['data', 'put-there', 'shop.db-root', 'thin']);
  for (const { id } of [raw, raw, thin]) await volumes.delete(id, signal);
  t.strictSame(await names(false), ['put-there', 'shop.db-root']);
  await t.rejects(volumes.upload(raw.id, inPieces(content, 9), signal), { code: 'NotFound' });
  await pools.undefine(pool, signal);
});

t.test('a store without room says Exhausted', async (t) => {
  const { pools, volumes } = driver;
  if (pools === undefined || volumes === undefined) throw new Error('no storage');
  const path = join(daemon.directory, 'tiny');
  await mkdir(path);
  const inside = ['nsenter', '--target', `${daemon.pid}`, '--mount'];
  await run(inside[0] as string, [...inside.slice(1), 'mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', path]);
  const pool = await pools.define({ uuid: uuidOf('90'), nativeName: 'tiny', source: { kind: 'directory', path } }, signal);
  await pools.start(pool, signal);
  const volume = await volumes.create({ pool, nativeName: 'v', format: 'Raw', sizeBytes: 0 }, signal);
  await t.rejects(volumes.upload(volume.id, inPieces(Buffer.alloc(2 ** 20, 1), 2 ** 16), signal), { code: 'Exhausted' });
  await t.rejects(volumes.create({ pool, nativeName: 'w', format: 'Qcow2', sizeBytes: 2 ** 30 }, signal), { code: 'Exhausted' });
  await pools.undefine(pool, signal);
});

t.test('a running machine outlives its daemon, and is found again', async (t) => {
  await using second = await startLibvirtd();
  const before = await connect({ uri: second.uri }, signal);
  const definition = definitionOf('shop.survivor', 'a0');
  const id = await before.machines.define(definition, markOf('survivor'), signal);
  await before.power.start(id, { paused: true }, signal);
  await before.power.resume(id, signal);
  const pid = await qemuOf('shop.survivor', second);
  await second.kill9();
  await before.closed;
  await t.rejects(before.machines.list(signal), { name: 'DriverError', code: 'Unavailable' });
  await before[Symbol.asyncDispose]();
  await second.restart();
  await using after = await connect({ uri: second.uri }, signal);
  t.equal((await powerOf(t, id, after)).state, 'On');
  t.match(await readOne(id, after), { mark: markOf('survivor'), configured: { serial: true }, live: { serial: true } });
  t.equal(await qemuOf('shop.survivor', second), pid, 'the same QEMU');
  await after.power.cut(id, markOf('survivor').owner, signal);
  await after.machines.undefine(id, markOf('survivor').owner, { keepState: false }, signal);
});

t.test('names that would leave their folder, or not be kept to the letter, are refused', async (t) => {
  const { pools, volumes } = driver;
  if (pools === undefined || volumes === undefined) throw new Error('no storage');
  const pool = uuidOf('b0') as PoolId;
  for (const nativeName of ['', '.', '..', 'a/b', 'a\nb', 'x'.repeat(248)]) {
    await t.rejects(driver.machines.define({ ...definitionOf('x', 'b1'), nativeName }, markOf('x'), signal), {
      code: 'Invalid',
      message: /nativeName/,
    });
    await t.rejects(pools.define({ uuid: pool, nativeName, source: { kind: 'directory', path: '/p' } }, signal) ?? Promise.resolve(), {
      code: 'Invalid',
    });
  }
  for (const path of ['', 'relative', '/a/../b', '/a//b'])
    await t.rejects(pools.define({ uuid: pool, nativeName: 'p', source: { kind: 'directory', path } }, signal) ?? Promise.resolve(), {
      code: 'Invalid',
    });
  for (const nativeName of ['', '.', '..', '../escaped', '/abs', 'x'.repeat(256)])
    await t.rejects(volumes.create({ pool, nativeName, format: 'Raw', sizeBytes: 0 }, signal) ?? Promise.resolve(), {
      code: 'Invalid',
    });
});

t.test('only known schemes are accepted, and no password is repeated', async (t) => {
  for (const uri of ['nobody://root:secret@host/', 'toString:x', '', 'qemu'])
    await t.rejects(connect({ uri }, signal), { code: 'Invalid', message: /accepted schemes: qemu:/ });
  await t.rejects(connect({ uri: 'nobody://root:secret@host/' }, signal), { message: /^((?!secret).)*$/ });
  await t.rejects(connect({ uri: 'qemu+unix:///system?socket=/nowhere' }, signal), { code: 'Unavailable' });
});
