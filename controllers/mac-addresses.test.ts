import t from 'tap';
import type { VirtualMachine, VirtualMachineStatus, VirtualNetwork, VirtualNetworkSpec } from '#crds/types.js';
import { createStore } from './kubernetes/store.js';
import { claimsOf, duplicates, refusedAddresses, rivalsIn, undecidedAddresses } from './mac-addresses.js';
import { indexes } from './stores.js';

const mac = '52:54:00:00:00:0a';
const meta = (name: string, created = 1, namespace = 'shop') => ({
  name,
  namespace,
  uid: `${namespace}-${name}`,
  resourceVersion: '1',
  generation: 1,
  creationTimestamp: `2030-01-0${created}T00:00:00Z`,
});
const apiVersion = 'virtwright.io/v1alpha1' as const;

interface Told {
  readonly created?: number;
  readonly namespace?: string;
  readonly network?: string;
  readonly host?: string;
  readonly asked?: string;
  readonly made?: string;
  readonly claims?: VirtualMachineStatus['macAddressClaims'];
  readonly ready?: boolean;
}

function machine(name: string, { created, namespace, network = 'lan', host, asked, made, claims, ready }: Told = {}): VirtualMachine {
  return {
    apiVersion,
    kind: 'VirtualMachine',
    metadata: meta(name, created, namespace),
    spec: {
      runStrategy: 'Always',
      stop: { mode: 'TrySoft', timeoutSeconds: 120 },
      cpu: { count: 1 },
      memory: { size: '1Gi' },
      interfaces: [{ linkState: 'Up', name: 'eth', networkRef: { name: network }, ...(asked === undefined ? {} : { macAddress: asked }) }],
    },
    status: {
      ...(host === undefined ? {} : { hypervisor: host }),
      ...(made === undefined ? {} : { interfaces: [{ name: 'eth', macAddress: made }] }),
      ...(claims === undefined ? {} : { macAddressClaims: claims }),
      ...(ready === undefined
        ? {}
        : {
            observedGeneration: 1,
            conditions: [
              {
                type: 'Ready',
                status: ready ? 'True' : 'False',
                reason: 'x',
                message: '',
                lastTransitionTime: '2030-01-01T00:00:00Z',
                observedGeneration: 1,
              },
            ],
          }),
    },
  };
}

function scene(specs: Readonly<Record<string, Partial<VirtualNetworkSpec>>>, ...machines: readonly VirtualMachine[]) {
  const stores = {
    networks: createStore<VirtualNetwork>(),
    machines: createStore<VirtualMachine, 'macAddress'>({ indexes: { macAddress: indexes.machines.macAddress } }),
  };
  for (const [key, spec] of Object.entries(specs)) {
    const [namespace, name = ''] = key.split('/');
    stores.networks.set({ apiVersion, kind: 'VirtualNetwork', metadata: meta(name, 1, namespace), spec: { span: 'PerHost', ...spec } });
  }
  for (const one of machines) stores.machines.set(one);
  return stores;
}

const nat = { forward: { mode: 'NAT' } } as const;
const bridged = { forward: { mode: 'Bridge', bridge: 'br0' } } as const;

t.test('the second of two machines with one MAC address on one network is named with the first', async (t) => {
  const [first, second] = [machine('a', { host: 'one', asked: mac }), machine('b', { created: 2, asked: mac })];
  const stores = scene({ 'shop/lan': nat }, first, second);
  t.same(duplicates(first, 'one', stores), []);
  t.match(duplicates(second, 'one', stores), [
    {
      interface: 'eth',
      because:
        'interface "eth": machine "shop/a" has macAddress 52:54:00:00:00:0a on the same network; give one of them another, or leave it out: one that runs lets go of it when it is restarted',
    },
  ]);
  t.same(duplicates(machine('c', { asked: '52:54:00:00:00:0b' }), 'one', stores), []);
});

t.test('a network that each host makes is an island; what hosts had before may be one', async (t) => {
  const first = machine('a', { host: 'one', asked: mac });
  for (const [spec, elsewhere] of [
    [nat, 0],
    [{ forward: { mode: 'None' } }, 0],
    [bridged, 1],
    [{ forward: { mode: 'Direct', device: 'eth0' } }, 1],
    [{ existing: { name: 'br-lan' } }, 1],
  ] as const) {
    const stores = scene({ 'shop/lan': spec }, first);
    t.equal(duplicates(machine('b', { asked: mac }), 'one', stores).length, 1, JSON.stringify(spec));
    t.equal(duplicates(machine('b', { asked: mac }), 'two', stores).length, elsewhere, JSON.stringify(spec));
  }
});

t.test('two objects for one bridge are one network, and two tags on it are two', async (t) => {
  const first = machine('a', { host: 'one', asked: mac });
  const other = machine('b', { namespace: 'bank', network: 'wan', asked: mac });
  t.equal(duplicates(other, 'two', scene({ 'shop/lan': bridged, 'bank/wan': bridged }, first)).length, 1);
  t.equal(duplicates(other, 'two', scene({ 'shop/lan': bridged, 'bank/wan': { ...bridged, vlan: 40 } }, first)).length, 0);
  t.equal(duplicates(other, 'one', scene({ 'shop/lan': nat, 'bank/wan': nat }, first)).length, 0);
});

t.test('who was made with it was first, then who has a host, then the older one', async (t) => {
  const made = machine('m', { created: 3, host: 'one', made: mac });
  const bound = machine('n', { created: 2, host: 'one', asked: mac });
  const old = machine('o', { created: 1, asked: mac });
  const stores = scene({ 'shop/lan': bridged }, made, bound, old);
  t.same(duplicates(made, 'one', stores), []);
  t.match(duplicates(bound, 'one', stores), [{ because: /shop\/m/ }]);
  t.match(duplicates(old, 'two', stores), [{ because: /shop\/[mn]/ }]);
});

t.test('who has or had the address is told of a change, but the machine itself', async (t) => {
  const [one, other] = [machine('a', { asked: mac }), machine('b', { asked: mac })];
  const stores = scene({ 'shop/lan': nat }, one, other);
  const moved = machine('a', { asked: '52:54:00:00:00:0b' });
  t.match(rivalsIn({ kind: 'updated', key: 'shop/a', object: moved, previous: one }, stores.machines), [{ metadata: { name: 'b' } }]);
  t.match(rivalsIn({ kind: 'deleted', key: 'shop/a', previous: one }, stores.machines), [{ metadata: { name: 'b' } }]);
  t.same(rivalsIn({ kind: 'added', key: 'shop/a', object: moved }, stores.machines), []);
});

const other = '52:54:00:00:00:0b';
const claim = (macAddress: string, more: { readonly network?: string; readonly heldBy?: string } = {}) => ({
  name: 'eth',
  network: 'lan',
  macAddress,
  ...more,
});

t.test('who was given an address has it before an older one that asks, on whatever host', async (t) => {
  const given = machine('a', { created: 2, host: 'one', asked: mac, claims: [claim(mac)] });
  const older = machine('b', { created: 1, host: 'two', asked: mac });
  const stores = scene({ 'shop/lan': bridged }, given, older);
  t.same(claimsOf(given, 'one', stores), [claim(mac)]);
  t.same(claimsOf(older, 'two', stores), [claim(mac, { heldBy: 'shop/a' })]);
  const free = scene({ 'shop/lan': bridged }, machine('a', { created: 2, host: 'one', asked: mac }), older);
  t.same(claimsOf(older, 'two', free), [claim(mac)], 'of two that only ask the older is first');
  t.same(claimsOf(given, 'one', scene({ 'shop/lan': nat }, given, older)), [claim(mac)], 'each on its own island');
  t.same(claimsOf(older, 'two', scene({ 'shop/lan': nat }, given, older)), [claim(mac)]);
});

t.test('an address had on one network is none had on another', async (t) => {
  const moving = machine('a', { created: 1, host: 'one', network: 'wan', asked: mac, made: other, claims: [claim(mac)] });
  const there = machine('b', { created: 2, host: 'two', network: 'wan', asked: mac, claims: [claim(mac, { network: 'wan' })] });
  const stores = scene({ 'shop/lan': bridged, 'shop/wan': { ...bridged, vlan: 40 } }, moving, there);
  t.match(claimsOf(moving, 'one', stores), [{ network: 'wan', heldBy: 'shop/b' }, claim(mac)]);
  t.same(claimsOf(there, 'two', stores), [claim(mac, { network: 'wan' })]);
});

t.test('what was given is kept until the machine is surely without it', async (t) => {
  const leaving = { host: 'one', asked: other, claims: [claim(mac)] } as const;
  const asking = machine('b', { created: 2, host: 'two', asked: mac });
  const holds = (one: VirtualMachine) => {
    const stores = scene({ 'shop/lan': bridged }, one, asking);
    t.equal(claimsOf(asking, 'two', stores)[0]?.heldBy, claimsOf(one, 'one', stores).length === 2 ? 'shop/a' : undefined);
    return claimsOf(one, 'one', stores).length === 2;
  };
  t.equal(holds(machine('a', leaving)), true, 'its agent has said nothing');
  t.equal(holds(machine('a', { ...leaving, ready: false })), true);
  const stale = machine('a', { ...leaving, ready: true });
  t.equal(holds({ ...stale, metadata: { ...stale.metadata, generation: 2 } }), true, 'Ready with what it had before');
  t.equal(claimsOf(stale, 'one', scene({ 'shop/lan': bridged }, stale)).length, 1);
  const gone = machine('a', { ...leaving, claims: [claim(other)], ready: true });
  t.same(claimsOf(asking, 'two', scene({ 'shop/lan': bridged }, gone, asking)), [claim(mac)]);
  const refused = machine('a', { ...leaving, claims: [claim(mac, { heldBy: 'shop/c' })] });
  t.same(claimsOf(refused, 'one', scene({ 'shop/lan': bridged }, refused)), [claim(other)], 'what it never had it does not keep');
});

t.test('an agent waits for the word on what is new, and takes it', async (t) => {
  const waits = (told: Told) => undecidedAddresses(machine('a', { host: 'one', asked: mac, ...told })).length;
  t.equal(waits({}), 1);
  t.equal(waits({ made: other }), 1);
  t.equal(waits({ made: mac }), 0, 'made with it before anybody gave it');
  t.equal(waits({ made: mac, claims: [claim(mac, { network: 'wan' })] }), 1, 'it was given it for another network');
  t.equal(waits({ claims: [claim(mac)] }), 0);
  t.equal(waits({ claims: [claim(mac, { heldBy: 'shop/b' })] }), 0);
  t.same(refusedAddresses(machine('a', { asked: mac, claims: [claim(mac)] })), []);
  t.match(refusedAddresses(machine('a', { asked: mac, claims: [claim(mac, { heldBy: 'shop/b' })] })), [/machine "shop\/b" has macAddress/]);
});

t.test('who asks is told when an address that was held is let go', async (t) => {
  const asking = machine('b', { asked: mac });
  const held = machine('a', { asked: other, claims: [claim(mac)] });
  const stores = scene({ 'shop/lan': nat }, held, asking);
  const free = machine('a', { asked: other, claims: [claim(other)] });
  t.match(rivalsIn({ kind: 'updated', key: 'shop/a', object: free, previous: held }, stores.machines), [{ metadata: { name: 'b' } }]);
});
