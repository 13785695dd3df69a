import { parseQuantity } from '#crds/quantity.js';
import type { Hypervisor, StoragePoolInstance, StorageVolume, VirtualMachine, VirtualNetworkInstance } from '#crds/types.js';
import type { Capability } from '#drivers/driver.js';
import { boundTo } from '../bound.js';
import { isReady } from '../conditions.js';
import { type Asked, describeUnfit, unfit } from '../fit.js';
import { nativeName } from '../host/scope.js';
import { matches } from '../namespaces.js';
import { networksOf, volumeOfDisk } from '../stores.js';
import { asked } from '../virtual-machine/asked.js';
import { cdromHardware, diskHardware, interfaceHardware, plainHardware } from '../virtual-machine/hardware.js';
import { seedFields, seedKind } from '../virtual-machine/seed-kind.js';

export interface Rejection {
  readonly hypervisor: string;
  readonly reason: string;
  readonly message: string;
}

export type Choice =
  | { readonly kind: 'place'; readonly hypervisor: Hypervisor }
  | { readonly kind: 'none'; readonly reason: string; readonly message: string; readonly rejected: readonly Rejection[] };

export interface Candidates {
  readonly hypervisors: readonly Hypervisor[];
  /** Of the machine, those that exist. */
  readonly volumes: readonly StorageVolume[];
  /** The pool instance that a volume would have on this host, if it is not bound, or is in a shared store and can come here. */
  readonly instanceFor: (volume: StorageVolume, hypervisor: Hypervisor) => StoragePoolInstance | undefined;
  /** What a network of the machine's namespace is on this host. */
  readonly networkOn: (network: string, hypervisor: Hypervisor) => VirtualNetworkInstance | undefined;
  /** Whose MAC addresses it would have on a network of this host, each in words. */
  readonly duplicatesOn: (hypervisor: Hypervisor) => readonly string[];
  /** Machines bound to a host. */
  readonly load: (hypervisor: string) => number;
}

type Filter = (machine: VirtualMachine, hypervisor: Hypervisor, candidates: Candidates) => Omit<Rejection, 'hypervisor'> | undefined;

/** The host that fits, with the fewest machines; or why none does, host by host. Pure. */
export function choose(machine: VirtualMachine, candidates: Candidates): Choice {
  const meant = candidates.hypervisors.filter((hypervisor) => isMeant(machine, hypervisor));
  if (meant.length === 0) return { kind: 'none', reason: 'NoHypervisor', message: nobodyMeant(machine), rejected: [] };
  const unread = meant.find(({ status }) => status?.strays === undefined);
  if (unread !== undefined) {
    const message = `waiting for Hypervisor "${unread.metadata.name}" to report: until then nobody knows whether the machine runs there already`;
    return { kind: 'none', reason: 'WaitingForHypervisor', message, rejected: [] };
  }
  const restored = restoredOrCopied(machine, meant);
  if (restored !== undefined) return { kind: 'none', reason: 'RestoredOrCopied', message: restored, rejected: [] };
  const judged = meant.map((hypervisor) => ({ hypervisor, rejection: reject(machine, hypervisor, candidates) }));
  const [best] = judged
    .filter(({ rejection }) => rejection === undefined)
    .map(({ hypervisor }) => hypervisor)
    .sort((a, b) => candidates.load(a.metadata.name) - candidates.load(b.metadata.name) || a.metadata.name.localeCompare(b.metadata.name));
  if (best !== undefined) return { kind: 'place', hypervisor: best };
  const rejected = judged.flatMap(({ hypervisor, rejection }) =>
    rejection === undefined ? [] : [{ hypervisor: hypervisor.metadata.name, ...rejection }],
  );
  const words = rejected.map(({ hypervisor, message }) => `${hypervisor}: ${message}`).join('; ');
  return { kind: 'none', reason: 'Unschedulable', message: words, rejected: rejected.slice(0, 10) };
}

function isMeant({ spec }: VirtualMachine, { metadata }: Hypervisor): boolean {
  const { hypervisorRef, hypervisorSelector } = spec.placement ?? {};
  if (metadata.deletionTimestamp !== undefined) return false;
  if (hypervisorRef !== undefined) return hypervisorRef.name === metadata.name;
  return hypervisorSelector === undefined || matches(metadata.labels, hypervisorSelector.matchLabels);
}

function nobodyMeant({ spec }: VirtualMachine): string {
  const { hypervisorRef, hypervisorSelector } = spec.placement ?? {};
  if (hypervisorRef !== undefined) return `waiting for Hypervisor "${hypervisorRef.name}": there is none`;
  if (hypervisorSelector === undefined) return 'there is no Hypervisor yet';
  return `no Hypervisor has the labels ${JSON.stringify(hypervisorSelector.matchLabels)}`;
}

/** An object that says it is bound elsewhere, or whose machine runs on a host already, was restored or copied. */
function restoredOrCopied(machine: VirtualMachine, meant: readonly Hypervisor[]): string | undefined {
  const { namespace, name, uid } = machine.metadata;
  const word = machine.metadata.annotations?.['virtwright.io/take-over'];
  const bound = boundTo(machine);
  if (bound !== undefined && bound.uid !== uid && word !== bound.uid) {
    return `this object was restored or copied from one with uid ${bound.uid}, bound to ${bound.host}; to take over its machine annotate virtwright.io/take-over=${bound.uid}, to make a new one remove the annotation virtwright.io/bound`;
  }
  for (const { metadata, status } of meant) {
    const stray = status?.strays?.machines?.find((one) => one.namespace === namespace && one.name === name);
    const taken = word ?? metadata.annotations?.['virtwright.io/take-over'];
    if (stray !== undefined && taken !== stray.uid && taken !== 'All') {
      return `${metadata.name} runs a machine of an earlier VirtualMachine of this name (uid ${stray.uid}); to take it over as it is, annotate virtwright.io/take-over=${stray.uid}`;
    }
    if ((status?.strays?.count ?? 0) > (status?.strays?.machines?.length ?? 0)) {
      return `${metadata.name} has more machines of lost objects than it can name; take them over or remove them first`;
    }
  }
  return undefined;
}

const filters: readonly Filter[] = [
  (_machine, hypervisor) => (isReady(hypervisor) ? undefined : { reason: 'NotReady', message: notReady(hypervisor) }),
  (machine, hypervisor, { volumes }) => {
    const capabilities = capabilitiesOf(hypervisor);
    const misfits = unfit(askedOf(machine, hypervisor, capabilities, volumes), capabilities);
    return misfits[0] === undefined
      ? undefined
      : { reason: 'Unfit', message: misfits.map((misfit) => describeUnfit(misfit, 'this host')).join('; ') };
  },
  ({ spec }, hypervisor) => {
    const kind = seedKind(spec);
    if (kind === undefined || hypervisor.spec.systemPoolRef !== undefined) return undefined;
    const message = `spec.${seedFields[kind]}: this host has no pool to keep it in; name one in spec.systemPoolRef of the Hypervisor`;
    return { reason: 'SystemPool', message };
  },
  (_machine, hypervisor, { volumes, instanceFor }) => {
    const elsewhere = volumes.find(
      (volume) =>
        volume.status?.hypervisor !== undefined &&
        volume.status.hypervisor !== hypervisor.metadata.name &&
        instanceFor(volume, hypervisor) === undefined,
    );
    return elsewhere === undefined
      ? undefined
      : { reason: 'Volume', message: `volume "${elsewhere.metadata.name}" is on ${elsewhere.status?.hypervisor}` };
  },
  (_machine, hypervisor, { volumes, instanceFor }) => {
    const homeless = volumes.find((volume) => volume.status?.hypervisor === undefined && instanceFor(volume, hypervisor) === undefined);
    return homeless === undefined
      ? undefined
      : { reason: 'Pool', message: `volume "${homeless.metadata.name}" has no pool here: ${poolWords(homeless, hypervisor)}` };
  },
  (machine, hypervisor, { networkOn }) => {
    const name = networksOf(machine).find((network) => !isUsable(networkOn(network, hypervisor)));
    return name === undefined
      ? undefined
      : { reason: 'Network', message: `network "${name}" ${networkWords(networkOn(name, hypervisor))}` };
  },
  (_machine, hypervisor, { duplicatesOn }) => {
    const [because] = duplicatesOn(hypervisor);
    return because === undefined ? undefined : { reason: 'DuplicateMacAddress', message: because };
  },
];

function reject(machine: VirtualMachine, hypervisor: Hypervisor, candidates: Candidates): Omit<Rejection, 'hypervisor'> | undefined {
  for (const filter of filters) {
    const rejection = filter(machine, hypervisor, candidates);
    if (rejection !== undefined) return rejection;
  }
  return undefined;
}

function poolWords({ spec }: StorageVolume, { spec: { defaultPoolRef } }: Hypervisor): string {
  const wanted = spec.poolRef?.name ?? defaultPoolRef?.name;
  if (spec.source?.volumeRef !== undefined)
    return `volume "${spec.source.volumeRef.name}", which it is cloned from, is not here to be cloned`;
  return wanted === undefined
    ? 'it names none, and the Hypervisor has no defaultPoolRef'
    : `pool "${wanted}" is not on this host, or not for this namespace`;
}

const isUsable = (instance: VirtualNetworkInstance | undefined): boolean => instance !== undefined && isReady(instance);

function networkWords(instance: VirtualNetworkInstance | undefined): string {
  if (instance === undefined) return 'is not on this host';
  const ready = instance.status?.conditions?.find(({ type }) => type === 'Ready');
  return `is not ready here: ${ready?.message || ready?.reason || 'it has not been looked at yet'}`;
}

const notReady = ({ status }: Hypervisor): string => {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  return `not ready: ${ready?.message || ready?.reason || 'it has not reported yet'}`;
};

/** As the host's agent published them. */
const capabilitiesOf = ({ status }: Hypervisor): readonly Capability[] =>
  (status?.capabilities ?? []).map(({ field, values, min, max, reason, change }) => ({
    field,
    ...(change === undefined ? {} : { change }),
    ...(values === undefined ? {} : { values }),
    ...(min === undefined ? {} : { min: parseQuantity(min) }),
    ...(max === undefined ? {} : { max: parseQuantity(max) }),
    ...(reason === undefined ? {} : { reason }),
  }));

function askedOf(
  machine: VirtualMachine,
  hypervisor: Hypervisor,
  capabilities: readonly Capability[],
  volumes: readonly StorageVolume[],
): readonly Asked[] {
  const { metadata, spec } = machine;
  const formatOf = (name: string) => {
    const volume = volumes.find(({ metadata: { name: one } }) => one === name);
    const format = volume?.status?.format ?? volume?.spec.format ?? unconvertible(volume?.spec.source?.format, capabilities);
    return format === undefined ? {} : { format };
  };
  const drives = spec.disks ?? [];
  const kind = seedKind(spec);
  return asked({
    ...plainHardware(spec),
    nativeName: nativeName({ hypervisor }, metadata.namespace, metadata.name),
    disks: drives
      .filter(({ cdrom }) => cdrom === undefined)
      .map((disk) => ({ ...diskHardware(disk), location: '', ...formatOf(volumeOfDisk(machine, disk)) })),
    cdroms: drives.filter(({ cdrom }) => cdrom !== undefined).map(cdromHardware),
    interfaces: (spec.interfaces ?? []).map((one) => ({ ...interfaceHardware(one), network: one.networkRef.name })),
    ...(spec.boot?.kernel === undefined ? {} : { boot: { kernel: '' } }),
    ...(kind === undefined ? {} : { seed: { kind, location: '' } }),
  });
}

/** An image that the host has no format for can become Raw or Qcow2. */
const unconvertible = (format: string | undefined, capabilities: readonly Capability[]): string | undefined => {
  const accepted = capabilities.find(({ field }) => field === 'disks.format')?.values ?? [];
  return accepted.includes('Raw') || accepted.includes('Qcow2') ? undefined : format;
};
