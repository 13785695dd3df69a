import fc from 'fast-check';
import t from 'tap';
import type { Hypervisor, VirtualMachine, VirtualNetwork, VirtualNetworkInstance, VirtualNetworkSpec } from '#crds/types.js';
import { Behind } from '#drivers/fake/behind.js';
import { everything } from '#drivers/fake/capabilities.js';
import { fakeDriver } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import { hypervisorDefaults } from '#test/hypervisor-spec.js';
import { derivedUuid } from '../derived-uuid.js';
import { HostView } from '../host/view.js';
import { createStore } from '../kubernetes/store.js';
import type { Namespace } from '../namespaces.js';
import { type Outcome, reconcile } from '../reconcile.js';
import { indexes } from '../stores.js';
import { virtualNetworkInstanceKind } from './kind.js';

const apiVersion = 'virtwright.io/v1alpha1' as const;
const meta = (name: string) => ({
  name,
  namespace: 'shop',
  uid: `${name}-uid`,
  resourceVersion: '1',
  generation: 1,
  creationTimestamp: '2030-01-01T00:00:00Z',
});
const uuid = derivedUuid('network', 'here', 'lan.one-uid', 'one');
const signal = AbortSignal.timeout(60_000);

const nat = (change: Partial<VirtualNetworkSpec> = {}): Partial<VirtualNetworkSpec> => ({
  forward: { mode: 'NAT' },
  ipv4: { address: '10.20.0.1/24', dhcp: { ranges: [{ start: '10.20.0.100', end: '10.20.0.200' }] } },
  ...change,
});

interface Setting {
  readonly spec?: Partial<VirtualNetworkSpec>;
  readonly lacks?: string;
  readonly hypervisor?: Partial<Hypervisor['spec']>;
  readonly annotations?: Readonly<Record<string, string>>;
}

function scene({ spec = nat(), lacks, hypervisor = {}, annotations = {} }: Setting = {}) {
  const host = new FakeHost({ capabilities: everything.filter(({ field }) => field !== lacks) });
  const stores = {
    networks: createStore<VirtualNetwork>(),
    machines: createStore<VirtualMachine, 'volume' | 'network' | 'macAddress' | 'uid' | 'uuid' | 'nativeName'>({
      indexes: indexes.machines,
    }),
    namespaces: createStore<Namespace>(),
  };
  const ask = (asked: Partial<VirtualNetworkSpec>, generation = 1) =>
    stores.networks.set({
      apiVersion,
      kind: 'VirtualNetwork',
      metadata: { ...meta('lan'), generation, resourceVersion: `${generation}` },
      spec: { span: 'PerHost', ...asked },
    });
  ask(spec);
  const scope = {
    name: 'one',
    cluster: 'here',
    hypervisor: {
      apiVersion,
      kind: 'Hypervisor' as const,
      metadata: { ...meta('one'), annotations },
      spec: { ...hypervisorDefaults, uri: 'fake:', ...hypervisor },
    },
    capabilities: host.capabilities,
  };
  const kind = virtualNetworkInstanceKind(scope, stores);
  let instance: VirtualNetworkInstance = {
    apiVersion,
    kind: 'VirtualNetworkInstance',
    metadata: meta('lan.one'),
    spec: { networkRef: { name: 'lan' }, hypervisor: 'one' },
  };
  /** A connection of its own for each: what is remembered is what is written. */
  const pass = async (deleted = false): Promise<Outcome> => {
    if (deleted) instance = { ...instance, metadata: { ...instance.metadata, deletionTimestamp: '2030-01-01T00:00:00Z' } };
    const driver = fakeDriver(host);
    const view = new HostView(driver, () => {}, signal);
    const publish = async (object: VirtualNetworkInstance, status: NonNullable<VirtualNetworkInstance['status']>) => {
      instance = { ...object, status };
      return instance;
    };
    return reconcile(kind, instance, { driver, view, signal, clock: () => Date.UTC(2030, 0), publish });
  };
  const network = () => [...host.networks.values()].find((one) => one.uuid === uuid);
  const attach = () =>
    new Behind(host).machine({
      uuid: '11111111-2222-4333-8444-555555555555',
      nativeName: 'theirs',
      shape: { interfaces: [{ name: 'eth', network: 'shop.lan' }] },
    });
  return { host, behind: new Behind(host), stores, ask, pass, network, attach, status: () => instance.status };
}

const because = (outcome: Outcome): string => ('because' in outcome ? outcome.because : outcome.kind);

t.test('a network is defined, started, and told', async (t) => {
  const { host, pass, network, status } = scene();
  t.same(await pass(), { kind: 'converged' });
  t.same(host.acts, ['networks.define shop.lan', 'networks.start shop.lan']);
  t.match(network(), {
    nativeName: 'shop.lan',
    active: true,
    live: { forward: { mode: 'NAT' }, ipv4: { address: '10.20.0.1', prefix: 24 } },
  });
  t.match(status(), {
    uuid,
    nativeName: 'shop.lan',
    networkGeneration: 1,
    bridge: /./,
    conditions: [{ type: 'Ready', status: 'True', reason: 'Active' }],
  });
  host.calls.length = 0;
  t.same(await pass(), { kind: 'converged' });
  t.same(host.acts, [], 'an unchanged manifest writes nothing');
});

t.test('names and leases change at once, the rest once nobody is attached', async (t) => {
  const { host, behind, ask, pass, network, attach, status } = scene();
  await pass();
  const { uuid: theirs } = attach();
  behind.start(theirs);
  host.calls.length = 0;
  ask(nat({ dns: { records: [{ name: 'db', ip: '10.20.0.5' }] } }), 2);
  t.same(await pass(), { kind: 'converged' });
  t.same(host.acts, ['networks.define shop.lan', 'networks.update shop.lan']);
  t.match(network()?.live?.records, [{ name: 'db' }]);

  host.calls.length = 0;
  ask(nat({ mtu: 1400, dns: { records: [{ name: 'db', ip: '10.20.0.6' }] } }), 3);
  t.match(await pass(), { kind: 'progressing', because: 'spec.mtu: changes once no machine is attached; 1 is' });
  t.same(host.acts, ['networks.define shop.lan', 'networks.update shop.lan']);
  t.match(status(), {
    networkGeneration: 3,
    conditions: [
      { type: 'Ready', status: 'True' },
      {},
      {},
      { type: 'RestartRequired', status: 'True', message: /spec\.mtu: changes once/ },
    ],
  });
  behind.destroy(theirs);
  host.calls.length = 0;
  t.same(await pass(), { kind: 'converged' });
  t.same(host.acts, ['networks.stop shop.lan', 'networks.start shop.lan']);
  t.equal(network()?.live?.mtu, 1400);
  t.match(status()?.conditions?.[3], { type: 'RestartRequired', status: 'False' });
});

t.test('a machine that came in between keeps the network, and is told of', async (t) => {
  const { host, behind, ask, pass, network, attach, status } = scene();
  await pass();
  host.faults.fail('networks.stop', 'Conflict');
  ask(nat({ mtu: 1400 }), 2);
  t.match(await pass(), { kind: 'retry', error: { code: 'Conflict' } });
  behind.start(attach().uuid);
  t.match(because(await pass()), /spec\.mtu: changes once/);
  t.match(network(), { active: true });
  t.match(status()?.conditions?.[0], { status: 'True' });
});

t.test('it goes when its object does, and not before the machines on it', async (t) => {
  const { host, behind, stores, pass, network, attach } = scene();
  await pass();
  const { uuid: theirs } = attach();
  behind.start(theirs);
  stores.networks.delete('shop/lan');
  t.match(await pass(true), { kind: 'progressing', because: '1 interfaces of machines that are none of ours are attached to it' });
  behind.destroy(theirs);
  t.same(await pass(), { kind: 'converged' });
  t.equal(network(), undefined);
  t.equal(host.acts.at(-1), 'networks.undefine shop.lan');
  t.same(await pass(), { kind: 'converged' }, 'twice is once');
});

t.test('a subnet that is taken is told with who has it, and nothing is made', async (t) => {
  const { host, behind, pass, status } = scene({ spec: nat({ ipv6: { address: 'fd00:20::1/64' } }) });
  behind.network('theirs', false, { subnets: ['10.20.0.9/20'] });
  t.match(await pass(), {
    kind: 'stalled',
    because: 'spec.ipv4.address 10.20.0.1/24: network theirs on one has 10.20.0.9/20; choose another subnet, or take it from that network',
  });
  t.match(status()?.conditions?.[2], { type: 'Stalled', status: 'True', reason: 'SubnetInUse' });
  t.same(host.acts, []);
  behind.removeNetwork('theirs');
  behind.network('sixth', true, { subnets: ['fd00::1/16'] });
  t.match(because(await pass()), /spec\.ipv6\.address fd00:20::1\/64: network sixth on one has fd00::1\/16/);
  behind.removeNetwork('sixth');
  host.interfaces.set('eth0', '10.20.0.1/24');
  t.match(await pass(), { kind: 'retry', error: { code: 'Conflict' } });
  host.interfaces.clear();
  t.same(await pass(), { kind: 'converged' });
  behind.network('late', true, { subnets: ['10.20.0.9/20'] });
  t.same(await pass(), { kind: 'converged' }, 'what ours has already it had first');
});

t.test('what a namespace may not name of the host is refused by its name, with the grant that would do', async (t) => {
  for (const [spec, words] of [
    [
      { forward: { mode: 'Bridge', bridge: 'br0' } },
      /may not use bridge br0 of one; name it in spec\.grants\[\]\.bridges of Hypervisor "one"/,
    ],
    [{ forward: { mode: 'Direct', device: 'eth0' } }, /may not use device eth0 of one; name it in spec\.grants\[\]\.devices/],
    [nat({ forward: { mode: 'NAT', device: 'eth1' } }), /may not use device eth1/],
    [
      nat({ ipv4: { address: '8.8.8.1/24' } }),
      /may not use subnet 8\.8\.8\.1\/24 of one; choose a private one of \/16 \(IPv6: \/48\) or less, or name it in spec\.grants\[\]\.subnets/,
    ],
    [nat({ ipv4: { address: '10.0.0.1/15' } }), /may not use subnet 10\.0\.0\.1\/15/],
    [nat({ ipv6: { address: 'fd00::1/32' } }), /may not use subnet fd00::1\/32/],
    [nat({ ipv6: { address: '2001:db8::1/64' } }), /may not use subnet 2001:db8::1\/64/],
  ] as const) {
    const { host, pass } = scene({ spec });
    t.match(because(await pass()), words);
    t.same(host.acts, []);
  }
  const grants = [{ name: 'all', namespaces: { from: 'All' as const }, bridges: ['br0'], devices: ['eth0'], subnets: ['8.8.0.0/16'] }];
  for (const spec of [
    { forward: { mode: 'Bridge', bridge: 'br0' } },
    { forward: { mode: 'Direct', device: 'eth0' } },
    nat({ ipv4: { address: '8.8.8.1/24' } }),
  ] as const)
    t.same(await scene({ spec, hypervisor: { grants } }).pass(), { kind: 'converged' });
});

t.test('a host that makes no networks, or not so, refuses by the field', async (t) => {
  t.equal(because(await scene({ lacks: 'networks.forward' }).pass()), 'spec.forward.mode: NAT given, one accepts nothing there');
  t.equal(
    because(await scene({ spec: nat({ mtu: 1400 }), lacks: 'networks.mtu' }).pass()),
    'spec.mtu: 1400 given, one accepts nothing there',
  );
  const tagged = { forward: { mode: 'Bridge', bridge: 'br0' }, vlan: 40 } as const;
  t.match(
    because(await scene({ spec: tagged, lacks: 'networks.vlan' }).pass()),
    /^spec\.vlan with forward\.mode: Bridge given, one accepts nothing there/,
  );
});

t.test("a stranger's network of that name is left alone, and replaced only by a word, once nobody is attached", async (t) => {
  const { host, behind, pass } = scene();
  behind.network('shop.lan', true);
  t.match(
    because(await pass()),
    /^one has a network shop\.lan that is not this one's \(uuid .*\); undefine it there, choose another name, or annotate/,
  );
  t.same(host.acts, []);
  const taken = scene({ annotations: { 'virtwright.io/take-over': 'All' } });
  taken.behind.network('shop.lan', true);
  const { uuid: theirs } = taken.attach();
  taken.behind.start(theirs);
  t.match(because(await taken.pass()), /taken over once no machine is attached to it; 1 are/);
  taken.behind.destroy(theirs);
  t.same(await taken.pass(), { kind: 'converged' });
  t.same(taken.host.acts, ['networks.undefine shop.lan', 'networks.define shop.lan', 'networks.start shop.lan']);
});

const subnets = ['10.20.0.1/24', '10.20.1.1/24', '192.168.0.1/16'];
const specs: fc.Arbitrary<Partial<VirtualNetworkSpec>> = fc
  .record({
    mode: fc.constantFrom('None', 'NAT', 'Route', 'Open'),
    at: fc.nat(2),
    mtu: fc.option(fc.constantFrom(1300, 1400)),
    names: fc.nat(2),
  })
  .map(({ mode, at, mtu, names }) => ({
    forward: { mode: mode as 'NAT' },
    ipv4: { address: subnets[at] as string },
    ...(mtu === null ? {} : { mtu }),
    dns: { records: Array.from({ length: names }, (_, number) => ({ name: `n${number}`, ip: '10.20.0.2' })) },
  }));

t.test('whatever call the agent dies at, the next one brings the network to what is asked, or away', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(specs, fc.nat(6), fc.boolean(), fc.boolean()), { minLength: 1, maxLength: 4 }), async (steps) => {
      const { host, ask, pass, network } = scene();
      for (const [at, [spec, after, losing, goesOn]] of steps.entries()) {
        ask(spec, at + 2);
        host.faults.dieAfter(after, { losingReply: losing });
        await pass().catch(() => {});
        if (goesOn) continue;
        for (let tries = 0; tries < 3; tries++) await pass();
        const live = network()?.live;
        if (live?.mtu !== spec.mtu || live?.forward.mode !== spec.forward?.mode || live?.records.length !== spec.dns?.records?.length)
          throw new Error(`asked ${JSON.stringify(spec)}, has ${JSON.stringify(live)}`);
      }
      host.faults.dieAfter(2, { losingReply: true });
      await pass(true).catch(() => {});
      await pass();
      if (network() !== undefined) throw new Error('it is still there');
    }),
    { numRuns: 60 },
  );
});
