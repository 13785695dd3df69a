import { type Hypervisor, type StorageVolume, sessions, storageVolumes, type VirtualMachine, virtualMachines } from '#crds/types.js';
import { adopting, isReleased, unsaidOf } from '../adoption.js';
import type { Binder } from '../binder.js';
import { removeFinalizer } from '../finalizer.js';
import { ApiError } from '../kubernetes/client.js';
import { deleteSeen, getNow } from '../kubernetes/now.js';
import type { KubernetesObject } from '../kubernetes/resource.js';
import { publishStatus } from '../loop.js';
import { placeFor } from '../placement/bind-machine.js';
import { moveUnused } from '../placement/leave-behind.js';
import type { Reservation } from '../placement/ledger.js';
import { unbindMachine } from '../placement/unbind.js';
import { doomedDisks } from '../virtual-machine/resolve.js';
import { mostNamed, type Orphan, orphanedMachine, orphanedNetwork, orphanedPool, orphanedVolume, withOrphans } from './orphans.js';

/** One thing that the host is to lose: what is noted of it first, then how it is lost. */
interface Loss {
  readonly orphan: Orphan | undefined;
  readonly lose: () => Promise<void>;
}

/** By the machine's uid, why it stays bound. */
export type Staying = ReadonlyMap<string, string>;

/**
 * Lets go of what a host has that somebody vouched to be off: machines that can run elsewhere, what is being deleted, claims and volumes of
 * shared stores. All of it is written down as orphaned before the first is let go, so that whoever dies in between leaves nothing unknown.
 * What has its disks on this host alone stays.
 */
export async function letGo(binder: Binder, hypervisor: Hypervisor, signal: AbortSignal): Promise<Staying> {
  const kept: Reservation[] = [];
  try {
    return await letGoKeeping(binder, hypervisor, kept, signal);
  } finally {
    for (const reservation of kept) reservation.release();
  }
}

/** Room is kept for each machine from its choice on: the next one sees it. */
async function letGoKeeping(binder: Binder, hypervisor: Hypervisor, kept: Reservation[], signal: AbortSignal): Promise<Staying> {
  const { client, watched } = binder;
  const { losses, staying } = machinesOf(binder, hypervisor, kept, signal);
  const all = [...losses, ...volumesGoing(binder, hypervisor, signal), ...instancesGoing(binder, hypervisor, signal)];
  const seen = watched.hypervisors.store.get(hypervisor.metadata.name) ?? hypervisor;
  const orphans = withOrphans(
    seen,
    all.flatMap(({ orphan }) => orphan ?? []),
  );
  if (orphans !== undefined) await publishStatus({ client, ...watched.hypervisors }, seen, { ...seen.status, orphans }, signal);
  const named = new Set((orphans ?? seen.status?.orphans)?.objects?.map(({ uid }) => uid));
  for (const { orphan, lose } of all) {
    // Its agent cuts off and takes away what is named, and nothing else.
    if (orphan === undefined || named.has(orphan.uid)) await lose().catch(ignoreOvertaken);
    else staying.set(orphan.uid, `its status.orphans is full: the ${mostNamed} that are named go first`);
  }
  await freeVolumes(binder, hypervisor, signal);
  for (const session of watched.sessions.store.list())
    if (session.status?.hypervisor === hypervisor.metadata.name) await deleteSeen(client, sessions, session, signal).catch(ignoreOvertaken);
  return staying;
}

/** Somebody else wrote in between: it is looked at anew the next time. */
function ignoreOvertaken(reason: unknown): void {
  if (!ApiError.is(reason, 'Conflict')) throw reason;
}

function machinesOf(binder: Binder, hypervisor: Hypervisor, kept: Reservation[], signal: AbortSignal) {
  const losses: Loss[] = [];
  const staying = new Map<string, string>();
  const { name: host } = hypervisor.metadata;
  for (const machine of binder.watched.machines.store.byIndex('host', host)) {
    const orphan = orphanedMachine(machine, binder.watched);
    if (machine.metadata.deletionTimestamp !== undefined) {
      const why = isReleased(machine) ? whyNotReleased(binder, machine, hypervisor) : undefined;
      if (why !== undefined) {
        staying.set(machine.metadata.uid, why);
        continue;
      }
      losses.push({ orphan, lose: () => removeFinalizer(binder.client, virtualMachines, machine, signal) });
      continue;
    }
    const why = whyItStays(binder, machine, kept);
    if (why !== undefined) staying.set(machine.metadata.uid, why);
    else losses.push({ orphan, lose: () => unbindMachine(binder, machine, moving(host), signal) });
  }
  return { losses, staying };
}

const moving = (host: string) => ({ reason: 'OutOfService', message: `${host} is out of service: it is started on another host` });

/** As its agent would say, if there were one. */
function whyNotReleased({ watched }: Binder, machine: VirtualMachine, hypervisor: Hypervisor): string | undefined {
  const { metadata, spec, status } = machine;
  const host = { name: hypervisor.metadata.name, hypervisor };
  const uuid = status?.uuid ?? spec.uuid ?? metadata.uid;
  const { ungranted } = adopting('machines', [uuid], metadata.namespace, host, watched.namespaces.store);
  if (ungranted !== undefined) return `machine ${ungranted}, nor is it left to itself`;
  const doomed = doomedDisks(machine);
  return doomed.length === 0
    ? undefined
    : `the volume of its disk ${doomed.join(', ')} has whenDeleted: Delete, and the machine is to stay`;
}

/** What is in a TPM is nowhere else, and a guest without it may be locked out of its disks. */
function whyItStays(binder: Binder, machine: VirtualMachine, kept: Reservation[]): string | undefined {
  if (machine.spec.firmware?.tpm !== undefined) return 'what its TPM holds is on that host alone';
  const unsaid = unsaidOf(machine);
  if (unsaid !== undefined)
    return `it was adopted with what no manifest can say (${unsaid}): annotate virtwright.io/adopt=false to have it made without`;
  const choice = placeFor(binder, machine);
  if (choice.kind === 'none') return `no other host takes it: ${choice.message}`;
  kept.push(binder.ledger.reserve(machine, choice.hypervisor.metadata.name));
  return undefined;
}

function volumesGoing({ client, watched }: Binder, { metadata: { name: host } }: Hypervisor, signal: AbortSignal): readonly Loss[] {
  return watched.volumes.store
    .byIndex('host', host)
    .filter(({ metadata, status }) => metadata.deletionTimestamp !== undefined && status?.claim === undefined)
    .filter((volume) => !isShared({ watched }, volume))
    .map((volume) => ({
      orphan: orphanedVolume(volume),
      lose: () => removeFinalizer(client, storageVolumes, volume, signal),
    }));
}

function isShared({ watched }: Pick<Binder, 'watched'>, { status }: StorageVolume): boolean {
  const instance = watched.instances.store.get(status?.pool ?? '');
  return instance !== undefined && watched.pools.store.get(instance.spec.poolRef.name)?.spec.span === 'Shared';
}

/** Instances that nothing of the host is in any more. */
function instancesGoing({ client, watched }: Binder, { metadata: { name: host } }: Hypervisor, signal: AbortSignal): readonly Loss[] {
  const { instances, networkInstances, volumes, machines } = watched;
  const goes = ({ metadata, spec }: KubernetesObject & { readonly spec: { readonly hypervisor: string } }) =>
    spec.hypervisor === host && metadata.deletionTimestamp !== undefined;
  const pools = instances.store.list().filter((one) => goes(one) && volumes.store.byIndex('instance', one.metadata.name).length === 0);
  const isFree = (network: string) => !machines.store.byIndex('network', network).some(({ status }) => status?.hypervisor === host);
  const networks = networkInstances.store
    .list()
    .filter((one) => goes(one) && isFree(`${one.metadata.namespace}/${one.spec.networkRef.name}`));
  return [
    ...pools.map((one) => ({ orphan: orphanedPool(one), lose: () => removeFinalizer(client, instances.resource, one, signal) })),
    ...networks.map((one) => ({
      orphan: orphanedNetwork(one),
      lose: () => removeFinalizer(client, networkInstances.resource, one, signal),
    })),
  ];
}

/** Claims of machines that are gone end, and what is in a store that others see goes to one of them. */
async function freeVolumes(binder: Binder, { metadata: { name: host } }: Hypervisor, signal: AbortSignal): Promise<void> {
  for (const seen of binder.watched.volumes.store.byIndex('host', host)) {
    const volume = await withoutDeadClaim(binder, seen, signal).catch((reason) => {
      ignoreOvertaken(reason);
      return seen;
    });
    if (volume.status?.claim === undefined) await moveUnused(binder, volume, signal).catch(ignoreOvertaken);
  }
}

/** Its host's agent would release it, if there were one. */
async function withoutDeadClaim({ client, watched }: Binder, volume: StorageVolume, signal: AbortSignal): Promise<StorageVolume> {
  const { claim, ...free } = volume.status ?? {};
  if (claim === undefined || watched.machines.store.byIndex('uid', claim.uid).length > 0) return volume;
  const now = await getNow(client, virtualMachines, { namespace: volume.metadata.namespace, name: claim.machine }, signal);
  if (now?.metadata.uid === claim.uid) return volume;
  return publishStatus({ client, ...watched.volumes }, volume, free, signal);
}
