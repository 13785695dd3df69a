import t from 'tap';
import type { Driver, MachineDefinition, Mark } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { fakeDriver } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import { observed } from './observed.js';
import { Shown } from './shown.js';

const signal = AbortSignal.timeout(30_000);
const mark: Mark = { owner: { cluster: 'c', namespace: 'shop', name: 'web', uid: 'u' }, record: '' };
const definition: MachineDefinition = {
  ...{ uuid: '7d4c2f1e-0000-4000-8000-000000000001', nativeName: 'shop.web', cpuCount: 1, memoryBytes: 2 ** 26 },
  ...{ disks: [], interfaces: [], serial: true, rng: true },
};

async function watched(change: (driver: Driver) => Partial<Driver> = () => ({})) {
  const fake = fakeDriver(new FakeHost());
  const shown = new Shown({ name: 'one' });
  const { capabilities } = await fake.host.describe(signal);
  const told = capabilities.filter(({ field }) => field !== 'vsphere.guestId');
  return { driver: observed({ ...fake, ...change(fake) }, told, shown), shown };
}

t.test('what is accepted and not found to be so is not shown', async (t) => {
  const { driver, shown } = await watched(({ machines }) => ({
    machines: {
      ...machines,
      define: ({ rng: _, ...rest }, ...more) => machines.define({ ...rest, rng: false }, ...more),
    },
  }));
  const id = await driver.machines.define(definition, mark, signal);
  t.notOk('devices.serial' in shown.results.fields, 'nobody looked yet');
  await driver.machines.read([id], signal);
  t.ok('devices.serial' in shown.results.fields);
  t.notOk('devices.rng' in shown.results.fields);
});

t.test('what is applied and does not change what runs is not shown', async (t) => {
  const changing = async (change?: (driver: Driver) => Partial<Driver>) => {
    const { driver, shown } = await watched(change);
    const roomy = { ...definition, maxMemoryBytes: 2 ** 27 };
    const id = await driver.machines.define(roomy, mark, signal);
    await driver.power.start(id, { paused: false }, signal);
    await driver.machines.read([id], signal);
    await driver.machines.define({ ...roomy, memoryBytes: 2 ** 27 }, mark, signal);
    await driver.live?.apply(id, mark.owner, { kind: 'memory' }, signal);
    await driver.machines.read([id], signal);
    return shown.results.live;
  };
  t.same(await changing(), ['memory.size']);
  t.same(await changing(() => ({ live: { apply: async () => {} } })), []);
});

t.test('a pause is shown by a machine that is paused, and by no other', async (t) => {
  const pausing = async (change?: (driver: Driver) => Partial<Driver>) => {
    const { driver, shown } = await watched(change);
    const id = await driver.machines.define(definition, mark, signal);
    await driver.power.start(id, { paused: false }, signal);
    await driver.power.pause(id, signal);
    await driver.machines.read([id], signal);
    return 'power.pause' in shown.results.fields;
  };
  t.equal(await pausing(), true);
  t.equal(await pausing(({ power }) => ({ power: { ...power, pause: async () => {} } })), false);
});

t.test('a refusal counts for what it was alone about', async (t) => {
  const no = async () => Promise.reject(new DriverError('Unsupported', 'no'));
  const { driver, shown } = await watched(({ machines }) => ({ machines: { ...machines, define: no } }));
  const one = { vsphere: { guestId: 'debian12_64Guest' } };
  for (const change of [{}, one]) await driver.machines.define({ ...definition, ...change }, mark, signal).catch(() => {});
  t.same(shown.results.refused, ['vsphere.guestId debian12_64Guest']);
  await driver.machines.define({ ...definition, ...one, cpuCount: 1000 }, mark, signal).catch(() => {});
  t.same(shown.results.refused, ['vsphere.guestId debian12_64Guest'], 'of two nobody knows which');
  t.same(shown.results.fields, {});
});
