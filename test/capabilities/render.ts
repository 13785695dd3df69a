import { askedOfPool } from '#controllers/storage-pool-instance/plan.js';
import { asked } from '#controllers/virtual-machine/asked.js';
import { askedOfNetwork } from '#controllers/virtual-network-instance/plan.js';
import type { Capability } from '#drivers/driver.js';
import { driverFields, ownFields, type Proof, proofs } from './fields.js';

/** A driver, as a host described it through it. */
export interface Column {
  readonly name: string;
  readonly capabilities: readonly Capability[];
  readonly facets: readonly string[];
}

export const facets = [
  'host',
  'machines',
  'power',
  'live',
  'pools',
  'volumes',
  'networks',
  'consoles',
  'guests',
  'events',
  'stats',
] as const;

/** What differs from host to host is told as a rule, so that the page is the same wherever it is made. What a simulator says is the same everywhere. */
const hostsOwn: Readonly<Record<string, string>> = {
  accelerator: '`KVM` where a machine under it came through its firmware, else `TCG`',
  'firmware.type': '`BIOS`, and `UEFI` where the host has firmware for it',
  'cpu.count': '1 to what the machine type takes',
  'cpu.maxCount': '1 to what the machine type takes',
  'memory.maxSize': 'whole MiB, up to what the host has',
  'memory.size': 'whole MiB, up to what the host has',
};

const subnet = { address: '', prefix: 24, ranges: [], hosts: [] };
const wholeNetwork = { mtu: 1500, vlan: 40, ipv4: subnet, ipv6: subnet, domain: 'shop.internal' };

/** What a machine that asks for everything asks of its host, a pool of each kind, and a network. */
const checked: ReadonlySet<string> = new Set(
  [
    ...(['cloudInit', 'ignition', 'sysprep'] as const).map((field) => ({ field })),
    ...(['directory', 'filesystem', 'nfs', 'gluster', 'lvm', 'zfs', 'disk', 'iscsi', 'rbd', 'existing'] as const).map(askedOfPool),
    ...askedOfNetwork({ kind: 'existing' }),
    ...askedOfNetwork({ kind: 'own', definition: { ...wholeNetwork, forward: { mode: 'NAT' }, records: [] } }),
    ...asked({
      nativeName: 'shop.db',
      cpuCount: 1,
      maxCpuCount: 1,
      memoryBytes: 1,
      maxMemoryBytes: 1,
      firmware: 'BIOS',
      boot: { kernel: '/kernel' },
      bootOrder: [],
      disks: [
        {
          name: 'root',
          location: '/disk',
          format: 'Raw',
          bus: 'VirtioBlk',
          serial: 'serial',
          cache: 'None',
          io: 'Native',
          discard: 'Unmap',
          limits: {},
        },
      ],
      cdroms: [{ name: 'drive' }],
      interfaces: [{ name: 'lan', network: 'lan', model: 'Virtio', macAddress: '52:54:00:12:34:56', mtu: 1500, linkState: 'Down' }],
      serial: true,
      serialLog: '/a.console',
      rng: true,
      guestAgent: true,
      secureBoot: true,
      tpm: 'V2',
      graphics: { type: 'VNC', password: 'password' },
      vsphere: { guestId: 'debian12_64Guest' },
    }),
  ].map(({ field }) => field),
);

const yes = 'yes';
const no = 'not told';

export function renderCapabilities(columns: readonly Column[], libvirt: string): string {
  const named = [...new Set(columns.flatMap(({ capabilities }) => capabilities.map(({ field }) => field)))].sort();
  return [
    '# What each driver accepts',
    '',
    'Made by `node dist/test/capabilities/generate.js` from what hosts say through their drivers, as in `Hypervisor.status.capabilities`. What is',
    'checked is compared with a machine, a pool or a network before it is used, and one that asks for what its host does not tell is',
    'refused, by the name of the field. `Live` and `Hotplug` say what a change takes in a machine that runs; elsewhere it waits for the next start.',
    'Of `disks` and `interfaces` it is about adding and removing them. The rest is told for people. What proves a line is run in every test run.',
    '',
    `The column of libvirt is what ${libvirt} said.`,
    '',
    ...table(
      ['capability', ...columns.map(({ name }) => name), 'checked', 'proof'],
      named.map((field) => [
        `\`${field}\``,
        ...columns.map((column) => accepted(column, field)),
        checked.has(field) ? yes : 'no',
        proofsOf(field),
      ]),
    ),
    '',
    '## Facets',
    '',
    'A facet that a host does not have is a fact, not an error: what needs it is refused.',
    '',
    ...table(
      ['facet', ...columns.map(({ name }) => name)],
      facets.map((facet) => [facet, ...columns.map((column) => (column.facets.includes(facet) ? yes : 'absent'))]),
    ),
    '',
    '## Fields',
    '',
    'Each field of a spec that needs something of the host, and the capability it needs:',
    '',
    ...driverFields.map(({ field, capability }) => `- \`${field}\`: \`${capability}\``),
    '',
    'The same on every host:',
    '',
    ...ownFields.map((field) => `- \`${field}\``),
    '',
  ].join('\n');
}

function accepted(column: Column, field: string): string {
  const found = column.capabilities.find((one) => one.field === field);
  if (found === undefined) return no;
  const words = inWords(column, found);
  return found.change === undefined ? words : `${words}; ${found.change}`;
}

function inWords({ name }: Column, found: Capability): string {
  const { field } = found;
  const rule = hostsOwn[field];
  if (rule !== undefined && name.startsWith('libvirt')) return rule;
  const { values, min, max } = found;
  if (values !== undefined) return values.map((value) => `\`${value}\``).join(', ');
  if (min !== undefined || max !== undefined)
    return [min, max]
      .map((bound) => bound ?? '')
      .join(' to ')
      .replace(/^ to /, 'up to ');
  return yes;
}

const proofsOf = (field: string): string =>
  (proofs[field] ?? [])
    .map(({ file, sentence, untested }: Proof) => `${untested ? 'untested but for its XML, ' : ''}${file}: “${sentence.trim()}”`)
    .join('; ');

const table = (head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
