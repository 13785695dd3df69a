import t from 'tap';
import type { Hypervisor, HypervisorSpec, HypervisorStatus, VirtualMachine, VirtualMachineSpec } from '#crds/types.js';
import { everything } from '#drivers/fake/capabilities.js';
import { hypervisorDefaults } from '#test/hypervisor-spec.js';
import { reportHost } from '../hypervisor/report.js';
import { matches } from '../namespaces.js';
import { type Choice, choose } from './choose.js';
import type { Usage } from './ledger.js';
import type { Neighbour } from './neighbours.js';

const now = Date.UTC(2030, 0);
const Gi = 2 ** 30;
const meta = (name: string) => ({
  name,
  uid: `${name}-uid`,
  resourceVersion: '1',
  generation: 1,
  creationTimestamp: '2030-01-01T00:00:00Z',
});
type Labels = Readonly<Record<string, string>>;
/** Four processors and 8 GiB, as its agent reports it. */
function host(name: string, spec: Partial<HypervisorSpec> = {}, labels: Labels = {}, status: Partial<HypervisorStatus> = {}): Hypervisor {
  const hypervisor: Hypervisor = {
    apiVersion: 'virtwright.io/v1alpha1',
    kind: 'Hypervisor',
    metadata: { ...meta(name), labels },
    spec: { ...hypervisorDefaults, uri: 'fake:', ...spec },
  };
  const description = {
    hypervisor: 'Fake',
    versions: {},
    architecture: 'x86_64',
    cpuCount: 4,
    memoryBytes: 8 * Gi,
    provenOn: 'Real' as const,
    capabilities: everything,
  };
  return { ...hypervisor, status: { ...reportHost(hypervisor, { description, strays: [] }, now), ...status } };
}
type Placement = Omit<Partial<NonNullable<VirtualMachineSpec['placement']>>, 'hypervisorRef'>;
const machine = (name: string, spec: Partial<VirtualMachineSpec> = {}, labels: Labels = {}, placement?: Placement): VirtualMachine => ({
  apiVersion: 'virtwright.io/v1alpha1',
  kind: 'VirtualMachine',
  metadata: { ...meta(name), namespace: 'shop', labels },
  spec: {
    runStrategy: 'Always',
    stop: { mode: 'TrySoft', timeoutSeconds: 120 },
    cpu: { count: 1 },
    memory: { size: '1Gi' },
    ...spec,
    ...(placement === undefined ? {} : { placement: { policy: 'Spread', ...placement } }),
  },
});

interface Around {
  readonly used?: Readonly<Record<string, Partial<Usage>>>;
  readonly there?: readonly Neighbour[];
}

function choice(one: VirtualMachine, hypervisors: readonly Hypervisor[], { used = {}, there = [] }: Around = {}): Choice {
  return choose(one, {
    hypervisors,
    volumes: [],
    instanceFor: () => undefined,
    networkOn: () => undefined,
    duplicatesOn: () => [],
    ungrantedOn: () => [],
    usage: (name) => ({ cpuCount: 0, memoryBytes: 0, machines: 0, ...used[name] }),
    around: {
      withLabels: (_namespace, labels) => there.filter(({ machine: { metadata } }) => matches(metadata.labels, labels)),
      shunning: () => there.filter(({ machine: { spec } }) => spec.placement?.antiAffinity !== undefined),
    },
  });
}
const chosen = (...given: Parameters<typeof choice>): string => {
  const made = choice(...given);
  return made.kind === 'place' ? made.hypervisor.metadata.name : made.message;
};

t.test('a machine goes where there is room for it, and the message says what there is', async (t) => {
  const big = machine('big', { memory: { size: '6Gi' } });
  t.equal(chosen(big, [host('a'), host('b')], { used: { a: { memoryBytes: 3 * Gi } } }), 'b');
  t.equal(chosen(big, [host('a')], { used: { a: { memoryBytes: 3 * Gi } } }), 'a: needs 6Gi of memory, 5Gi of 8Gi free');
  t.equal(chosen(big, [host('a')], { used: { a: { memoryBytes: 9 * Gi } } }), 'a: needs 6Gi of memory, 0 of 8Gi free');
  t.equal(chosen(machine('exact', { memory: { size: '8Gi' } }), [host('a')]), 'a');
  t.equal(chosen(machine('over', { memory: { size: '8193Mi' } }), [host('a')]), 'a: needs 8193Mi of memory, 8Gi of 8Gi free');
  const wide = machine('wide', { cpu: { count: 2 } });
  t.equal(chosen(wide, [host('a')], { used: { a: { cpuCount: 15 } } }), 'a: needs 2 virtual processors, 1 of 16 free');
});

t.test('how much is given is said on the Hypervisor', async (t) => {
  const overcommit = (cpuPercent: number, memoryPercent: number) => host('a', { overcommit: { cpuPercent, memoryPercent } });
  const wide = machine('wide', { cpu: { count: 5 }, memory: { size: '9Gi' } });
  t.equal(chosen(wide, [overcommit(125, 150)]), 'a');
  t.equal(chosen(wide, [overcommit(100, 150)]), 'a: needs 5 virtual processors, 4 of 4 free');
  t.equal(chosen(wide, [overcommit(125, 50)]), 'a: needs 9Gi of memory, 4Gi of 4Gi free');
});

t.test('what runs there and is not ours takes its share', async (t) => {
  const crowded = host('a', {}, {}, { unowned: { count: 2, cpuCount: 15, memory: '7Gi' } });
  t.equal(chosen(machine('one'), [crowded]), 'a');
  t.equal(
    chosen(machine('two', { memory: { size: '2Gi' } }), [crowded]),
    "a: needs 2Gi of memory, 1Gi of 8Gi free; 2 running machines that are not Virtwright's have 15 processors and 7Gi",
  );
  t.match(chosen(machine('two', { cpu: { count: 2 } }), [crowded]), /needs 2 virtual processors, 1 of 16 free; 2 running/);
});

t.test('a taint keeps away who does not tolerate it, and a host in maintenance everybody', async (t) => {
  const old = host('a', { taints: [{ key: 'old-hardware', value: '2012' }] });
  t.equal(chosen(machine('web'), [old]), 'a: its taint "old-hardware=2012" is not among spec.placement.tolerations');
  t.equal(chosen(machine('web', {}, {}, { tolerations: [{ key: 'old-hardware' }] }), [old]), 'a');
  t.equal(chosen(machine('web', {}, {}, { tolerations: [{ key: 'old-hardware', value: '2012' }] }), [old]), 'a');
  t.match(chosen(machine('web', {}, {}, { tolerations: [{ key: 'old-hardware', value: '2013' }] }), [old]), /its taint/);
  const cordoned = host('a', { maintenance: 'Cordon' });
  t.equal(chosen(machine('web'), [cordoned]), 'a: it takes no new machines: spec.maintenance of the Hypervisor is Cordon');
  t.equal(chosen(machine('web'), [cordoned, old, host('c')]), 'c');
});

const term = (labels: Labels, more: object = {}) => ({
  name: 'with',
  mode: 'Require' as const,
  selector: { matchLabels: labels },
  ...more,
});
const zoned = (name: string, zone?: string) => host(name, {}, zone === undefined ? {} : { zone });

t.test('affinity goes where such a machine is, and the first of its kind anywhere', async (t) => {
  const hosts = [zoned('a', 'x'), zoned('b', 'x'), zoned('c', 'y'), zoned('d')] as const;
  const there = [{ machine: machine('db', {}, { app: 'db' }), hypervisor: hosts[1] }];
  const near = (labels: Labels, more: object = {}, own: Labels = {}) => machine('web', {}, own, { affinity: [term(labels, more)] });
  t.equal(chosen(near({ app: 'db' }), hosts, { there }), 'b');
  t.equal(chosen(near({ app: 'db' }, { topologyKey: 'zone' }), hosts, { there, used: { b: { machines: 1 } } }), 'a', 'a place is a zone');
  t.match(
    chosen(near({ app: 'db' }, { topologyKey: 'zone' }), [hosts[2], hosts[3]], { there }),
    /^c: affinity "with": no machine with the labels \{"app":"db"\} is in zone "y"; d: .*has no label zone$/,
  );
  t.match(chosen(near({ app: 'none' }), hosts, { there }), /affinity "with": no machine with the labels/);
  t.equal(chosen(near({ app: 'web' }, {}, { app: 'web' }), hosts, { there }), 'a', 'somebody has to be first');
});

t.test('antiAffinity keeps apart, from either side', async (t) => {
  const hosts = [zoned('a', 'x'), zoned('b', 'x'), zoned('c', 'y')] as const;
  const db = (name: string, more: object = {}) => machine(name, {}, { app: 'db' }, { antiAffinity: [term({ app: 'db' }, more)] });
  const there = [{ machine: db('db-0', { topologyKey: 'zone' }), hypervisor: hosts[0] }];
  t.equal(chosen(db('db-1', { topologyKey: 'zone' }), hosts, { there }), 'c');
  t.match(chosen(db('db-1'), hosts.slice(0, 1), { there }), /^a: antiAffinity "with": a machine with the labels .* is here$/);
  const plain = machine('db-2', {}, { app: 'db' });
  t.equal(chosen(plain, hosts, { there }), 'c', 'it did not ask, and was asked');
  t.match(chosen(plain, hosts.slice(0, 2), { there }), /antiAffinity "with" of machine "db-0", which is in zone "x", means this one/);
  t.equal(chosen(machine('web', {}, { app: 'web' }), hosts, { there }), 'a');
  const itself = db('db-0');
  t.equal(chosen(itself, hosts.slice(0, 1), { there: [{ machine: itself, hypervisor: hosts[0] }] }), 'a', 'nobody is apart from itself');
});

t.test('what is preferred outweighs how full hosts are, and never leaves a machine without one', async (t) => {
  const hosts = [host('a'), host('b')] as const;
  const there = [{ machine: machine('db', {}, { app: 'db' }), hypervisor: hosts[1] }];
  const prefers = (placement: Placement) => machine('web', {}, {}, placement);
  const used = { b: { memoryBytes: 6 * Gi } };
  t.equal(chosen(prefers({ affinity: [term({ app: 'db' }, { mode: 'Prefer' })] }), hosts, { there, used }), 'b');
  t.equal(chosen(prefers({ affinity: [term({ app: 'db' }, { mode: 'Prefer' })] }), hosts.slice(0, 1), { there }), 'a');
  t.equal(
    chosen(prefers({ antiAffinity: [term({ app: 'db' }, { mode: 'Prefer' })] }), hosts, { there, used: { a: { memoryBytes: 6 * Gi } } }),
    'a',
  );
});

t.test('machines are spread, or packed where that is asked for', async (t) => {
  const hosts = [host('a'), host('b'), host('c')];
  const used = { a: { memoryBytes: 4 * Gi }, b: { memoryBytes: 6 * Gi } };
  t.equal(chosen(machine('web'), hosts, { used }), 'c');
  t.equal(chosen(machine('web', {}, {}, { policy: 'Pack' }), hosts, { used }), 'b');
  t.equal(chosen(machine('web', { memory: { size: '3Gi' } }, {}, { policy: 'Pack' }), hosts, { used }), 'a', 'the fullest that has room');
});

t.test('of many hosts, all are counted and those that came nearest are named', async (t) => {
  const far = Array.from({ length: 300 }, (_, index) => host(`far-${index}`, { maintenance: 'Cordon' }));
  const full = Array.from({ length: 12 }, (_, index) => host(`full-${index + 10}`));
  const used = Object.fromEntries(full.map(({ metadata }) => [metadata.name, { memoryBytes: 8 * Gi }]));
  const made = choice(machine('web'), [...far, ...full], { used });
  if (made.kind === 'place') throw new Error('it was placed');
  t.same(made.reasons, [
    { reason: 'Maintenance', count: 300 },
    { reason: 'Memory', count: 12 },
  ]);
  t.equal(made.rejected.length, 10);
  t.match(made.rejected[0], { hypervisor: 'full-10', reason: 'Memory' });
  t.match(made.message, /^none of 312 hosts suits \(Maintenance 300, Memory 12\); full-10: needs 1Gi of memory/);
});
