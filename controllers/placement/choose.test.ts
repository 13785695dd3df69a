import t from 'tap';
import type {
  Hypervisor,
  StoragePoolInstance,
  StorageVolume,
  VirtualMachine,
  VirtualMachineSpec,
  VirtualNetworkInstance,
} from '#crds/types.js';
import type { HostDescription, Machine, MachineId } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { everything } from '#drivers/fake/capabilities.js';
import { hypervisorDefaults } from '#test/hypervisor-spec.js';
import { conditions, isFalse, isTrue } from '../conditions.js';
import { describeUnfit, unfit } from '../fit.js';
import { reportHost, straysOf, straysToTell } from '../hypervisor/report.js';
import { choose } from './choose.js';
import type { Usage } from './ledger.js';
import type { Neighbourhood } from './neighbours.js';

const now = Date.UTC(2030, 0);
const meta = (name: string) => ({
  name,
  uid: `${name}-uid`,
  resourceVersion: '1',
  generation: 1,
  creationTimestamp: '2030-01-01T00:00:00Z',
});
const description: HostDescription = {
  hypervisor: 'Fake',
  versions: { fake: '1' },
  architecture: 'x86_64',
  cpuCount: 8,
  memoryBytes: 2 ** 36,
  provenOn: 'Real',
  capabilities: everything,
};
const bare = (name: string): Hypervisor => ({
  apiVersion: 'virtwright.io/v1alpha1',
  kind: 'Hypervisor',
  metadata: meta(name),
  spec: { ...hypervisorDefaults, uri: 'fake:' },
});
/** As its agent would report it. */
const hostWith = (
  name: string,
  {
    capabilities = everything,
    strays = [],
    labels = {},
    failure,
  }: {
    capabilities?: typeof everything;
    strays?: readonly { namespace: string; name: string; uid: string }[];
    labels?: Record<string, string>;
    failure?: DriverError;
  } = {},
): Hypervisor => {
  const hypervisor = { ...bare(name), metadata: { ...meta(name), labels } };
  const status = reportHost(hypervisor, { description: { ...description, capabilities }, strays }, now);
  return { ...hypervisor, status: failure === undefined ? status : reportHost({ ...hypervisor, status }, { failure, strays: [] }, now) };
};
const machineWith = (spec: Partial<VirtualMachineSpec> = {}, annotations: Record<string, string> = {}): VirtualMachine => ({
  apiVersion: 'virtwright.io/v1alpha1',
  kind: 'VirtualMachine',
  metadata: { ...meta('web'), namespace: 'shop', annotations },
  spec: { runStrategy: 'Always', stop: { mode: 'TrySoft', timeoutSeconds: 120 }, cpu: { count: 1 }, memory: { size: '1Gi' }, ...spec },
});
const volumeOn = (hypervisor?: string): StorageVolume => ({
  apiVersion: 'virtwright.io/v1alpha1',
  kind: 'StorageVolume',
  metadata: { ...meta('root'), namespace: 'shop' },
  spec: { size: '1Gi', format: 'Qcow2', reclaimPolicy: 'Retain', poolRef: { name: 'fast' } },
  ...(hypervisor === undefined ? {} : { status: { hypervisor } }),
});
const nobody: Neighbourhood = { withLabels: () => [], shunning: () => [] };
const chosen = (
  machine: VirtualMachine,
  hypervisors: readonly Hypervisor[],
  {
    volumes = [] as readonly StorageVolume[],
    pools = ['a', 'b', 'c'],
    shared = false,
    load = {} as Record<string, number>,
    networks = {} as Record<string, VirtualNetworkInstance>,
    duplicates = {} as Record<string, readonly string[]>,
    used = {} as Record<string, Partial<Usage>>,
    around = nobody as Neighbourhood,
  } = {},
) => {
  const choice = choose(machine, {
    hypervisors,
    volumes,
    instanceFor: ({ status }, { metadata }) =>
      (status?.hypervisor === undefined || shared) && pools.includes(metadata.name) ? ({} as StoragePoolInstance) : undefined,
    networkOn: (network, { metadata }) => networks[`${network}.${metadata.name}`],
    ungrantedOn: () => [],
    duplicatesOn: ({ metadata }) => duplicates[metadata.name] ?? [],
    usage: (name) => ({ cpuCount: 0, memoryBytes: 0, machines: load[name] ?? 0, ...used[name] }),
    around,
  });
  return choice.kind === 'place' ? choice.hypervisor.metadata.name : `${choice.reason}: ${choice.message}`;
};

t.test('a machine goes where its MAC addresses are its own', async (t) => {
  const duplicates = { a: ['interface "lan": machine "shop/db" has it'] };
  t.equal(chosen(machineWith(), [hostWith('a'), hostWith('b')], { duplicates }), 'b');
  t.match(chosen(machineWith(), [hostWith('a')], { duplicates }), 'Unschedulable: a: interface "lan": machine "shop/db" has it');
});

t.test('a machine goes where it fits, to the host with the fewest machines', async (t) => {
  const [a, b] = [hostWith('a'), hostWith('b', { labels: { zone: 'z' } })];
  t.equal(chosen(machineWith(), [b, a]), 'a');
  t.equal(chosen(machineWith(), [a, b], { load: { a: 2, b: 1 } }), 'b');
  t.equal(chosen(machineWith({ placement: { policy: 'Spread', hypervisorRef: { name: 'b' } } }), [a, b]), 'b');
  t.equal(chosen(machineWith({ placement: { policy: 'Spread', hypervisorSelector: { matchLabels: { zone: 'z' } } } }), [a, b]), 'b');
  t.equal(chosen(machineWith(), [a, b], { volumes: [volumeOn('b')] }), 'b');
  t.equal(chosen(machineWith(), [a, b], { volumes: [volumeOn()], pools: ['b'] }), 'b');
  const shared = { volumes: [volumeOn('b')], shared: true };
  t.equal(chosen(machineWith(), [a, b], { ...shared, load: { b: 1 } }), 'b', 'where its volumes are, other things being equal');
  t.equal(chosen(machineWith(), [a, b], { ...shared, used: { b: { memoryBytes: 2 ** 35 } } }), 'a', 'a shared volume comes along');
  t.equal(chosen(machineWith(), [a, { ...b, metadata: { ...b.metadata, deletionTimestamp: 'x' } }], { load: { a: 9 } }), 'a');
});

t.test('why a machine goes nowhere is said host by host', async (t) => {
  const a = hostWith('a');
  const small = hostWith('b', { capabilities: everything.map((one) => (one.field === 'memory.size' ? { ...one, max: 2 ** 20 } : one)) });
  t.match(chosen(machineWith(), []), /^NoHypervisor: there is no Hypervisor yet/);
  t.match(
    chosen(machineWith({ placement: { policy: 'Spread', hypervisorRef: { name: 'x' } } }), [a]),
    /^NoHypervisor: waiting for Hypervisor "x"/,
  );
  t.match(
    chosen(machineWith({ placement: { policy: 'Spread', hypervisorSelector: { matchLabels: { q: '1' } } } }), [a]),
    /^NoHypervisor: no Hypervisor has the labels/,
  );
  t.match(chosen(machineWith(), [a, bare('b')]), /^WaitingForHypervisor: .*"b"/);
  const lost = hostWith('a', { failure: new DriverError('Unavailable', 'no route') });
  t.match(
    chosen(machineWith(), [lost, small]),
    /^Unschedulable: b: spec.memory.size: 1Gi given, this host accepts .*at most 1Mi; a: not ready: no route$/,
  );
  t.match(chosen(machineWith(), [a], { volumes: [volumeOn('z')] }), /volume "root" is on z$/);
  const clone = volumeOn('z');
  const linked: StorageVolume = { ...clone, spec: { ...clone.spec, source: { volumeRef: { name: 'base' }, clone: 'Linked' } } };
  t.match(chosen(machineWith(), [a], { volumes: [linked] }), /volume "root" is on z, and a linked clone stays where it was made/);
  t.match(
    chosen(machineWith(), [a], { volumes: [volumeOn()], pools: [] }),
    /volume "root" has no pool here: pool "fast" is not on this host/,
  );
});

t.test('a machine goes only where its networks are ready', async (t) => {
  const networkOn = (hypervisor: string, because?: string): VirtualNetworkInstance => ({
    apiVersion: 'virtwright.io/v1alpha1',
    kind: 'VirtualNetworkInstance',
    metadata: { ...meta(`lan.${hypervisor}`), namespace: 'shop' },
    spec: { networkRef: { name: 'lan' }, hypervisor },
    status: {
      conditions: conditions(undefined, 1, now, {
        Ready: because === undefined ? isTrue('Active') : isFalse('NotGranted', because),
      }),
    },
  });
  const wired = machineWith({ interfaces: [{ name: 'eth', networkRef: { name: 'lan' }, linkState: 'Up' as const }] });
  const hosts = [hostWith('a'), hostWith('b'), hostWith('c')];
  const networks = { 'lan.a': networkOn('a', 'no grant'), 'lan.c': networkOn('c') };
  t.equal(chosen(wired, hosts, { networks }), 'c');
  t.equal(
    chosen(wired, hosts.slice(0, 2), { networks }),
    'Unschedulable: a: network "lan" is not ready here: no grant; b: network "lan" is not on this host',
  );
  const lacking = hostWith('c', { capabilities: everything.filter(({ field }) => field !== 'interfaces.network') });
  t.match(chosen(wired, [lacking], { networks }), /^Unschedulable: c: spec.interfaces\[eth\]: asked for, this host accepts nothing there/);
  const modelled = machineWith({ interfaces: [{ name: 'eth', networkRef: { name: 'lan' }, linkState: 'Up' as const, model: 'E1000e' }] });
  const plain = hostWith('c', {
    capabilities: everything.map((one) => (one.field === 'interfaces.model' ? { ...one, values: ['Virtio'] } : one)),
  });
  t.match(chosen(modelled, [plain], { networks }), /c: spec.interfaces\[eth\].model: E1000e given, this host accepts Virtio/);
});

t.test('what was restored or copied is not placed without a word', async (t) => {
  const old = { namespace: 'shop', name: 'web', uid: 'old' };
  const a = hostWith('a', { strays: [old] });
  const lost = hostWith('a', { strays: [old], failure: new DriverError('Unavailable', 'gone') });
  t.match(chosen(machineWith(), [a]), /^RestoredOrCopied: a runs a machine of an earlier .*take-over=old/);
  t.match(chosen(machineWith(), [lost, hostWith('b')]), /^RestoredOrCopied/, 'also while its host is lost');
  t.equal(chosen(machineWith({}, { 'virtwright.io/take-over': 'old' }), [a]), 'a');
  t.equal(chosen(machineWith(), [hostWith('a', { strays: [{ ...old, name: 'db' }] })]), 'a');
  t.match(chosen(machineWith({}, { 'virtwright.io/bound': 'z/other' }), [hostWith('a')]), /^RestoredOrCopied: .*uid other, bound to z/);
  t.equal(chosen(machineWith({}, { 'virtwright.io/bound': 'a/web-uid' }), [hostWith('a')]), 'a');
  const many = hostWith('a', { strays: Array.from({ length: 600 }, (_, index) => ({ ...old, name: `m${index}` })) });
  t.match(chosen(machineWith(), [many]), /^RestoredOrCopied: a has more machines of lost objects than it can name/);
  const withWord = (taken: string): Hypervisor => ({
    ...many,
    metadata: { ...many.metadata, annotations: { 'virtwright.io/take-over': taken } },
  });
  for (const taken of ['Own', 'All']) {
    t.equal(chosen(machineWith(), [withWord(taken)]), 'a', `${taken}: the agent of the one host sees whose machine is there`);
    t.match(chosen(machineWith(), [withWord(taken), hostWith('b')]), /^RestoredOrCopied: a has more/, 'it could be run a second time');
  }
  t.match(chosen(machineWith(), [withWord('old')]), /^RestoredOrCopied: a has more/);
});

t.test('fit names the field, what was given and what is accepted', async (t) => {
  const capabilities = [
    { field: 'cpu.count', min: 1, max: 4, reason: 'small' },
    { field: 'disks.bus', values: ['VirtioBlk'] },
    { field: 'any' },
  ];
  const disk = (bus: string) => ({ field: 'disks.bus', path: 'spec.disks[root].bus', given: bus });
  const cpus = (given: number) => ({ field: 'cpu.count', path: 'spec.cpu.count', given });
  t.same(unfit([cpus(4), disk('VirtioBlk'), { field: 'any', path: 'spec.any', given: 'x' }], capabilities), []);
  const memory = { field: 'memory.size', path: 'spec.memory.size', given: 2 ** 31 };
  const misfits = unfit(
    [cpus(5), disk('VirtioBlk'), disk('SATA'), memory, { field: 'xen', path: 'spec.xen' }],
    [...capabilities, { field: 'memory.size', max: 2 ** 30 }],
  );
  t.same(
    misfits.map((one) => describeUnfit(one, 'kvm1')),
    [
      'spec.cpu.count: 5 given, kvm1 accepts at least 1, at most 4 (small)',
      'spec.disks[root].bus: SATA given, kvm1 accepts VirtioBlk',
      'spec.memory.size: 2Gi given, kvm1 accepts at most 1Gi',
      'spec.xen: asked for, kvm1 accepts nothing there',
    ],
  );
});

t.test('strays are machines of this cluster without an object, and are kept while the host is lost', async (t) => {
  const machine = (uid: string, cluster = 'here'): Machine => ({
    id: uid as MachineId,
    uuid: uid,
    nativeName: uid,
    power: { state: 'On', reason: 'Booted' },
    hardware: {},
    mark: { owner: { cluster, namespace: 'shop', name: uid, uid }, record: '' },
  });
  const { mark: _, ...unmarked } = machine('x');
  const strays = straysOf([machine('known'), machine('lost'), machine('theirs', 'there'), unmarked], 'here', (uid) =>
    uid === 'known' ? [machineWith()] : [],
  );
  t.same(strays, [{ namespace: 'shop', name: 'lost', uid: 'lost' }]);
  const before = hostWith('a', { strays });
  const same = reportHost(before, { description, strays }, now + 60_000);
  t.same(same, before.status, 'no news, no write');
  const lost = reportHost(before, { failure: new DriverError('Denied', 'who are you'), strays: [] }, now);
  t.match(lost, {
    strays: { count: 1 },
    capacity: before.status?.capacity,
    conditions: [{ type: 'Ready', status: 'False' }, {}, { type: 'Stalled', status: 'True' }, { type: 'Connected', status: 'False' }],
  });
});

t.test('a stray that was told of is told of still while a machine was never read, for it may be that one', async (t) => {
  const stray = (name: string) => ({ namespace: 'shop', name, uid: name });
  const before = hostWith('a', { strays: [stray('hung'), stray('taken')] });
  const told = (unseen: readonly unknown[]) =>
    straysToTell(before, { machines: [], unseen }, 'here', (uid) => (uid === 'taken' ? [machineWith()] : []));
  t.same(told(['one']), [stray('hung')]);
  t.same(told([]), []);
});
