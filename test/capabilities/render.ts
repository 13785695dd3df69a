import { askedOfPool } from '#controllers/storage-pool-instance/plan.js';
import { asked } from '#controllers/virtual-machine/asked.js';
import { askedOfNetwork } from '#controllers/virtual-network-instance/plan.js';
import type { Capability } from '#drivers/driver.js';
import { type Column, facets, isSeenOnly, isUntested, told } from './column.js';
import { driverFields, ownFields, type Proof, proofs } from './fields.js';
import { type LibvirtColumn, matrix } from './matrix.js';
import { verbRows } from './verbs.js';

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
      xen: { mode: 'PV' },
      container: { root: '/root', init: ['/sbin/init'], mounts: [] },
    }),
  ].map(({ field }) => field),
);

const yes = 'yes';
const notDone = 'NOT DONE';
const untested = 'untested';
const seenOnly = 'seen only';
const none = '–';

export function renderCapabilities(columns: readonly Column[]): string {
  const named = [...new Set(columns.flatMap(({ capabilities }) => capabilities.map(({ field }) => field)))].sort();
  const names = columns.map(({ name }) => name);
  return [
    ...preface,
    ...table(
      ['host', 'what said so', 'proven on'],
      columns.map((column) => [column.name, column.said, `**${isSeenOnly(column) ? seenOnly : column.provenOn}**`]),
    ),
    '',
    '## Fields',
    '',
    'What a manifest can say, the capability that it needs of the host, and what hosts of each kind accept. `Live` and `Hotplug` say what a change takes in a machine that runs;',
    'elsewhere it waits for the next start. Of `disks` and `interfaces` it is about adding and removing them. What is checked is compared with a machine, a pool or a network before it is',
    'used, and one that asks for what its host does not tell is refused, by the name of the field.',
    '',
    ...table(
      ['capability', 'fields', ...names, 'checked'],
      named.map((field) => [
        `\`${field}\``,
        fieldsOf(field),
        ...columns.map((column) => accepted(column, field)),
        checked.has(field) ? yes : 'no',
      ]),
    ),
    '',
    'The same on every host, as Virtwright itself carries it out:',
    '',
    ...ownFields.map((field) => `- \`${field}\``),
    '',
    '## Verbs',
    '',
    'What can be asked of machines and hosts. From the first row that is done nowhere on, the words are those of libvirt’s matrix.',
    '',
    ...table(['verb', ...names], verbRows(columns)),
    '',
    '## Facets',
    '',
    'A facet that a host does not have is a fact, not an error: what needs it is refused. Of those that are untested, neither a recording nor the matrix says whether the host has them;',
    'of a host that is only seen, what would act on a machine is not done.',
    '',
    ...table(
      ['facet', ...names],
      facets.map((facet) => [facet, ...columns.map((column) => facetOf(column, facet))]),
    ),
    '',
    '## What shows it',
    '',
    'These tests, each a sentence of theirs. Those in test/contract run on every host that is proven on something real or simulated, each in a file of its own',
    '(`test/contract/<host>.test.ts`), which states what its host cannot do (`cannot`, `without`): a sentence that needs it is skipped there aloud, and shows nothing of that host.',
    'So are some sentences on a host that does not tell the capability. This table knows which sentences there are, and not where each was run: a run of the suite says that. What no',
    'host can show of itself is marked untested; of columns that stand on golden files, that are seen only or untested, no sentence here was run.',
    '',
    ...table(
      ['capability', 'proof'],
      named.map((field) => [field, proofsOf(field)]),
    ),
    '',
  ].join('\n');
}

const preface = [
  '# What each kind of host accepts',
  '',
  'Made by `node dist/test/capabilities/generate.js` from what hosts say through their drivers, as in `Hypervisor.status.capabilities`; of hosts that no test has, from recordings',
  `of what such daemons say. What can be had is measured by libvirt’s own matrix (${matrix.source}):`,
  '',
  `- \`${none}\`: libvirt’s driver for such hosts has it not, or there is no such thing there;`,
  `- \`${notDone}\`: it could be had, and Virtwright does not do it so far;`,
  `- \`${untested}\`: the driver takes it for there, and nothing says whether it is.`,
  '',
  'Nothing was run on what is untested or proven on golden files alone. Virtuozzo and VirtualBox by libvirt keep no word of whose a machine is: what is there is seen, none is made, and all that they could do stands as not done, or as untested where the driver takes pools, volumes and networks for there.',
  '',
];

const fieldsOf = (capability: string): string =>
  driverFields
    .filter((row) => row.capability === capability)
    .map(({ field }) => `\`${field}\``)
    .join(', ');

function accepted(column: Column, field: string): string {
  const found = told(column, field);
  if (found === undefined) return lacks(column, field) ? none : notDone;
  if (isUntested(column, field.split('.')[0] ?? '')) return untested;
  const words = inWords(column, found);
  return found.change === undefined ? words : `${words}; ${found.change}`;
}

const looks: ReadonlySet<string> = new Set(['host', 'machines', 'events']);

function facetOf(column: Column, facet: string): string {
  if (!column.facets.includes(facet)) return 'absent';
  if (isUntested(column, facet)) return untested;
  if (!isSeenOnly(column)) return yes;
  return looks.has(facet) ? seenOnly : notDone;
}

/** Only QEMU has a choice of accelerators, and a block that is named after a hypervisor is of that one alone. */
function lacks({ libvirt, lacks: those = [] }: Column, field: string): boolean {
  const block = blocks[field.split('.')[0] ?? ''];
  return field === 'accelerator' || those.includes(field) || (block !== undefined && block !== libvirt);
}

const blocks: Readonly<Record<string, LibvirtColumn>> = { container: 'lxc', xen: 'libxl', vsphere: 'esx', hyperv: 'hyperv' };

function inWords({ isOneOfMany }: Column, found: Capability): string {
  const { field } = found;
  const rule = hostsOwn[field];
  if (rule !== undefined && (isOneOfMany === true || isOneOfMany?.includes(field))) return rule;
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
