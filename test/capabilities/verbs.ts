import { claimed, none, notDone, untested, yes } from './cells.js';
import { type Column, makesMachines as hasMachines, isUntested, told } from './column.js';
import type { Evidence } from './evidence.js';
import { isInLibvirt, type LibvirtColumn, matrix } from './matrix.js';

/** Something that can be asked of a machine or its host, in the API's words. */
interface Verb {
  readonly verb: string;
  /** The row of libvirt's matrix that says which of its drivers can be asked for it, or those drivers where no row does. */
  readonly row?: string;
  readonly drivers?: readonly LibvirtColumn[];
  /** Whether the driver claims it. */
  readonly isDone: (column: Column) => boolean;
  readonly isShown: (evidence: Evidence) => boolean;
  /** What it goes by. */
  readonly facet?: string;
}

type Shows = (evidence: Evidence) => boolean;

const tells = (field: string) => (column: Column) => told(column, field) !== undefined;
const has = (facet: string) => (column: Column) => column.facets.includes(facet);
const changes =
  (...fields: readonly string[]) =>
  (column: Column) =>
    has('live')(column) && fields.some((field) => told(column, field)?.change !== undefined);
/** Measured by libvirt, and reached by other ways. */
const hasOwnApi: ReadonlySet<LibvirtColumn> = new Set(['esx', 'hyperv']);

/** Reached by libvirt, and by a call that there is no way around. */
const called = (row: string) => (column: Column) =>
  column.libvirt === undefined || hasOwnApi.has(column.libvirt) || isInLibvirt(row, column.libvirt);
const both = (one: (column: Column) => boolean, other: (column: Column) => boolean) => (column: Column) => one(column) && other(column);

/** By calls of a driver, all of which did as they were asked. */
const calls =
  (...verbs: readonly string[]): Shows =>
  (evidence) =>
    verbs.every((verb) => evidence.verb(verb));
/** By a field that says the same. */
const asField =
  (field: string): Shows =>
  (evidence) =>
    evidence.field(field);
/** By any of them in what ran. */
const lived =
  (...fields: readonly string[]): Shows =>
  (evidence) =>
    fields.some((field) => evidence.live(field));

const verbs: readonly Verb[] = [
  {
    ...{ verb: 'make, change and forget a machine', row: 'define + undefine persistent' },
    ...{ isDone: hasMachines, isShown: calls('machines.define', 'machines.undefine') },
  },
  {
    ...{ verb: 'adopt a machine that others made, and release one', row: 'metadata get/set' },
    ...{ isDone: has('adoption'), isShown: calls('adoption.adopt', 'adoption.release') },
  },
  { verb: 'mark whose a machine is', row: 'metadata get/set', isDone: hasMachines, isShown: calls('machines.mark') },
  {
    ...{ verb: 'action Start; actions Stop and Restart with mode Hard', row: 'start / destroy' },
    ...{ isDone: hasMachines, isShown: calls('power.start', 'power.cut') },
  },
  { verb: 'action Stop with mode Soft or TrySoft', row: 'graceful shutdown', isDone: hasMachines, isShown: calls('power.press') },
  { verb: 'action Restart', row: 'reboot', isDone: hasMachines, isShown: calls('power.press', 'power.start') },
  {
    ...{ verb: 'actions Pause and Resume', row: 'suspend / resume (pause)', isDone: tells('power.pause') },
    isShown: (evidence) => evidence.field('power.pause') && evidence.verb('power.resume'),
  },
  { verb: 'action Reset', row: 'hard reset', isDone: tells('power.reset'), isShown: asField('power.reset') },
  { verb: 'action Save', row: 'managed save', isDone: tells('power.save'), isShown: asField('power.save') },
  ...(['create take', 'revert revert', 'delete remove'] as const).map((words) => {
    const [word = '', verb = ''] = words.split(' ');
    const row = `snapshot ${word}`;
    return { verb: `${row}, by its driver alone: no kind asks for it`, row, isDone: has('snapshots'), isShown: calls(`snapshots.${verb}`) };
  }),
  // Flag VIR_DOMAIN_START_PAUSED of virDomainCreateWithFlags, by libvirt's sources.
  {
    ...{ verb: 'start paused, for `runStrategy: Once`', drivers: ['qemu', 'libxl'] },
    ...{ isDone: tells('power.startPaused'), isShown: asField('power.startPaused') },
  },
  { verb: 'run strategies, in the place of autostart', row: 'autostart set', isDone: hasMachines, isShown: calls('power.start') },
  { verb: 'plug a disk or an interface in', row: 'attach device', isDone: changes('disks', 'interfaces'), isShown: calls('live.plug') },
  { verb: 'take one out', row: 'detach device', isDone: changes('disks', 'interfaces'), isShown: calls('live.unplug') },
  {
    ...{ verb: 'change one that is plugged in', row: 'update device' },
    isDone: changes('interfaces.network', 'interfaces.linkState', 'disks.cdrom'),
    isShown: lived('interfaces.network', 'interfaces.linkState', 'disks.cdrom'),
  },
  { verb: 'CPUs of a running machine', row: 'set vCPUs', isDone: changes('cpu.count'), isShown: lived('cpu.count') },
  { verb: 'memory of a running machine', row: 'set memory / balloon', isDone: changes('memory.size'), isShown: lived('memory.size') },
  { verb: 'room for memory to grow', row: 'set max memory', isDone: tells('memory.maxSize'), isShown: asField('memory.maxSize') },
  { verb: 'limits of a disk', row: 'per-disk io tune set', isDone: tells('disks.limits'), isShown: asField('disks.limits') },
  {
    ...{ verb: 'grow a disk of a running machine', row: 'live block resize' },
    ...{ isDone: tells('volumes.growAttached'), isShown: asField('volumes.growAttached') },
  },
  {
    ...{ verb: 'serial console', row: 'serial console stream' },
    ...{ isDone: both(has('consoles'), tells('devices.serial')), isShown: calls('consoles.open') },
  },
  {
    verb: 'screen, by VNC',
    drivers: ['qemu', 'libxl', 'vz', 'bhyve', 'esx'],
    isDone: both(has('consoles'), tells('devices.graphics.type')),
    isShown: calls('consoles.graphics'),
  },
  {
    verb: 'picture of the screen',
    row: 'screenshot',
    isDone: both(called('screenshot'), both(has('consoles'), tells('devices.graphics.type'))),
    isShown: calls('consoles.screenshot'),
  },
  { verb: 'addresses of a guest', row: 'guest IPs', isDone: has('guests'), isShown: calls('guests.addresses') },
  {
    ...{ verb: 'host name of a guest', row: 'guest hostname' },
    ...{ isDone: both(has('guests'), tells('devices.guestAgent')), isShown: calls('guests.hostname') },
  },
  {
    ...{ verb: 'system of a guest', row: 'guest info bulk' },
    ...{ isDone: both(has('guests'), tells('devices.guestAgent')), isShown: calls('guests.system') },
  },
  ...(['cpu', 'memory'] as const).map((kind) => ({
    verb: `figures of machines: ${kind}`,
    row: `${kind} stats`,
    isDone: both(has('stats'), hasMachines),
    isShown: calls(`stats.${kind}`),
    facet: 'stats',
  })),
  { verb: 'figures of machines: block', row: 'block stats', isDone: tells('stats.block'), isShown: asField('stats.block'), facet: 'stats' },
  { verb: 'figures of machines: NIC', row: 'NIC stats', isDone: tells('stats.network'), isShown: asField('stats.network'), facet: 'stats' },
  {
    ...{ verb: 'figures of all machines in one call', row: 'bulk stats' },
    ...{ isDone: both(called('bulk stats'), both(has('stats'), hasMachines)), isShown: calls('stats.read') },
  },
  { verb: 'events', row: 'events (any)', isDone: both(called('events (any)'), has('events')), isShown: calls('events.watch') },
  { verb: 'what the host is', row: 'node info', isDone: has('host'), isShown: calls('host.describe') },
  {
    verb: 'what its machines can be like',
    row: 'domain capabilities',
    isDone: ({ libvirt }) => libvirt === 'qemu' || libvirt === 'libxl' || libvirt === 'bhyve',
    isShown: calls('host.describe'),
  },
];

/** Whatever else libvirt can be asked: none of it is done. */
const others: readonly Verb[] = Object.keys(matrix.rows)
  .filter((row) => !verbs.some((verb) => verb.row === row))
  .map((row) => ({ verb: row, row, isDone: () => false, isShown: () => false }));

const canBeAsked = ({ libvirt }: Column, { row, drivers = [] }: Verb): boolean =>
  libvirt !== undefined && (row === undefined ? drivers.includes(libvirt) : isInLibvirt(row, libvirt));

const cellOf = (column: Column, verb: Verb): string => {
  if (hasMachines(column) && verb.facet !== undefined && isUntested(column, verb.facet)) return canBeAsked(column, verb) ? untested : none;
  if (verb.isDone(column)) return verb.isShown(column.evidence) ? yes : claimed;
  return canBeAsked(column, verb) ? notDone : none;
};

export const verbRows = (columns: readonly Column[]): readonly (readonly string[])[] =>
  [...verbs, ...others].map((verb) => [verb.verb, ...columns.map((column) => cellOf(column, verb))]);
