import t from 'tap';
import type { HostEvent, MachineDefinition, Mark } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { Behind } from './behind.js';
import { everything } from './capabilities.js';
import { systemClock } from './clock.js';
import { fakeDriver } from './driver.js';
import type { Guest } from './guest.js';
import { FakeHost } from './host.js';

// What the contract asks of every driver is checked there; here is what only a fake can be told.

const soon = () => AbortSignal.timeout(10_000);
const uuid = '11111111-2222-4333-8444-555555555555';
const definition: MachineDefinition = {
  uuid,
  nativeName: 'shop.web',
  cpuCount: 1,
  memoryBytes: 1 << 26,
  disks: [],
  interfaces: [],
  serial: true,
  rng: false,
};
const mark: Mark = { owner: { cluster: 'here', namespace: 'shop', name: 'web', uid: 'u-1' }, record: '' };
const { owner } = mark;
const code = (code: string) => ({ name: 'DriverError', code });

async function scene(guest: Guest = {}) {
  const host = new FakeHost();
  host.guest(uuid, guest);
  const driver = fakeDriver(host);
  const id = await driver.machines.define(definition, mark, soon());
  const start = (paused = false) => driver.power.start(id, { paused }, soon());
  const power = async () => (await driver.machines.read([id], soon())).machines[0]?.power;
  return { host, behind: new Behind(host), driver, id, start, power };
}

t.test('calls are recorded, and acts are those that were not looks', async (t) => {
  const { host, driver, id, start } = await scene();
  await start();
  await driver.machines.list(soon());
  await driver.machines.read([id], soon());
  t.same(host.calls, ['machines.define shop.web', 'power.start shop.web', 'machines.list', 'machines.read 1']);
  t.same(host.acts, ['machines.define shop.web', 'power.start shop.web']);
});

t.test('a guest takes its time to power off, by the clock', async (t) => {
  const { host, driver, id, start, power } = await scene({ powersOff: { afterMs: 100, shows: 'Stopping' } });
  await start();
  await driver.power.press(id, owner, soon());
  t.same(await power(), { state: 'Stopping', reason: 'Guest' });
  host.clock.advance(99);
  t.match(await power(), { state: 'Stopping' });
  host.clock.advance(1);
  t.same(await power(), { state: 'Off', reason: 'Guest' });
});

t.test('a guest that is reset while it powers off runs anew', async (t) => {
  const { host, driver, id, start, power } = await scene({ powersOff: { afterMs: 100, shows: 'Stopping' } });
  await start();
  await driver.power.press(id, owner, soon());
  await driver.power.reset(id, owner, soon());
  host.clock.advance(100);
  t.same(await power(), { state: 'On', reason: 'Booted' });
});

t.test('a guest takes its time to power off, by looks', async (t) => {
  const { driver, id, start, power } = await scene({ powersOff: { afterLooks: 2 } });
  await start();
  await driver.power.press(id, owner, soon());
  t.match([await power(), await power(), await power()], [{ state: 'On' }, { state: 'On' }, { state: 'Off', reason: 'Guest' }]);
});

t.test('a guest crashes after start, when it is let run, and not in its next run', async (t) => {
  const { host, driver, id, start, power } = await scene({ afterStart: { does: 'Crash', afterMs: 10 } });
  await start(true);
  host.clock.advance(10);
  t.same(await power(), { state: 'Paused', reason: 'StartingUp' });
  await driver.power.resume(id, soon());
  t.same(await power(), { state: 'Off', reason: 'Crashed' });
  await start();
  await driver.power.cut(id, owner, soon());
  host.guest(uuid, {});
  await start();
  host.clock.advance(100);
  t.same(await power(), { state: 'On', reason: 'Booted' });
});

t.test('a start is refused as told', async (t) => {
  const { start, power } = await scene({ refusesToStart: new DriverError('Exhausted', 'no memory') });
  await t.rejects(start(), code('Exhausted'));
  t.same(await power(), { state: 'Off', reason: 'Failed' });
});

t.test('a start needs its disks, and has them alone', async (t) => {
  const { behind, driver, id, start, power } = await scene();
  const disks = [{ name: 'root', location: '/pool/root', format: 'Raw' as const }];
  await driver.machines.define({ ...definition, disks }, mark, soon());
  await t.rejects(start(), code('NotFound'));
  t.match(await power(), { state: 'Off' });
  behind.putFile('/pool/root', Buffer.from('x'));
  behind.machine({ uuid: uuid.replaceAll('1', '9'), nativeName: 'other', shape: { disks } });
  behind.start(uuid.replaceAll('1', '9'));
  await t.rejects(start(), code('Conflict'));
  behind.destroy(uuid.replaceAll('1', '9'));
  await start();
  t.match((await driver.stats?.read(soon())) ?? [], [{ id, disks: [{ name: 'root' }] }]);
});

t.test('a verb that is told to fail does nothing, as often as told', async (t) => {
  const { host, start, power } = await scene();
  host.faults.fail('power.start', 'Busy', 2);
  await t.rejects(start(), code('Busy'));
  await t.rejects(start(), code('Busy'));
  t.match(await power(), { state: 'Off' });
  await start();
  t.match(await power(), { state: 'On' });
});

t.test('a lost reply comes after the work', async (t) => {
  const { host, start, power } = await scene();
  host.faults.loseReply('power.start');
  await t.rejects(start(), code('Unavailable'));
  t.match(await power(), { state: 'On' });
});

t.test('a host dies between any two calls, until someone connects anew', async (t) => {
  const { host, driver, start, power } = await scene();
  host.faults.dieAfter(1);
  t.match(await power(), { state: 'Off' });
  await t.rejects(start(), code('Unavailable'));
  await t.rejects(power(), code('Unavailable'));
  await t.resolves(driver.closed);
  t.match(await fakeDriver(host).machines.list(soon()), [{ power: { state: 'Off' } }]);
});

t.test('a host dies before the reply of its last call', async (t) => {
  const { host, start } = await scene();
  host.faults.dieAfter(1, { losingReply: true });
  await t.rejects(start(), code('Unavailable'));
  t.match(await fakeDriver(host).machines.list(soon()), [{ power: { state: 'On' } }]);
});

t.test('a slow verb is given up, and still done', async (t) => {
  const { host, driver, id, power } = await scene();
  host.faults.slow('power.start', 1000);
  const giveUp = new AbortController();
  const starting = driver.power.start(id, { paused: false }, giveUp.signal);
  const given = t.rejects(starting, code('TimedOut'));
  await power();
  giveUp.abort();
  await given;
  t.match(await power(), { state: 'Off' });
  host.clock.advance(1000);
  await new Promise(setImmediate);
  t.match(await power(), { state: 'On' });
});

t.test('a timer of the real clock is used when asked', async (t) => {
  const host = new FakeHost({ clock: systemClock });
  host.faults.slow('machines.list', 1);
  t.same(await fakeDriver(host).machines.list(soon()), []);
});

t.test('a daemon that restarts forgets why machines are off, and not those that run', async (t) => {
  const { host, driver, id, start } = await scene();
  await start();
  await driver.power.cut(id, owner, soon());
  host.forget();
  await t.resolves(driver.closed);
  const anew = fakeDriver(host);
  t.match(await anew.machines.list(soon()), [{ power: { state: 'Off', reason: 'Unknown' } }]);
  await anew.power.start(id, { paused: false }, soon());
  host.forget();
  t.match(await fakeDriver(host).machines.list(soon()), [{ power: { state: 'On' } }]);
});

t.test('events are lost as told: with a gap, without one, or all of them', async (t) => {
  const { host, driver, id } = await scene();
  const heard: HostEvent[] = [];
  const stop = new AbortController();
  const watching = (async () => {
    for await (const event of driver.events?.watch(stop.signal) ?? []) heard.push(event);
  })();
  const change = async (record: string) => {
    await driver.machines.mark(id, { owner, record }, owner, soon());
    await new Promise(setImmediate);
    return heard.splice(0);
  };
  const machine = { kind: 'machine', id };
  t.same(await change('1'), [{ kind: 'gap' }, machine]);
  host.bulletin.lose(2);
  t.same([await change('2'), await change('3'), await change('4')], [[], [{ kind: 'gap' }], [machine]]);
  host.bulletin.lose(1, { told: false });
  t.same([await change('5'), await change('6')], [[], [machine]]);
  host.bulletin.silence();
  t.same(await change('7'), []);
  stop.abort();
  await watching;
});

t.test('an upload breaks midway and leaves a part; a full pool takes no more', async (t) => {
  const host = new FakeHost({ roomBytes: 100 });
  const { pools, volumes } = fakeDriver(host);
  if (pools === undefined || volumes === undefined) throw new Error('no storage');
  const pool = await pools.define({ uuid, nativeName: 'fast', source: { kind: 'directory', path: '/fast' } }, soon());
  await pools.start(pool, soon());
  const volume = { pool, nativeName: 'v', format: 'Raw' as const, sizeBytes: 0 };
  const { id } = await volumes.create(volume, soon());
  async function* bytes(count: number) {
    yield new Uint8Array(count);
  }
  host.faults.breakUploadAfter(7);
  await t.rejects(volumes.upload(id, bytes(50), soon()), code('Unavailable'));
  t.match(await volumes.list(pool, { refresh: true }, soon()), [{ sizeBytes: 7 }]);
  await t.rejects(volumes.upload(id, bytes(101), soon()), code('Exhausted'));
  await volumes.upload(id, bytes(60), soon());
  t.match(await pools.list(soon()), [{ capacityBytes: 100, allocationBytes: 60, availableBytes: 40 }]);
  await t.rejects(volumes.create({ ...volume, nativeName: 'w', sizeBytes: 41 }, soon()), code('Exhausted'));
  await t.rejects(volumes.grow(id, 101, soon()), code('Exhausted'));
});

t.test('facets and fields are absent as told', async (t) => {
  const bare = fakeDriver(new FakeHost({ without: ['consoles'] }));
  t.equal('consoles' in bare, false);
  const host = new FakeHost({ capabilities: everything.filter(({ field }) => field !== 'devices.serial') });
  await t.rejects(fakeDriver(host).machines.define(definition, mark, soon()), code('Unsupported'));
});

t.test('hardware is chosen at the first define, and outlives an upgrade', async (t) => {
  const { host, driver, id } = await scene();
  host.hardware = { accelerator: 'Fake', machine: 'fake-2.0' };
  await driver.machines.define({ ...definition, cpuCount: 2 }, mark, soon());
  t.match(await driver.machines.read([id], soon()), { machines: [{ hardware: { machine: 'fake-1.0' } }] });
  const later = await driver.machines.define({ ...definition, uuid: uuid.replaceAll('1', '2'), nativeName: 'new' }, mark, soon());
  t.match(await driver.machines.read([later], soon()), { machines: [{ hardware: { machine: 'fake-2.0' } }] });
});

t.test('what the host paused for itself is Busy, and a crashed guest is not resumed', async (t) => {
  const { behind, driver, id, start } = await scene();
  await start();
  behind.pause(uuid, 'Busy');
  await t.rejects(driver.power.resume(id, soon()), code('Busy'));
  behind.resume(uuid);
  behind.pause(uuid, 'Crashed');
  await t.rejects(driver.power.resume(id, soon()), code('Conflict'));
});

t.test('a guest that asks for addresses is given those of the first range, each once, and keeps its own', async (t) => {
  const host = new FakeHost({ guests: { asksForAddresses: true } });
  await using driver = fakeDriver(host);
  const range = { start: '10.1.0.255', end: '10.1.1.0' };
  const ipv4 = { address: '10.1.0.1', prefix: 16, ranges: [range], hosts: [] };
  host.setNetwork({ nativeName: 'lan', active: true, live: { forward: { mode: 'None' }, ipv4, records: [] } });
  const addressesOf = async (number: number) => {
    const interfaces = [{ name: 'a', network: 'lan' }];
    const made = { ...definition, uuid: uuid.replace(/.$/, `${number}`), nativeName: `shop.web${number}`, interfaces };
    const id = await driver.machines.define(made, mark, soon());
    await driver.power.start(id, { paused: false }, soon());
    return (await driver.guests?.look(id, soon()))?.addresses.map(({ ip }) => ip);
  };
  t.same(await addressesOf(1), ['10.1.0.255']);
  t.same(await addressesOf(2), ['10.1.1.0']);
  t.same(await addressesOf(3), [], 'the range is given away');
  t.same(await addressesOf(1), ['10.1.0.255']);
});

t.test('a guest that answers says its banner again after each line', async (t) => {
  const host = new FakeHost({ guests: { answers: true, banner: 'hello\n' } });
  await using driver = fakeDriver(host);
  const id = await driver.machines.define(definition, mark, soon());
  await driver.power.start(id, { paused: false }, soon());
  const serial = await driver.consoles?.open(id, soon());
  for (const typed of ['a', '\n']) await serial?.write(Buffer.from(typed), soon());
  await driver.power.cut(id, owner, soon());
  let heard = '';
  for await (const bytes of serial?.output ?? []) heard += Buffer.from(bytes).toString();
  t.equal(heard, 'hello\na\nhello\n');
});
