import t from 'tap';
import type { VirtualMachine } from '#crds/types.js';
import { Behind } from '#drivers/fake/behind.js';
import { everything } from '#drivers/fake/capabilities.js';
import { systemClock } from '#drivers/fake/clock.js';
import { fakeDriver } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import { until } from './until.js';
import { condition, useWorld } from './world.js';

const world = await useWorld(t);
const host = new FakeHost({ clock: systemClock });
const start = () => world.start({ connect: async () => fakeDriver(host), hypervisors: ['one'], guestSecrets: { lookMs: 200 } });
const machine = (name: string, spec: object = {}) => ({
  kind: 'VirtualMachine',
  metadata: { name, namespace: 'default' },
  spec: { memory: { size: '64Mi' }, stop: { mode: 'Hard' }, ...spec },
});
const hypervisor = (spec: object = {}) => ({ kind: 'Hypervisor', metadata: { name: 'one' }, spec: { uri: 'test:///default', ...spec } });
const system = { kind: 'StoragePool', metadata: { name: 'system' }, spec: { directory: { path: '/system' } } };
const secret = (name: string, stringData: object) =>
  world.kubectl('apply', '--server-side', '--force-conflicts', '-f', '-', {
    input: JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: 'default' }, stringData }),
  });
/** What is done of a machine of which nothing changes but an annotation, until one that is made after that is ready and gone again. */
async function doneFor(name: string, on: Pick<FakeHost, 'acts'>, spec: object = {}) {
  const [other, before] = [`after-${name}`, on.acts.length];
  const annotated = await world.kubectl('annotate', 'virtualmachine', name, 'a=b', '-o', 'jsonpath={.metadata.resourceVersion}');
  await world.apply(machine(other, { runStrategy: 'Halted', ...spec }));
  await world.until('VirtualMachine', other, isReady);
  await world.delete('VirtualMachine', other);
  await world.untilGone('VirtualMachine', other);
  const acts = on.acts.slice(before).filter((act) => !act.includes(other));
  return { acts, isWritten: (await world.get('VirtualMachine', name))?.metadata.resourceVersion !== annotated };
}
const isReady = (seen: VirtualMachine) => condition(seen, 'Ready')?.status === 'True';
const files = () => [...host.directory('/system').keys()];
const seedOf = (name: string) => host.byName(`default.${name}`)?.configured?.seed;
const said = (name: string) => {
  const file = host.directory('/system').get((seedOf(name)?.location ?? '').slice('/system/'.length));
  return Buffer.from(file?.slice(0, file.lengthBytes) ?? []).toString('latin1');
};

await t.test(
  'a machine that asks waits for a host with a system pool, and is told so; one that does not ask is made without',
  async (t) => {
    await using _operator = await start();
    await world.apply(hypervisor(), machine('asks', { cloudInit: {} }), machine('plain'));
    const waiting = await world.until('VirtualMachine', 'asks', (seen) => condition(seen, 'Ready')?.reason === 'Unschedulable');
    t.match(condition(waiting, 'Ready')?.message, /spec\.cloudInit: this host has no pool to keep it in; name one in spec\.systemPoolRef/);
    await world.until('VirtualMachine', 'plain', isReady);
    await world.apply(system, hypervisor({ systemPoolRef: { name: 'system' } }));
    await world.until('VirtualMachine', 'asks', isReady);
    t.match(said('asks'), /local-hostname: asks/);
    t.equal(seedOf('plain'), undefined, 'what was made without is left so');
  },
);

await t.test('a new machine is told its name and no more, and an unchanged one is left in peace', async (t) => {
  await using _operator = await start();
  await world.apply(machine('hello'));
  const { metadata } = await world.until('VirtualMachine', 'hello', isReady);
  t.match(said('hello'), new RegExp(`instance-id: ${metadata.uid}\nlocal-hostname: hello\n`));
  t.same(await doneFor('hello', host), { acts: [], isWritten: false });
});

await t.test('user data comes from a Secret whenever it comes, and other data is taken up at the next start', async (t) => {
  await using operator = await start();
  await world.apply(machine('db', { cloudInit: { hostname: 'db.shop', userDataSecretRef: { name: 'db' }, networkData: 'version: 2' } }));
  const waits = await world.until('VirtualMachine', 'db', (seen) => condition(seen, 'Ready')?.reason === 'WaitingForSeed');
  t.match(condition(waits, 'Ready')?.message, /waiting for key "userData" of Secret "db"/);
  await secret('db', { userData: '#!/bin/sh\necho very-hush\n', other: 'not-for-the-guest' });
  await world.until('VirtualMachine', 'db', isReady);
  t.match(said('db'), /local-hostname: db\.shop.*very-hush.*version: 2/s);
  const first = seedOf('db')?.location;
  const { data } = (await world.client.get(
    { group: '', version: 'v1', plural: 'secrets', kind: 'Secret', namespaced: true },
    { namespace: 'default', name: 'virtwright-guests-one' },
    AbortSignal.timeout(60_000),
  )) as unknown as { data: Record<string, string> };
  t.same(
    Object.keys(data).map((key) => key.replace(/^.*\./, '')),
    ['userData'],
    'nothing but what was named is handed over',
  );

  await secret('db', { userData: '#!/bin/sh\necho more-hush\n' });
  const staged = await world.until('VirtualMachine', 'db', (seen) => condition(seen, 'RestartRequired')?.status === 'True');
  t.match(staged.status?.pendingChanges, [{ field: 'spec.cloudInit' }]);
  t.not(seedOf('db')?.location, first);
  t.ok(files().includes((first ?? '').slice('/system/'.length)), 'what the running machine has stays');
  t.match(said('db'), /more-hush/);
  await world.apply({
    kind: 'VirtualMachineAction',
    metadata: { name: 'restart', namespace: 'default' },
    spec: { machineRef: { name: 'db' }, verb: 'Restart', mode: 'Hard' },
  });
  await world.until('VirtualMachine', 'db', (seen) => seen.status?.run?.bootId === '2' && isReady(seen));
  t.notOk(files().includes((first ?? '').slice('/system/'.length)), 'the old one is gone');

  await world.kubectl('delete', 'secret', 'db');
  const kept = await world.until('VirtualMachine', 'db', (seen) => condition(seen, 'ComputeSynced')?.reason === 'WaitingForSeed');
  t.ok(isReady(kept), 'a Secret that was taken away once it was read keeps nobody from running');
  new Behind(host).destroy(kept.metadata.uid);
  await world.until('VirtualMachine', 'db', (seen) => seen.status?.run?.bootId === '3' && isReady(seen));
  t.match(said('db'), /more-hush/);

  const everything = [
    await world.kubectl('get', 'virtualmachines,hypervisors,events.events.k8s.io', '-A', '-o', 'json'),
    operator.troubles.join(),
    await operator.metrics.registry.metrics(),
    host.calls.join(),
  ].join();
  t.notMatch(everything, /hush|aHVza/);
});

await t.test('a Secret that is missing is soon looked for again, not only with those that are there', async (t) => {
  await using _operator = await world.start({ connect: async () => fakeDriver(host), hypervisors: ['one'] });
  await world.apply(machine('late', { cloudInit: { userDataSecretRef: { name: 'late' } } }));
  await world.until('VirtualMachine', 'late', (seen) => condition(seen, 'Ready')?.reason === 'WaitingForSeed');
  await secret('late', { userData: '#cloud-config' });
  // All are read again within 48 to 72 s.
  await world.until('VirtualMachine', 'late', isReady, { timeoutMs: 30_000 });
  t.match(said('late'), /#cloud-config/);
  await world.delete('VirtualMachine', 'late');
  await world.untilGone('VirtualMachine', 'late');
});

await t.test('Ignition and sysprep go through the same door, and only one of them at a time', async (t) => {
  await using _operator = await start();
  await secret('win', { answers: '<unattend/>' });
  await world.apply(
    machine('core', { ignition: { config: '{"ignition":{}}' } }),
    machine('win', { sysprep: { answerFileSecretRef: { name: 'win', key: 'answers' } } }),
  );
  for (const name of ['core', 'win']) await world.until('VirtualMachine', name, isReady);
  t.equal(said('core'), '{"ignition":{}}');
  t.equal(seedOf('core')?.kind, 'Ignition');
  t.match(said('win'), /<unattend\/>/);
  await t.rejects(world.apply(machine('both', { cloudInit: {}, ignition: { config: '{}' } })), /by cloudInit, by ignition or by sysprep/);
  await t.rejects(
    world.apply(machine('twice', { cloudInit: { userData: 'a', userDataSecretRef: { name: 'a' } } })),
    /write the user data here or name a Secret/,
  );
});

await t.test('a host that carries what Ignition is told needs no pool for it, and has it before each start', async (t) => {
  const carrying = new FakeHost({
    clock: systemClock,
    capabilities: [...everything, { field: 'seeds.carried', values: ['Ignition'] }, { field: 'ignition.size', max: 64 }],
  });
  await using operator = await world.start({
    connect: async () => fakeDriver(carrying),
    hypervisors: ['two'],
    guestSecrets: { lookMs: 200 },
  });
  const two = { kind: 'Hypervisor', metadata: { name: 'two', labels: { is: 'two' } }, spec: { uri: 'test:///two' } };
  const placement = { hypervisorSelector: { matchLabels: { is: 'two' } } };
  const carried = () => Buffer.from(carrying.carried.get(carrying.byName('default.carried')?.uuid ?? '') ?? []).toString();
  await secret('carried', { config: '{"a":1}' });
  await world.apply(two, machine('carried', { placement, ignition: { configSecretRef: { name: 'carried' } } }));
  const ready = await world.until('VirtualMachine', 'carried', isReady);
  t.same([carried(), ready.status?.seedPool], ['{"a":1}', undefined]);
  t.same(await doneFor('carried', carrying, { placement }), { acts: [], isWritten: false }, 'unchanged, it is left in peace');

  await secret('carried', { config: '{"a":2}' });
  await world.until('VirtualMachine', 'carried', ({ status }) => status?.pendingChanges?.[0]?.field === 'spec.ignition');
  await world.kubectl('patch', 'virtualmachine', 'carried', '--type=merge', '-p', '{"spec":{"runStrategy":"Halted"}}');
  await world.until('VirtualMachine', 'carried', (seen) => isReady(seen) && seen.status?.power?.state === 'Stopped');
  carrying.carried.clear();
  await world.kubectl('patch', 'virtualmachine', 'carried', '--type=merge', '-p', '{"spec":{"runStrategy":"Always"}}');
  await world.until('VirtualMachine', 'carried', (seen) => isReady(seen) && seen.status?.power?.state === 'Running');
  t.equal(carried(), '{"a":2}', 'what was taken away is there again');

  await world.apply(machine('long', { placement, ignition: { config: `{"a":"${'x'.repeat(60)}"}` } }));
  const long = await world.until('VirtualMachine', 'long', (seen) => condition(seen, 'Ready')?.reason === 'Unschedulable');
  t.match(condition(long, 'Ready')?.message, /spec\.ignition: 68 given, this host accepts at most 64/);
  await world.apply(machine('told', { placement, cloudInit: {} }));
  const told = await world.until('VirtualMachine', 'told', (seen) => condition(seen, 'Ready')?.reason === 'Unschedulable');
  t.match(condition(told, 'Ready')?.message, /spec\.cloudInit: this host has no pool to keep it in/);
  for (const name of ['carried', 'long', 'told']) await world.delete('VirtualMachine', name);
  await world.untilGone('VirtualMachine', 'carried');
  t.notMatch(JSON.stringify([operator.writes, carrying.calls]), /"a":|\\"a/);
});

await t.test(
  'with the machine its seed goes, also when the host has another system pool by then; its Secret is not kept for it',
  async (t) => {
    await using operator = await start();
    await world.apply(
      { kind: 'StoragePool', metadata: { name: 'other' }, spec: { directory: { path: '/other' } } },
      hypervisor({ systemPoolRef: { name: 'other' } }),
    );
    await world.until('StoragePoolInstance', 'other.one', (seen) => condition(seen, 'Ready')?.status === 'True');
    const names = ['db', 'win', 'core', 'hello', 'asks', 'plain'];
    for (const name of names) await world.delete('VirtualMachine', name);
    for (const name of names) await world.untilGone('VirtualMachine', name);
    t.same([files(), [...host.directory('/other').keys()]], [[], []]);
    await until(async () => !(await world.kubectl('get', 'secrets', '-o', 'name')).includes('virtwright-guests'));
    t.same(
      operator.troubles.filter((one) => !one.startsWith('watching')),
      [],
    );
  },
);

await t.test('more than a Secret holds is said, and whoever came first keeps what he has', async (t) => {
  await using _operator = await start();
  const names = Array.from({ length: 8 }, (_, index) => `big-${index}`);
  for (const name of names) await world.apply(machine(name, { cloudInit: { userDataSecretRef: { name: 'big' } } }));
  for (const name of names) await world.until('VirtualMachine', name, (seen) => condition(seen, 'Ready')?.reason === 'WaitingForSeed');
  // All at once: who has a seed would keep it.
  await secret('big', { userData: 'x'.repeat(100_000) });
  const standing = async () => {
    const seen = await Promise.all(names.map((name) => world.get('VirtualMachine', name)));
    const isFull = (one: VirtualMachine | undefined) => /more than one Secret holds/.test((one && condition(one, 'Ready')?.message) ?? '');
    return {
      ready: seen.filter((one) => one !== undefined && isReady(one)).map((one) => one?.metadata.name ?? ''),
      full: seen.filter(isFull).length,
    };
  };
  await until(async () => (({ ready, full }) => ready.length === 6 && full === 2)(await standing()));
  const [first = ''] = (await standing()).ready;
  await world.delete('VirtualMachine', first);
  await until(async () => (({ ready, full }) => ready.filter((name) => name !== first).length === 6 && full === 1)(await standing()));
  t.pass('another one has its room');
  for (const name of names) if (name !== first) await world.delete('VirtualMachine', name);
  for (const name of names) await world.untilGone('VirtualMachine', name);
});
