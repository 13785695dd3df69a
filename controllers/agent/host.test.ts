import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { Behind } from '#drivers/fake/behind.js';
import { systemClock } from '#drivers/fake/clock.js';
import { fakeDriver } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import { Host } from './host.js';

t.test('a store that cannot be read does not end the connection, at a full look neither', async (t) => {
  const fake = new FakeHost({ clock: systemClock });
  new Behind(fake).pool('44444444-2222-4333-8444-555555555555', 'fast', '/p');
  for (const pool of fake.pools.values()) pool.active = true;
  const stop = new AbortController();
  const troubles: string[] = [];
  let connections = 0;
  const host = new Host({
    name: 'one',
    cluster: 'here',
    connect: async () => {
      connections++;
      return fakeDriver(fake);
    },
    hypervisor: () => undefined,
    way: () => way,
    onChange: () => {},
    onTrouble: (message) => troubles.push(message),
    pace: { glanceMs: 60_000, resyncMs: 20 },
  });
  const way = { kind: 'open', target: { uri: 'fake:' } } as const;
  const running = host.run(stop.signal);
  const until = async (isSo: () => boolean) => {
    for (const end = Date.now() + 10_000; Date.now() < end && !isSo(); ) await sleep(5);
  };
  await until(() => host.connected !== undefined);
  await host.connected?.view.refresh({ volumesOf: '44444444-2222-4333-8444-555555555555' }, stop.signal);
  fake.faults.fail('volumes.list', 'Internal', 1e9);
  await until(() => troubles.length > 3);
  t.equal(connections, 1);
  fake.faults.fail('host.describe', 'TimedOut', 1);
  const looks = () => fake.calls.filter((call) => call.startsWith('host.describe')).length;
  const before = looks();
  await until(() => looks() > before + 2);
  t.equal(connections, 1);
  t.ok(host.connected);
  stop.abort();
  await running;
});
