import t from 'tap';
import { decode } from '#crds/decode.js';
import type { Capability, ContainerShape, Machine, MachineId, MachineShape, Pool, PoolId, Volume } from '#drivers/driver.js';
import { manifestsOf } from './manifests.js';

const pool: Pool = {
  id: 'p' as PoolId,
  uuid: 'uuid-p',
  nativeName: 'default',
  active: true,
  formats: ['Qcow2', 'Raw', 'Directory'],
  can: ['create', 'delete'],
  capacityBytes: 1,
  allocationBytes: 1,
  availableBytes: 1,
};
const volume = (nativeName: string): Volume => ({
  id: { pool: pool.id, nativeName },
  location: `/p/${nativeName}`,
  format: 'Directory',
  sizeBytes: 0,
  allocationBytes: 0,
});
const bare: MachineShape = { cpuCount: 1, memoryBytes: 64 << 20, disks: [], interfaces: [], serial: false, rng: false };
const machine = (nativeName: string, container: Partial<ContainerShape>, hindrance?: string): Machine => ({
  id: nativeName as MachineId,
  uuid: '11111111-2222-4333-8444-555555555501',
  nativeName,
  power: { state: 'On', reason: 'Booted' },
  hardware: {},
  found: {
    shape: { ...bare, container: { root: `/srv/${nativeName}`, init: ['/sbin/init'], ...container } },
    kept: [],
    ...(hindrance === undefined ? {} : { hindrance }),
  },
});

type Written = { readonly kind: string; readonly metadata: { readonly name: string }; readonly spec: Record<string, unknown> };
function imported(machines: readonly Machine[], volumes: readonly Volume[] = [], capabilities?: readonly Capability[]) {
  const told = capabilities === undefined ? {} : { capabilities };
  const inventory = { pools: [{ pool, volumes }], networks: [], machines, unread: [], ...told };
  const { files, left } = manifestsOf(inventory, { hypervisor: 'one', uri: 'lxc:///system', namespace: 'default', machines: [] });
  const objects = files.flatMap(({ objects }) => objects as readonly Written[]);
  const of = (kind: string) => objects.filter((one) => one.kind === kind);
  return { left, of, names: of('VirtualMachine').map(({ metadata }) => metadata.name), comments: files[0]?.comments ?? [] };
}

t.test('a container is said whole, and has what it needs of its host by grant', async (t) => {
  const mounts = [
    { path: '/data', location: '/srv/data' },
    { path: '/media', location: '/srv/media', readOnly: true as const },
  ];
  const { of, left, comments } = imported([
    machine('box', { init: ['/bin/sh', '-c'], mounts }),
    machine('own', { privileged: true, mounts }),
  ]);
  t.same(left, []);
  t.match(of('VirtualMachine'), [
    {
      spec: {
        container: {
          rootHostPath: '/srv/box',
          init: ['/bin/sh', '-c'],
          mounts: [
            { path: '/data', hostPath: '/srv/data', access: 'ReadWrite' },
            { path: '/media', hostPath: '/srv/media', access: 'ReadOnly' },
          ],
        },
      },
    },
    { spec: { container: { privileged: true } } },
  ]);
  const [host] = of('Hypervisor');
  t.match(host?.spec, { grants: [{ hostPaths: ['/srv/box', '/srv/data', '/srv/media', '/srv/own'], privilegedContainers: true }] });
  t.match(comments.join('\n'), /root on the host/);
  const metadata = { name: 'one', uid: 'x', resourceVersion: '1', generation: 1, creationTimestamp: '2026-01-01T00:00:00Z' };
  t.doesNotThrow(() => decode('Hypervisor', structuredClone({ ...host, metadata })));
});

t.test('without one that is privileged nobody is granted that, nor paths where there is none', async (t) => {
  t.notMatch(JSON.stringify(imported([machine('box', {})]).of('Hypervisor')), 'privilegedContainers');
  t.notMatch(JSON.stringify(imported([]).of('Hypervisor')), 'hostPaths');
});

t.test('directories that cannot be granted beside each other are left out with their container', async (t) => {
  const { left, names } = imported([
    machine('box', { mounts: [{ path: '/data', location: '/srv/data' }] }),
    machine('clone', { root: '/srv/box' }),
    machine('deep', { root: '/srv/data/deep' }),
    machine('high', { mounts: [{ path: '/all', location: '/srv' }] }),
    machine('mate', { mounts: [{ path: '/data', location: '/srv/data' }] }),
  ]);
  t.same(names, ['box', 'mate']);
  t.match(left, [
    'machine clone: /srv/box is the root of machine box, too',
    'machine deep: directory /srv/data/deep lies in /srv/data, which machine box has; only one of them can be granted',
    /^machine high: directory \/srv\/high lies in \/srv, which it has/,
  ]);
});

t.test('a directory is no way to what Virtwright made', async (t) => {
  const made = volume('shop.root-1a2b3c4d');
  const { left, names } = imported(
    [
      machine('above', { mounts: [{ path: '/p', location: '/p' }] }),
      machine('in', { root: `${made.location}/x` }),
      machine('same', { root: made.location }),
    ],
    [made],
  );
  t.same(names, []);
  for (const name of ['above', 'in', 'same'])
    t.ok(
      left.some((one) => one.startsWith(`machine ${name}: its directory /p`) && one.includes('shop.root-1a2b3c4d, which Virtwright made')),
      name,
    );
});

t.test('what its driver tells against it is told, and its directories are nobody’s volumes', async (t) => {
  const { left, names, of } = imported(
    [machine('box', { root: '/p/box' }), machine('odd', { root: '/p/odd' }, 'it is odd')],
    [volume('box'), volume('odd')],
  );
  t.same([names, of('StorageVolume')], [['box'], []]);
  t.same(left, [
    'machine odd: it is odd',
    'volume box of pool default: machine box has it, beside its disks',
    'volume odd of pool default: machine odd has it, which is left out',
  ]);
});

t.test('what its host has and would not accept of us is left out, as nothing would place it there', async (t) => {
  const most = (max: number): readonly Capability[] => [
    { field: 'nativeName', max: 64 },
    { field: 'container', required: true },
    { field: 'cpu.count', max },
    { field: 'memory.size' },
  ];
  t.same(imported([machine('box', {})], [], most(1)).left, []);
  t.same(imported([machine('box', {})], [], most(0)).left, ['machine box: spec.cpu.count: 1 given, this host accepts at most 0']);
});
