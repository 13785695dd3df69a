import { formatBytes } from '#crds/quantity.js';
import type { Hypervisor, HypervisorStatus, HypervisorStatusCapability, HypervisorStatusUnowned, VirtualMachine } from '#crds/types.js';
import type { Capability, HostDescription, Machine, MachineShape } from '#drivers/driver.js';
import type { DriverError } from '#drivers/error.js';
import { conditions, type Finding, isFalse, isTrue, readiness, type Standing } from '../conditions.js';
import { inWords } from '../fit.js';
import { outOfService, outOfServiceAnnotation, stoodBack } from '../out-of-service.js';

export interface HostFindings {
  readonly description?: HostDescription;
  readonly failure?: DriverError;
  readonly strays: readonly VirtualMachineRef[];
  readonly unowned?: HypervisorStatusUnowned;
  /** The agent does nothing there, reached or not: the host is out of service. */
  readonly standsBack?: boolean;
  /** Of a Hypervisor that is to go: what is on it by our objects, and holds it. */
  readonly left?: readonly string[];
}

type VirtualMachineRef = { readonly namespace: string; readonly name: string; readonly uid: string };

const mostStraysNamed = 512;

/** What the agent of a host says of it. Pure. */
export function reportHost(
  { metadata, status: before }: Hypervisor,
  { description, failure, strays, unowned, standsBack = false, left = [] }: HostFindings,
  now: number,
): HypervisorStatus {
  const lost = failure !== undefined || description === undefined;
  return {
    observedGeneration: metadata.generation,
    ...(description === undefined ? kept(before) : described(description)),
    ...(lost
      ? before?.strays === undefined
        ? {}
        : { strays: before.strays }
      : { strays: { count: strays.length, machines: [...strays].sort(byName).slice(0, mostStraysNamed) }, ...(unowned && { unowned }) }),
    ...(before?.orphans === undefined ? {} : { orphans: before.orphans }),
    ...(before?.maintenance === undefined ? {} : { maintenance: before.maintenance }),
    conditions: conditions(before?.conditions, metadata.generation, now, {
      ...readiness(stands(before, { lost, failure, standsBack, left })),
      Connected: lost ? isFalse(standsBack ? stoodBack : (failure?.code ?? 'Connecting'), failure?.message) : isTrue('Connected'),
      ...wordKept(before),
    }),
  };
}

interface Situation {
  readonly lost: boolean;
  readonly failure: DriverError | undefined;
  readonly standsBack: boolean;
  readonly left: readonly string[];
}

function stands(before: HypervisorStatus | undefined, { lost, failure, standsBack, left }: Situation): Standing {
  if (standsBack) return { kind: 'stalled', reason: outOfService, message: standingBack(before?.orphans?.count ?? 0) };
  if (!lost && left.length > 0)
    return { kind: 'reconciling', reason: 'Deleting', message: `waiting for what is on it to be deleted: ${inShort(left)}` };
  if (!lost) return { kind: 'ready', reason: 'Connected', message: '' };
  return {
    kind: failure?.verdict === 'stall' ? 'stalled' : 'reconciling',
    reason: failure?.code ?? 'Connecting',
    message: failure?.message ?? 'not connected yet',
  };
}

const standingBack = (orphans: number): string =>
  `it is out of service: nothing is placed, started or changed there until the annotation ${outOfServiceAnnotation} is taken away${
    orphans === 0 ? '' : `; ${orphans} orphans are left on it`
  }`;

/** What the controller made of somebody's word. */
function wordKept(before: HypervisorStatus | undefined): Readonly<Record<string, Finding>> {
  const word = before?.conditions?.find(({ type }) => type === outOfService);
  return word === undefined ? {} : { [outOfService]: { status: word.status, reason: word.reason, message: word.message } };
}

const mostLeftNamed = 5;

const inShort = (left: readonly string[]): string =>
  left.length > mostLeftNamed ? `${left.slice(0, mostLeftNamed).join(', ')} and ${left.length - mostLeftNamed} more` : left.join(', ');

const byName = (a: VirtualMachineRef, b: VirtualMachineRef): number => `${a.namespace}/${a.name}`.localeCompare(`${b.namespace}/${b.name}`);

const kept = ({ hypervisor, versions, architecture, capacity, provenOn, capabilities }: HypervisorStatus = {}): HypervisorStatus => ({
  ...(hypervisor === undefined ? {} : { hypervisor }),
  ...(versions === undefined ? {} : { versions }),
  ...(architecture === undefined ? {} : { architecture }),
  ...(capacity === undefined ? {} : { capacity }),
  ...(provenOn === undefined ? {} : { provenOn }),
  ...(capabilities === undefined ? {} : { capabilities }),
});

const described = ({
  hypervisor,
  versions,
  architecture,
  cpuCount,
  memoryBytes,
  provenOn,
  capabilities,
}: HostDescription): HypervisorStatus => ({
  hypervisor,
  versions,
  architecture,
  capacity: { cpuCount, memory: formatBytes(memoryBytes) },
  provenOn,
  capabilities: capabilities.map(publish),
});

/** Sizes in bytes are told as such; other numbers as they are. Both travel as strings. */
const publish = ({ field, values, min, max, required, reason, change, within }: Capability): HypervisorStatusCapability => ({
  field,
  ...(values === undefined ? {} : { values }),
  ...(min === undefined ? {} : { min: inWords(field, min) }),
  ...(max === undefined ? {} : { max: inWords(field, max) }),
  ...(change === undefined ? {} : { change }),
  ...(required === undefined ? {} : { required }),
  ...(within === undefined ? {} : { within }),
  ...(reason === undefined ? {} : { reason }),
});

/**
 * Those to tell of: beside a machine that was never read, what was told before is told still, unless it has an object by now. It may be that machine.
 */
export function straysToTell(
  { status }: Hypervisor,
  { machines, unseen }: { readonly machines: readonly Machine[]; readonly unseen: readonly unknown[] },
  cluster: string,
  byUid: (uid: string) => readonly VirtualMachine[],
): readonly VirtualMachineRef[] {
  const letGo = status?.orphans?.objects ?? [];
  const seen = straysOf(machines, cluster, byUid).filter(({ uid }) => !letGo.some((one) => one.uid === uid));
  if (unseen.length === 0) return seen;
  const told = status?.strays?.machines ?? [];
  return [...seen, ...told.filter(({ uid }) => byUid(uid).length === 0 && !seen.some((one) => one.uid === uid))];
}

/** Machines that carry this cluster's mark and belong to no object: what a restore or a lost cluster leaves behind. */
export function straysOf(
  machines: readonly Machine[],
  cluster: string,
  byUid: (uid: string) => readonly VirtualMachine[],
): readonly VirtualMachineRef[] {
  return machines.flatMap(({ mark }) => {
    if (mark === undefined || mark.owner.cluster !== cluster || byUid(mark.owner.uid).length > 0) return [];
    const { namespace, name, uid } = mark.owner;
    return [{ namespace, name, uid }];
  });
}

/** What runs on the host and is no machine of an object that is bound here: it has its share, whoever made it. */
export function unownedOf(
  machines: readonly Machine[],
  cluster: string,
  byUid: (uid: string) => readonly VirtualMachine[],
): HypervisorStatusUnowned {
  const isOurs = ({ mark }: Machine) => mark?.owner.cluster === cluster && byUid(mark.owner.uid).length > 0;
  const shapes = machines.filter((machine) => machine.power.state !== 'Off' && !isOurs(machine)).map(shapeOf);
  const sum = (of: (shape: Shape) => number) => shapes.reduce((all, shape) => all + of(shape), 0);
  return { count: shapes.length, cpuCount: sum(({ cpuCount }) => cpuCount), memory: formatBytes(sum(({ memoryBytes }) => memoryBytes)) };
}

type Shape = Pick<MachineShape, 'cpuCount' | 'memoryBytes'>;

/** What a balloon has taken from a guest it may give back. */
const shapeOf = ({ configured, live }: Machine): Shape => ({
  cpuCount: Math.max(configured?.cpuCount ?? 0, live?.cpuCount ?? 0),
  memoryBytes: Math.max(configured?.memoryBytes ?? 0, live?.memoryBytes ?? 0),
});
