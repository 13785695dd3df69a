import t from 'tap';
import type { Hypervisor, Kinds, StorageVolume, VirtualMachine } from '#crds/types.js';
import { createStore } from '../kubernetes/store.js';
import type { Namespace } from '../namespaces.js';
import { indexes } from '../stores.js';
import { advise } from './advice.js';
import type { Known } from './known.js';

const object = (kind: keyof Kinds, name: string, spec: object, more: { readonly metadata?: object; readonly status?: object } = {}) => ({
  apiVersion: 'virtwright.io/v1alpha1',
  kind,
  spec,
  ...more,
  metadata: {
    name,
    ...(['Hypervisor', 'StoragePool'].includes(kind) ? {} : { namespace: 'shop' }),
    uid: `uid-of-${name}`,
    resourceVersion: '1',
    generation: 1,
    creationTimestamp: '2030-01-01T00:00:00Z',
    ...more.metadata,
  },
});
/** What people send has less. */
const sent = (kind: keyof Kinds, name: string, spec: object) => ({
  apiVersion: 'virtwright.io/v1alpha1',
  kind,
  metadata: { name, namespace: 'shop' },
  spec,
});
const machine = (name: string, spec: object, status?: object): VirtualMachine =>
  object('VirtualMachine', name, { memory: { size: '1Gi' }, runStrategy: 'Always', ...spec }, status && { status }) as VirtualMachine;
const volume = (name: string, spec: object, status?: object): StorageVolume =>
  object('StorageVolume', name, { size: '1Gi', reclaimPolicy: 'Retain', ...spec }, status && { status }) as StorageVolume;
const host = (name: string, spec: object = {}, status?: object): Hypervisor =>
  object('Hypervisor', name, { uri: 'test:///default', ...spec }, status && { status }) as Hypervisor;

interface There {
  readonly hypervisors?: readonly Hypervisor[];
  readonly machines?: readonly VirtualMachine[];
  readonly volumes?: readonly StorageVolume[];
  readonly pools?: readonly Kinds['StoragePool'][];
}

function knowing({
  hypervisors = [host('kvm1', { defaultPoolRef: { name: 'fast' } })],
  machines = [],
  volumes = [],
  pools = [],
}: There): Known {
  const known = {
    hypervisors: createStore<Hypervisor>(),
    machines: createStore({ indexes: indexes.machines }),
    volumes: createStore<StorageVolume>(),
    pools: createStore<Kinds['StoragePool']>(),
    networks: createStore<Kinds['VirtualNetwork']>(),
    namespaces: createStore<Namespace>(),
  };
  known.hypervisors.replace(hypervisors);
  known.machines.replace(machines);
  known.volumes.replace(volumes);
  known.pools.replace(pools);
  return known;
}

const warnings = (kind: string, raw: unknown, there: There = {}) => advise(kind, raw, knowing(there)).warnings;

t.test('what is there is not spoken of', async (t) => {
  const there = { volumes: [volume('root', {})] };
  const disks = [{ name: 'root', volumeRef: { name: 'root' } }];
  t.same(warnings('VirtualMachine', sent('VirtualMachine', 'web', { memory: { size: '1Gi' }, disks }), there), []);
});

t.test('a volume has one writer', async (t) => {
  const volumes = [volume('root', {}, { claim: { machine: 'db', uid: 'uid-of-db' } })];
  const disks = [{ name: 'root', volumeRef: { name: 'root' } }];
  t.match(warnings('VirtualMachine', machine('web', { disks }), { volumes }), [
    /^spec\.disks\[root\]\.volumeRef: StorageVolume "root" is a disk of machine "db"/,
  ]);
  t.same(warnings('VirtualMachine', machine('db', { disks }), { volumes }), [], 'its own it has');
});

t.test('a MAC address and a uuid that another has', async (t) => {
  const uuid = '6fa459ea-ee8a-4ca4-894e-db77e160355e';
  const interfaces = [{ name: 'lan', networkRef: { name: 'lan' }, macAddress: '52:54:00:00:00:01' }];
  const machines = [machine('first', { uuid, interfaces }, { hypervisor: 'kvm1' })];
  const told = warnings('VirtualMachine', machine('web', { uuid, interfaces }), { machines });
  t.match(told, [
    /networkRef/,
    /machine "shop\/first" has macAddress 52:54:00:00:00:01/,
    /^spec\.uuid: machine "shop\/first" has 6fa459ea/,
  ]);
  t.same(warnings('VirtualMachine', machine('first', { uuid, interfaces }, { hypervisor: 'kvm1' }), { machines }).slice(1), []);
});

t.test('what no host can do, where all have said what they can', async (t) => {
  const small = {
    capabilities: [{ field: 'memory.size', max: '1Gi' }, { field: 'cpu.count', max: '8' }, { field: 'nativeName' }],
  };
  const large = {
    capabilities: [{ field: 'memory.size', max: '8Gi' }, { field: 'cpu.count', max: '8' }, { field: 'nativeName' }],
  };
  const asked = machine('web', { memory: { size: '2Gi' } });
  t.same(warnings('VirtualMachine', asked, { hypervisors: [host('a', {}, small)] }), [
    'spec.memory.size: 2Gi given, a accepts at most 1Gi',
  ]);
  t.same(warnings('VirtualMachine', asked, { hypervisors: [host('a', {}, small), host('b', {}, large)] }), []);
  t.same(warnings('VirtualMachine', asked, { hypervisors: [host('a', {}, small), host('b')] }), [], 'one may yet say that it can');
});

t.test('a pool that is missing, or not for this namespace, or needed and not named', async (t) => {
  const pool = object('StoragePool', 'gold', {
    directory: { path: '/gold' },
    allowedNamespaces: { from: 'Selector', selector: { matchLabels: { tier: 'gold' } } },
  });
  const there = { pools: [pool as Kinds['StoragePool']] };
  t.match(warnings('StorageVolume', volume('a', { poolRef: { name: 'none' } })), [/^spec\.poolRef: there is no StoragePool "none" yet/]);
  t.match(warnings('StorageVolume', volume('a', { poolRef: { name: 'gold' } }), there), [/is not for namespace "shop"/]);
  t.match(warnings('StorageVolume', volume('a', {}), { hypervisors: [host('kvm1')] }), [
    /^spec\.poolRef: none given, and no Hypervisor has/,
  ]);
});

t.test('only a ring of clones is refused, however long it is', async (t) => {
  const from = (name: string, source: string) => volume(name, { source: { volumeRef: { name: source } } });
  const refusal = (...volumes: readonly StorageVolume[]) => advise('StorageVolume', from('a', 'b'), knowing({ volumes })).refusal;
  t.equal(refusal(), undefined);
  t.equal(refusal(from('b', 'c'), from('c', 'd')), undefined);
  t.equal(refusal(from('b', 'c'), from('c', 'b')), undefined, 'it is not in that ring');
  t.match(refusal(from('b', 'c'), from('c', 'a')), /a <- b <- c <- a; accepted is a volume that is not made from "a"/);
});

t.test('two disks that are one volume are refused', async (t) => {
  const disks = [
    { name: 'root', volumeTemplate: { size: '1Gi' } },
    { name: 'again', volumeRef: { name: 'web-root' } },
  ];
  t.match(advise('VirtualMachine', machine('web', { disks }), knowing({})).refusal, /^spec\.disks: two disks are StorageVolume "web-root"/);
  t.equal(advise('VirtualMachine', machine('db', { disks }), knowing({})).refusal, undefined);
});

t.test('warnings are as short and as few as an API server lets through', async (t) => {
  const disks = Array.from({ length: 15 }, (_, at) => ({ name: `d${at}`, volumeRef: { name: `root-${at}` } }));
  const told = warnings('VirtualMachine', machine('web', { disks }));
  t.equal(told.length, 10);
  t.equal(told.at(-1), 'and 6 more');
  const selector = Object.fromEntries(Array.from({ length: 8 }, (_, at) => [`${'l'.repeat(50)}${at}`, 'v'.repeat(50)]));
  const [long = ''] = warnings(
    'StoragePool',
    sent('StoragePool', 'p', { directory: { path: '/p' }, hypervisorSelector: { matchLabels: selector } }),
  );
  t.equal(long.length, 256);
});

t.test("what is no object of ours is nobody's concern here", async (t) => {
  for (const raw of [
    undefined,
    null,
    'text',
    7,
    [],
    {},
    { spec: null },
    { metadata: null, spec: {} },
    sent('VirtualMachine', 'x', { memory: 3 }),
  ])
    for (const kind of ['VirtualMachine', 'StorageVolume', 'Hypervisor', 'Session', 'constructor', ''])
      t.same(advise(kind, raw, knowing({})), { warnings: [] });
});
