import t from 'tap';
import type { NetworkShape } from '#drivers/driver.js';
import { Behind } from '#drivers/fake/behind.js';
import { systemClock } from '#drivers/fake/clock.js';
import { fakeDriver } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import { until } from './until.js';
import { condition, useWorld } from './world.js';

const world = await useWorld(t);

const hypervisor = (networks: readonly string[]) => ({
  kind: 'Hypervisor',
  metadata: { name: 'one' },
  spec: { uri: 'test:///default', grants: [{ name: 'lan', namespaces: { from: 'All' }, networks }] },
});
const network = (name: string, native: string) => ({
  kind: 'VirtualNetwork',
  metadata: { name, namespace: 'default' },
  spec: { existing: { name: native } },
});
const machine = (name: string, networks: readonly string[], spec: object = {}) => ({
  kind: 'VirtualMachine',
  metadata: { name, namespace: 'default' },
  spec: { memory: { size: '64Mi' }, interfaces: networks.map((lan) => ({ name: lan, networkRef: { name: lan } })), ...spec },
});
const isReady = (seen: Parameters<typeof condition>[0]) => condition(seen, 'Ready')?.status === 'True';

await t.test('a machine is attached to networks that are granted, and stays so when the grant is taken away', async (t) => {
  const host = new FakeHost({ clock: systemClock });
  const behind = new Behind(host);
  await using operator = await world.start({ connect: async () => fakeDriver(host), hypervisors: ['one'] });
  await world.apply(hypervisor([]), machine('web', ['lan']));
  await world.until('VirtualMachine', 'web', (seen) => seen.status?.printableStatus === 'WaitingForNetworks');
  await world.apply(network('lan', 'br-lan'));
  const says = (words: RegExp) => world.until('VirtualNetwork', 'lan', (seen) => words.test(seen.status?.failing?.[0]?.message ?? ''));
  await says(/"default" may not use network br-lan of one/);
  const unplaced = await world.until('VirtualMachine', 'web', (seen) => seen.status?.placement !== undefined);
  t.match(unplaced.status?.placement?.rejected, [{ hypervisor: 'one', reason: 'Network', message: /^network "lan" is not ready here: / }]);

  await world.apply(hypervisor(['br-lan']));
  await says(/no network called br-lan/);
  behind.network('br-lan');
  const instance = await world.until('VirtualNetworkInstance', 'lan.one', isReady);
  t.match(instance.status, { nativeName: 'br-lan' });
  const ready = await world.until('VirtualMachine', 'web', isReady);
  t.match(ready.status?.interfaces, [{ name: 'lan', macAddress: /^02:fa:ce/ }]);
  t.match(condition(ready, 'NetworkSynced'), { status: 'True' });
  t.match(host.byUuid(ready.metadata.uid)?.live?.interfaces, [{ name: 'lan', network: 'br-lan', model: 'Virtio' }]);

  await world.apply(network('dmz', 'br-dmz'));
  await world.apply(machine('web', ['lan', 'dmz']));
  const waiting = await world.until('VirtualMachine', 'web', (seen) => condition(seen, 'NetworkSynced')?.reason === 'WaitingForNetworks');
  t.match(
    condition(waiting, 'NetworkSynced')?.message,
    /network "dmz": network br-dmz is not granted to namespace "default" on one; name it in spec.grants/,
  );
  t.match(waiting.status?.power, { state: 'Running' });
  await world.apply(machine('web', ['lan']));
  await world.until('VirtualMachine', 'web', isReady);

  await world.apply(hypervisor([]));
  const revoked = await world.until('VirtualMachine', 'web', (seen) => condition(seen, 'NetworkSynced')?.reason === 'NotGranted');
  t.equal(condition(revoked, 'Ready')?.status, 'True');
  behind.destroy(ready.metadata.uid);
  await world.until('VirtualMachine', 'web', (seen) => seen.status?.run?.bootId === '2' && isReady(seen));

  const taken = { interfaces: [{ name: 'lan', networkRef: { name: 'lan' }, macAddress: ready.status?.interfaces?.[0]?.macAddress }] };
  await world.apply(hypervisor(['br-lan']), machine('twin', [], taken));
  const twin = await world.until(
    'VirtualMachine',
    'twin',
    (seen) => seen.status?.placement?.rejected?.[0]?.reason === 'DuplicateMacAddress',
  );
  t.match(
    twin.status?.placement?.rejected?.[0]?.message,
    /machine "default\/web" has macAddress 02:fa:ce:.* on the same network; give one/,
  );
  await world.apply(machine('twin', ['lan']));
  await world.until('VirtualMachine', 'twin', isReady);
  // One that has a host already is refused by its agent, and runs on with the address that it has.
  await world.apply(machine('twin', [], taken));
  const refused = await world.until('VirtualMachine', 'twin', (seen) => condition(seen, 'Stalled')?.reason === 'DuplicateMacAddress');
  t.match(refused.status?.power, { state: 'Running' });
  await world.delete('VirtualMachine', 'web');
  await world.untilGone('VirtualMachine', 'web');
  await world.until('VirtualMachine', 'twin', (seen) => condition(seen, 'Stalled')?.status === 'False');
  await world.delete('VirtualMachine', 'twin');
  await world.untilGone('VirtualMachine', 'twin');
  await world.apply(machine('web', ['lan']));
  await world.until('VirtualMachine', 'web', isReady);

  await world.delete('VirtualNetwork', 'lan');
  await world.until('VirtualNetworkInstance', 'lan.one', (seen) => condition(seen, 'Ready')?.reason === 'InUse');
  await world.delete('VirtualMachine', 'web');
  await world.untilGone('VirtualMachine', 'web');
  await world.untilGone('VirtualNetwork', 'lan');
  t.same(
    operator.troubles.filter((one) => !one.startsWith('watching')),
    [],
  );
});

await t.test('one declaration makes an island on each host it selects, and what a host cannot is said of that host', async (t) => {
  const hosts = { one: new FakeHost({ clock: systemClock }), two: new FakeHost({ clock: systemClock }) };
  hosts.two.capabilities = hosts.two.capabilities.filter(({ field }) => field !== 'networks.mtu');
  const connect = async ({ uri }: { readonly uri: string }) => fakeDriver(uri.includes('two') ? hosts.two : hosts.one);
  await using operator = await world.start({ connect, hypervisors: ['one', 'two'], pace: { resyncMs: 1_000 } });
  const island = (mtu: object) => ({
    kind: 'VirtualNetwork',
    metadata: { name: 'island', namespace: 'default' },
    spec: { forward: { mode: 'NAT' }, ipv4: { address: '10.20.0.1/24' }, ...mtu },
  });
  const host = (name: string) => ({
    kind: 'Hypervisor',
    metadata: { name },
    spec: { uri: name === 'one' ? 'test:///default' : 'test:///two' },
  });
  await world.apply(host('one'), host('two'), island({}));
  const both = await world.until('VirtualNetwork', 'island', isReady);
  t.match(both.status?.hosts, { desired: 2, ready: 2 });
  const made = Object.values(hosts).map(({ networks }) => [...networks.values()][0]);
  t.match(made, [
    { nativeName: 'default.island', active: true },
    { nativeName: 'default.island', active: true },
  ]);
  t.not(made[0]?.uuid, made[1]?.uuid);
  const drifts = async () =>
    (JSON.parse(await world.kubectl('get', 'events', '-o', 'json')).items as { reason: string; message: string }[])
      .filter(({ reason }) => reason === 'Drifted')
      .map(({ message }) => message);
  const ranged = { ipv4: { address: '10.20.0.1/24', dhcp: { ranges: [{ start: '10.20.0.9', end: '10.20.0.19' }] } } };
  await world.apply(island(ranged));
  const rangesOf = (shape: NetworkShape | undefined) => shape?.ipv4?.ranges?.length ?? 0;
  const first = () => [...hosts.one.networks.values()][0];
  await until(() => rangesOf(first()?.configured) === 1 && rangesOf(first()?.live) === 1);
  t.same(await drifts(), [], 'what was declared is no drift');
  const edited = async () => {
    const found = first();
    if (found?.configured?.ipv4 === undefined) throw new Error('no network');
    hosts.one.networks.set(found.id, { ...found, configured: { ...found.configured, ipv4: { ...found.configured.ipv4, ranges: [] } } });
    await until(() => rangesOf(first()?.configured) === 1);
  };
  // Until it was seen to be as declared, nobody can say that a hand has changed it.
  for (const end = Date.now() + 60_000; (await drifts()).length === 0; await edited())
    if (Date.now() > end) throw new Error('nobody told of it');
  t.match((await drifts())[0], /differs in spec\.ipv4\.dhcp: another hand changed it on the host, and it is put back/);
  await world.apply(island({ ...ranged, mtu: 1400 }));
  const one = await world.until('VirtualNetwork', 'island', ({ status }) => status?.failing?.length === 1 && status.hosts?.ready === 1);
  t.match(one.status?.failing, [{ hypervisor: 'two', message: 'spec.mtu: 1400 given, two accepts nothing there' }]);
  await world.delete('VirtualNetwork', 'island');
  await world.untilGone('VirtualNetwork', 'island');
  t.same(
    Object.values(hosts).map(({ networks }) => networks.size),
    [0, 0],
  );
  t.same(
    operator.troubles.filter((trouble) => !trouble.startsWith('watching')),
    [],
  );
});

await t.test('a MAC address that is asked for later is had by one machine of all hosts', async (t) => {
  const hosts = { one: new FakeHost({ clock: systemClock }), two: new FakeHost({ clock: systemClock }) };
  const connect = async ({ uri }: { readonly uri: string }) => fakeDriver(uri.includes('two') ? hosts.two : hosts.one);
  for (const host of Object.values(hosts)) new Behind(host).network('br-lan');
  await using operator = await world.start({ connect, hypervisors: ['one', 'two'] });
  const two = { ...hypervisor(['br-lan']), metadata: { name: 'two' } };
  const placed = { a: 'one', b: 'two', c: 'one' } as const;
  const asking = (name: keyof typeof placed, macAddress?: string) => ({
    ...machine(name, []),
    spec: {
      memory: { size: '64Mi' },
      stop: { mode: 'Hard' },
      placement: { hypervisorRef: { name: placed[name] } },
      interfaces: [{ name: 'lan', networkRef: { name: 'lan' }, ...(macAddress === undefined ? {} : { macAddress }) }],
    },
  });
  const [x, y, z] = ['52:54:00:00:00:0a', '52:54:00:00:00:0b', '52:54:00:00:00:0c'];
  const has = (name: string, macAddress: string) =>
    world.until('VirtualMachine', name, (seen) => seen.status?.interfaces?.[0]?.macAddress === macAddress);
  const isRefused = (seen: Parameters<typeof condition>[0]) => condition(seen, 'Stalled')?.reason === 'DuplicateMacAddress';
  const refused = (name: string) => world.until('VirtualMachine', name, isRefused);
  /** On the hosts, as configured or live. */
  const count = (macAddress: string) =>
    Object.values(hosts)
      .flatMap(({ machines }) => [...machines.values()])
      .filter(({ configured, live }) => [configured, live].some((shape) => shape?.interfaces.some((one) => one.macAddress === macAddress)))
      .length;

  await world.apply(hypervisor(['br-lan']), { ...two, spec: { ...two.spec, uri: 'test:///two' } }, network('lan', 'br-lan'));
  await world.apply(asking('a'), asking('b'), asking('c'));
  for (const name of Object.keys(placed)) await world.until('VirtualMachine', name, isReady);

  await world.apply(asking('a', x));
  await has('a', x);
  await world.apply(asking('b', x), asking('c', x));
  for (const name of ['b', 'c']) {
    const seen = await refused(name);
    t.match(condition(seen, 'Stalled')?.message, /machine "default\/a" has macAddress 52:54:00:00:00:0a on the same network; give one/);
    t.match(condition(seen, 'NetworkSynced'), { status: 'False', reason: 'DuplicateMacAddress' });
    t.match(seen.status?.power, { state: 'Running' });
  }
  t.equal(count(x), 1, 'neither on its host nor on another');

  await Promise.all([world.apply(asking('b', y)), world.apply(asking('c', y))]);
  const both = () => Promise.all((['b', 'c'] as const).map((name) => world.get('VirtualMachine', name)));
  await until(async () => {
    const seen = await both();
    const [had, lost] = [
      seen.filter((one) => one?.status?.interfaces?.[0]?.macAddress === y),
      seen.filter((one) => one !== undefined && isRefused(one)),
    ];
    return had.length === 1 && lost.length === 1;
  });
  t.equal(count(y), 1, 'of two that ask at the same time one has it');
  const winner = (await both()).find((one) => one?.status?.interfaces?.[0]?.macAddress === y);
  const [first, second] = winner?.metadata.name === 'b' ? (['b', 'c'] as const) : (['c', 'b'] as const);

  await world.apply(asking(first, z));
  const staged = await world.until(
    'VirtualMachine',
    first,
    (seen) => seen.status?.pendingChanges?.length === 1 && seen.status.interfaces?.[0]?.macAddress === z,
  );
  t.same(
    staged.status?.macAddressClaims?.map(({ macAddress }) => macAddress),
    [z, y],
    'its guest runs with the old one',
  );
  t.equal(isRefused(await world.until('VirtualMachine', second, (seen) => seen.status?.macAddressClaims?.[0]?.heldBy !== undefined)), true);
  new Behind(hosts[placed[first]]).destroy(staged.metadata.uid);
  await has(second, y);
  t.equal(count(y), 1, 'nobody has it before the other runs without');
  await world.until('VirtualMachine', first, (seen) => seen.status?.macAddressClaims?.length === 1 && isReady(seen));
  await world.until('VirtualMachine', second, isReady);
  for (const name of Object.keys(placed)) await world.delete('VirtualMachine', name);
  for (const name of Object.keys(placed)) await world.untilGone('VirtualMachine', name);
  await world.delete('VirtualNetwork', 'lan');
  await world.untilGone('VirtualNetwork', 'lan');
  t.same(
    operator.troubles.filter((one) => !one.startsWith('watching')),
    [],
  );
});

await t.test('no other MAC address is taken while nobody can say whose it is', async (t) => {
  const host = new FakeHost({ clock: systemClock });
  new Behind(host).network('br-lan');
  const here = { connect: async () => fakeDriver(host), hypervisors: ['one'] };
  const controller = await world.start({ ...here, only: 'controller' });
  await using _agent = await world.start({ ...here, only: 'agent' });
  const [x, y] = ['52:54:00:00:00:0a', '52:54:00:00:00:0b'];
  const asking = (macAddress: string) =>
    machine('web', [], { stop: { mode: 'Hard' }, interfaces: [{ name: 'lan', networkRef: { name: 'lan' }, macAddress }] });
  await world.apply(hypervisor(['br-lan']), network('lan', 'br-lan'), asking(x));
  const ready = await world.until('VirtualMachine', 'web', isReady);
  t.match(ready.status, { interfaces: [{ macAddress: x }], macAddressClaims: [{ name: 'lan', network: 'lan', macAddress: x }] });
  await controller.stop();
  await world.apply(asking(y));
  const waiting = await world.until('VirtualMachine', 'web', (seen) => condition(seen, 'Ready')?.reason === 'WaitingForNetworks');
  t.match(condition(waiting, 'Ready')?.message, /waiting for the controller to say whether macAddress 52:54:00:00:00:0b .* is free/);
  t.match(waiting.status, { power: { state: 'Running' }, interfaces: [{ macAddress: x }] });
  await using _another = await world.start({ ...here, only: 'controller' });
  await world.until('VirtualMachine', 'web', (seen) => seen.status?.interfaces?.[0]?.macAddress === y);
  await world.delete('VirtualMachine', 'web');
  await world.untilGone('VirtualMachine', 'web');
});
