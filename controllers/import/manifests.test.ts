import fc from 'fast-check';
import t from 'tap';
import { decode } from '#crds/decode.js';
import type { Machine, MachineId, MachineShape, Network, NetworkId, Pool, PoolId, Volume } from '#drivers/driver.js';
import { differences, fieldsOf } from '../virtual-machine/difference.js';
import { diskHardware, interfaceHardware, plainHardware } from '../virtual-machine/hardware.js';
import type { Inventory } from './inventory.js';
import { manifestsOf } from './manifests.js';
import { labelOf } from './names.js';
import { specOf } from './shape.js';

const pool: Pool = {
  id: 'p' as PoolId,
  uuid: 'uuid-p',
  nativeName: 'Default Pool',
  active: true,
  formats: ['Qcow2', 'Raw'],
  can: ['create', 'delete', 'grow', 'stream'],
  capacityBytes: 1,
  allocationBytes: 1,
  availableBytes: 1,
};
const volumeOf = (nativeName: string, more: Partial<Volume> = {}): Volume => ({
  id: { pool: pool.id, nativeName },
  location: `/p/${nativeName}`,
  format: 'Qcow2',
  sizeBytes: 8 << 20,
  allocationBytes: 0,
  ...more,
});
const network: Network = { id: 'n' as NetworkId, nativeName: 'default', active: true };
const bare: MachineShape = { cpuCount: 1, memoryBytes: 64 << 20, disks: [], interfaces: [], serial: true, rng: false };
const disk = (file: string): MachineShape => ({ ...bare, disks: [{ name: 'vda', location: `/p/${file}`, format: 'Raw' }] });
const machineOf = (nativeName: string, shape: MachineShape, more: Partial<Machine> = {}): Machine => ({
  id: nativeName as MachineId,
  uuid: '11111111-2222-4333-8444-555555555501',
  nativeName,
  power: { state: 'On', reason: 'Booted' },
  hardware: {},
  found: { shape, kept: [] },
  ...more,
});
const inventoryOf = (machines: readonly Machine[], volumes: readonly Volume[] = []): Inventory => ({
  pools: [{ pool, volumes }],
  networks: [network],
  machines,
  unread: [],
});
const meta = { name: 'one', uid: 'x', resourceVersion: '1', generation: 1, creationTimestamp: '2026-01-01T00:00:00Z' };
interface Grant {
  readonly name: string;
  readonly networks?: readonly string[];
  readonly volumes?: readonly string[];
}
const wish = { hypervisor: 'one', uri: 'qemu:///system', namespace: 'default', machines: [] };
const objectsIn = (inventory: Inventory, machines: readonly string[] = []) => {
  const { files, left } = manifestsOf(inventory, { ...wish, machines });
  const objects = files.flatMap(
    ({ objects }) => objects as readonly { readonly kind: string; readonly metadata: { readonly name: string } }[],
  );
  return { left, objects, of: (kind: string) => objects.filter((one) => one.kind === kind) };
};

t.test('pools, networks, volumes and machines, each granted to be what it is already', async (t) => {
  const { of, left } = objectsIn(inventoryOf([machineOf('Web Server', disk('web.img'))], [volumeOf('web.img'), volumeOf('spare.qcow2')]));
  t.strictSame(left, []);
  t.match(of('StoragePool'), [{ metadata: { name: 'default-pool' }, spec: { existing: { name: 'Default Pool' } } }]);
  t.match(of('VirtualNetwork'), [{ spec: { existing: { name: 'default' } } }]);
  t.match(of('Hypervisor'), [
    { spec: { grants: [{ networks: ['default'], machines: [/^1111/], volumes: ['default-pool/web.img', 'default-pool/spare.qcow2'] }] } },
  ]);
  t.match(of('VirtualMachine'), [
    {
      metadata: { name: 'web-server', annotations: { 'virtwright.io/adopt': 'true' } },
      spec: {
        runStrategy: 'Always',
        placement: { hypervisorRef: { name: 'one' } },
        disks: [{ name: 'vda', volumeRef: { name: 'web-img' } }],
      },
    },
  ]);
  t.match(of('StorageVolume'), [
    // As the machine has it, whatever it looks like.
    {
      metadata: { name: 'web-img', annotations: { 'virtwright.io/adopt': 'web.img' } },
      spec: { size: '8Mi', format: 'Raw', reclaimPolicy: 'Retain' },
    },
    { metadata: { name: 'spare-qcow2' }, spec: { format: 'Qcow2' } },
  ]);
});

t.test('what a machine writes to that is left out is offered to nobody', async (t) => {
  const theirs = { mark: { owner: { cluster: 'c', namespace: 'x', name: 'db', uid: 'u' }, record: '' } };
  const reader = { ...bare, cdroms: [{ name: 'sda', location: '/p/disc.iso' }] };
  const { of, left } = objectsIn(
    inventoryOf(
      [machineOf('web', disk('web.img')), machineOf('db', disk('db.img'), theirs), machineOf('reader', reader, theirs)],
      ['web.img', 'db.img', 'disc.iso', 'spare.img'].map((name) => volumeOf(name)),
    ),
  );
  t.strictSame(
    of('StorageVolume').map(({ metadata: { name } }) => name),
    ['web-img', 'disc-iso', 'spare-img'],
  );
  t.ok(left.includes('volume db.img of pool Default Pool: machine db has it, which is left out'), left.join('\n'));
  t.notMatch(JSON.stringify(of('Hypervisor')), /db\.img/);
});

t.test('however much there is, only what is imported is granted', async (t) => {
  const count = 2_100;
  const volumes = Array.from({ length: count }, (_, at) => volumeOf(`v${at}.img`));
  const networks = Array.from({ length: 70 }, (_, at) => ({ ...network, nativeName: `n${at}` }));
  const { of, left } = objectsIn({ ...inventoryOf([], volumes), networks });
  const [host] = of('Hypervisor') as unknown as readonly { readonly spec: { readonly grants: readonly Grant[] } }[];
  const { grants = [] } = host?.spec ?? {};
  t.strictSame(
    grants.map(({ name, networks = [], volumes = [] }) => [name, networks.length, volumes.length]),
    [
      ['imported', 64, 1_000],
      ['imported-2', 6, 1_000],
    ],
  );
  t.notOk(grants.some(({ volumes = [] }) => volumes.includes('*')));
  t.match(left, [/^grants: 100 of 2100 volumes, as import names 2000 at most; add them to spec\.grants\[\]\.volumes/]);
  t.doesNotThrow(() => decode('Hypervisor', structuredClone({ ...host, metadata: { ...meta } })));
});

t.test('one that is named brings only what it needs', async (t) => {
  const inventory = inventoryOf(
    [machineOf('web', disk('web.img')), machineOf('db', disk('db.img'))],
    [volumeOf('web.img'), volumeOf('db.img')],
  );
  const { of, left } = objectsIn(inventory, ['web', 'gone']);
  t.strictSame(
    [of('VirtualMachine'), of('StorageVolume')].map((found) => found.map(({ metadata: { name } }) => name)),
    [['web'], ['web-img']],
  );
  t.strictSame(left, ['machine gone: the host has none of this name or uuid']);
});

t.test('what Virtwright made for others is theirs, and credentials are asked for', async (t) => {
  const volumes = [
    volumeOf('shop.data-1a2b3c4d'),
    volumeOf('shop.web-1a2b3c4d.seed-abc'),
    volumeOf('theirs.img.incomplete'),
    volumeOf('theirs.img'),
  ];
  const { of, left } = objectsIn(inventoryOf([], volumes));
  t.strictSame(
    of('StorageVolume').map(({ metadata: { name } }) => name),
    ['theirs-img'],
  );
  t.equal(left.length, 3);
  const { files } = manifestsOf(inventoryOf([]), { ...wish, hasCredentials: true });
  t.match(files[0], { objects: [{ spec: { credentialsSecretName: 'one' } }], comments: [String, /kubectl create secret generic one /] });
});

t.test('what cannot be said is left out, and why is told', async (t) => {
  const owner = { cluster: 'here', namespace: 'shop', name: 'ours', uid: 'u' };
  const { found: _, ...transient } = machineOf('transient', bare);
  const { left, of } = objectsIn(
    inventoryOf(
      [
        machineOf('a', disk('shared.img')),
        machineOf('b', disk('shared.img')),
        machineOf('elsewhere', disk('not-there.img')),
        machineOf('linked', disk('linked.qcow2')),
        machineOf('locked', disk('locked.img')),
        machineOf('ours', bare, { mark: { owner, record: '' } }),
        transient,
      ],
      [
        ...[volumeOf('shared.img'), volumeOf('linked.qcow2', { base: '/p/base.qcow2' })],
        ...['locked.img', 'hidden.img'].map((name) => volumeOf(name, { unread: 'access denied; let it in' })),
      ],
    ),
  );
  t.strictSame(
    of('VirtualMachine').map(({ metadata: { name } }) => name),
    ['a'],
  );
  t.match(left, [
    'machine b: /p/shared.img is a disk of machine a, too',
    /^machine elsewhere: \/p\/not-there.img is in no active pool of the host/,
    /^machine linked: \/p\/linked.qcow2 keeps only what differs from \/p\/base.qcow2/,
    'machine locked: /p/locked.img cannot be read: access denied; let it in',
    'machine ours: it is VirtualMachine shop/ours of cluster "here"',
    /^machine transient: the host has no definition of it/,
    'volume hidden.img of pool Default Pool: access denied; let it in',
    'volume linked.qcow2 of pool Default Pool: machine linked has it, which is left out',
    'volume locked.img of pool Default Pool: machine locked has it, which is left out',
  ]);
});

t.test('a disc is a volume of its own where its pool makes none of its format, and machines share it', async (t) => {
  const disks = { ...pool, formats: ['Vhdx' as const] };
  const reader = { ...bare, cdroms: [{ name: 'ide1-0', location: '/p/tools.iso' }] };
  const volumes = [volumeOf('tools.iso', { format: 'Raw', sizeBytes: 5 << 20 }), volumeOf('x.vmdk', { format: 'Vmdk' })];
  const machines = [machineOf('web', reader), machineOf('db', reader)];
  const { of, left } = objectsIn({ ...inventoryOf(machines), pools: [{ pool: disks, volumes }] });
  t.same(left, ['volume x.vmdk of pool Default Pool: it is Vmdk, of 8388608 bytes']);
  t.match(of('VirtualMachine'), Array(2).fill({ spec: { disks: [{ name: 'ide1-0', cdrom: { volumeRef: { name: 'tools-iso' } } }] } }));
  t.match(of('StorageVolume'), [
    { metadata: { annotations: { 'virtwright.io/adopt': 'tools.iso' } }, spec: { format: 'Raw', size: '5Mi', reclaimPolicy: 'Retain' } },
  ]);
});

t.test('what people can do about a disk is said with the tools of its host', async (t) => {
  const machines = [machineOf('elsewhere', disk('not-there.img')), machineOf('linked', disk('linked.qcow2'))];
  const inventory = inventoryOf(machines, [volumeOf('linked.qcow2', { base: '/p/base.qcow2' })]);
  const leftOn = (uri: string) => manifestsOf(inventory, { ...wish, uri }).left.join('\n');
  t.match(leftOn('qemu+ssh://one/system'), /virsh pool-define-as\n.*virsh blockpull/);
  t.match(
    leftOn('hyperv://one'),
    /directly below a drive's root, which is neither hidden nor.*; take out a disc.*\n.*Hyper-V Manager [(]Edit Disk[)]/,
  );
  t.match(leftOn('ESX://one'), /datastore.*\n.*vmkfstools -i/);
  for (const uri of ['hyperv://one/?transport=http', 'esx://one', 'vpx://one']) t.notMatch(leftOn(uri), /virsh/);
});

t.test('what the API does not take is left out by name, and with it nothing that it needs is taken', async (t) => {
  const disks = (count: number) =>
    Array.from({ length: count }, (_, at) => ({ name: `d${at}`, location: `/p/d${at}`, format: 'Raw' as const }));
  const [one] = disks(1);
  if (one === undefined) throw new Error('a disk');
  const shapes: Readonly<Record<string, Partial<MachineShape>>> = {
    capitals: { disks: [{ ...one, name: 'myDisk1' }] },
    directory: { disks: [{ ...one, location: '/p/dir', format: 'Directory' }] },
    endless: { memoryBytes: 2 ** 63 },
    lost: { interfaces: [{ name: 'nic0', network: 'gone' }] },
    many: { disks: disks(25) },
    same: { disks: [one, { ...one, location: '/p/d1' }] },
    told: { seed: { kind: 'Ignition', location: '/etc/config.ign' } },
    twice: { disks: [one, { ...one, name: 'd1' }] },
  };
  const machines = Object.entries(shapes).map(([name, shape]) => machineOf(name, { ...bare, ...shape }));
  const { left, of } = objectsIn(
    inventoryOf(
      machines,
      ['dir', ...disks(25).map(({ name }) => name)].map((name) => volumeOf(name)),
    ),
    Object.keys(shapes),
  );
  t.strictSame([of('VirtualMachine'), of('StorageVolume')], [[], []]);
  t.match(left, [
    /^machine capitals: spec.disks\[0\].name is "myDisk1", accepted: /,
    /^machine directory: \/p\/dir: it is Directory/,
    /^machine endless: it has 9223372036854776000 bytes of memory/,
    'machine lost: interface nic0 is on network gone, which the host does not have',
    /^machine many: spec.disks is .*accepted: NOT have more than 24 items/,
    /^machine same: two of its disks are called d0/,
    /^machine told: what its guest is told at its first boot \(Ignition\) is in \/etc\/config.ign/,
    /^machine twice: \/p\/d0 is two of its disks/,
  ]);
});

t.test('names are such as Kubernetes takes, each once', async (t) => {
  const { of } = objectsIn(inventoryOf(['Web', 'web', 'WEB!', '---', 'ünï'].map((name) => machineOf(name, bare))));
  const names = of('VirtualMachine').map(({ metadata: { name } }) => name);
  t.equal(new Set(names).size, 5);
  for (const name of names) t.match(name, /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 300 }),
      (native) => /^[a-z0-9]([-a-z0-9]{0,49})$/.test(labelOf(native)) && !labelOf(native).endsWith('-'),
    ),
  );
});

const mib = fc.integer({ min: 1, max: 1 << 20 }).map((count) => count * 2 ** 20);
const optional = <K extends string, V>(name: K, value: fc.Arbitrary<V>) =>
  fc.option(
    value.map((one) => ({ [name]: one })),
    { nil: {} },
  );
const some = <const V extends readonly string[]>(...values: V) => fc.constantFrom(...values);
const disks = fc.uniqueArray(
  fc
    .tuple(
      some('vda', 'vdb', 'sda', 'sdb', 'hda'),
      optional('bus', some('VirtioBlk', 'VirtioScsi', 'SATA')),
      optional('cache', some('None', 'WriteBack')),
      optional('io', some('Native', 'Threads')),
      optional('discard', some('Ignore', 'Unmap')),
      optional('serial', some('abc', 'S-1')),
      optional('limits', fc.record({ readIops: fc.integer({ min: 1, max: 9999 }), totalBytes: fc.integer({ min: 1, max: 2 ** 40 }) })),
      some('Raw', 'Qcow2'),
    )
    .map(([name, ...parts]) => ({ name, location: `/p/${name}`, format: parts.at(-1), ...Object.assign({}, ...parts.slice(0, -1)) })),
  { selector: ({ name }) => name, maxLength: 4 },
);
const interfaces = fc.uniqueArray(
  fc
    .tuple(
      some('nic0', 'nic1', 'nic2'),
      optional('model', some('Virtio', 'E1000e')),
      optional('mtu', fc.integer({ min: 68, max: 65_535 })),
      optional('linkState', fc.constant('Down')),
    )
    .map(([name, ...parts]) => ({ name, network: 'default', macAddress: '52:54:00:aa:bb:01', ...Object.assign({}, ...parts) })),
  { selector: ({ name }) => name, maxLength: 3 },
);
const shapes: fc.Arbitrary<MachineShape> = fc
  .tuple(
    fc.record({ cpuCount: fc.integer({ min: 1, max: 64 }), memoryBytes: mib, serial: fc.boolean(), rng: fc.boolean(), disks, interfaces }),
    optional('maxCpuCount', fc.integer({ min: 65, max: 128 })),
    optional('maxMemoryBytes', fc.constant(2 ** 41)),
    optional('minMemoryBytes', fc.constant(2 ** 20)),
    some('BIOS', 'UEFI').map((firmware) => ({ firmware })),
    optional('tpm', fc.constant('V2')),
    optional('guestAgent', fc.constant(true)),
    optional('graphics', fc.constant({ type: 'VNC', password: 'geheim' })),
  )
  .map((parts) => Object.assign({}, ...parts));

t.test('property: of what a manifest says, nothing differs from what is there', async (t) => {
  const called = { volume: (location: string) => location.slice(3), network: (name: string) => name };
  fc.assert(
    fc.property(shapes, (shape) => {
      const written = {
        apiVersion: 'virtwright.io/v1alpha1',
        kind: 'VirtualMachine',
        metadata: { name: 'x', namespace: 'y', uid: 'u', resourceVersion: '1', generation: 1, creationTimestamp: '2026-01-01T00:00:00Z' },
      };
      const { spec } = decode(
        'VirtualMachine',
        structuredClone({ ...written, spec: specOf(shape, { state: 'Off', reason: 'Guest' }, called) }),
      );
      const asked: MachineShape = {
        ...plainHardware(spec),
        disks: (spec.disks ?? []).map((one, at) => ({
          ...diskHardware(one),
          location: `/p/${one.volumeRef?.name}`,
          format: shape.disks[at]?.format ?? 'Raw',
        })),
        interfaces: (spec.interfaces ?? []).map((one) => ({ ...interfaceHardware(one), network: one.networkRef.name })),
      };
      return fieldsOf(differences(shape, asked)).length === 0 && !JSON.stringify(spec).includes('geheim');
    }),
  );
  t.pass();
});
