import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { Behind } from '#drivers/fake/behind.js';
import { systemClock } from '#drivers/fake/clock.js';
import { fakeDriver } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import { Host, type Pace } from './host.js';

const warnings: string[] = [];
process.on('warning', ({ name }) => warnings.push(name));

/** A host that is lived with at this pace, until the test is over. */
function living(t: Test, fake: FakeHost<typeof systemClock>, pace: Pace) {
  const stop = new AbortController();
  const seen = { connections: 0, troubles: [] as string[] };
  const way = { kind: 'open', target: { uri: 'fake:' } } as const;
  const host = new Host({
    name: 'one',
    cluster: 'here',
    connect: async () => {
      seen.connections++;
      return fakeDriver(fake);
    },
    hypervisor: () => undefined,
    way: () => way,
    onChange: () => {},
    onTrouble: (message) => seen.troubles.push(message),
    pace,
  });
  const running = host.run(stop.signal);
  t.teardown(async () => {
    stop.abort();
    await running;
  });
  return { host, seen };
}

const until = async (isSo: () => boolean) => {
  for (const end = Date.now() + 10_000; Date.now() < end && !isSo(); ) await sleep(5);
};

t.test('a list that one machine holds up does not end the connection; a host that lists nothing any more does', async (t) => {
  const fake = new FakeHost({ clock: systemClock });
  const { host, seen } = living(t, fake, { glanceMs: 10, resyncMs: 60_000 });
  await until(() => host.connected !== undefined);
  fake.faults.fail('machines.list', 'TimedOut', 3);
  fake.faults.fail('machines.list', 'Busy', 2);
  await until(() => seen.troubles.length >= 5);
  t.ok(seen.troubles.includes('listing host one'));
  const lists = () => fake.calls.filter((call) => call.startsWith('machines.list')).length;
  const before = lists();
  await until(() => lists() > before + 3);
  t.equal(seen.connections, 1);
  fake.faults.fail('machines.list', 'TimedOut', 1e9);
  await until(() => seen.connections > 1);
  t.ok(seen.connections > 1);
});

t.test('a store that cannot be read does not end the connection, at a full look neither', async (t) => {
  const fake = new FakeHost({ clock: systemClock });
  new Behind(fake).pool('44444444-2222-4333-8444-555555555555', 'fast', '/p');
  for (const pool of fake.pools.values()) pool.active = true;
  const { host, seen } = living(t, fake, { glanceMs: 60_000, resyncMs: 20 });
  await until(() => host.connected !== undefined);
  await host.connected?.view.refresh({ volumesOf: '44444444-2222-4333-8444-555555555555' }, AbortSignal.timeout(10_000));
  fake.faults.fail('volumes.list', 'Internal', 1e9);
  await until(() => seen.troubles.length > 3);
  t.equal(seen.connections, 1);
  fake.faults.fail('host.describe', 'TimedOut', 1);
  const looks = () => fake.calls.filter((call) => call.startsWith('host.describe')).length;
  const before = looks();
  await until(() => looks() > before + 2);
  t.equal(seen.connections, 1);
  t.ok(host.connected);
});

t.test('Node takes what waits for a host at one time for no leak', async (t) => t.same(warnings, []));
