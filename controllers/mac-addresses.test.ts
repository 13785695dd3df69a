import t from 'tap';
import type { VirtualMachine, VirtualNetwork, VirtualNetworkSpec } from '#crds/types.js';
import { createStore } from './kubernetes/store.js';
import { duplicates, rivalsIn } from './mac-addresses.js';
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
}

function machine(name: string, { created, namespace, network = 'lan', host, asked, made }: Told = {}): VirtualMachine {
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
        'interface "eth": machine "shop/a" has macAddress 52:54:00:00:00:0a on the same network; give one of them another, or leave it out',
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
