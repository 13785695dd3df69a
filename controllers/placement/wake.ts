import { isDeepStrictEqual } from 'node:util';
import type { Hypervisor, VirtualMachine } from '#crds/types.js';
import type { ClusterWatches } from '../binder.js';
import { isReady } from '../conditions.js';
import { again, type Queue } from '../kubernetes/queue.js';
import type { Change } from '../kubernetes/store.js';
import { isLetGo } from '../out-of-service.js';
import { everything } from './indexes.js';
import type { Ledger } from './ledger.js';
import { needOf } from './need.js';
import { holds, roomOf } from './room.js';

interface Loops {
  readonly machines: Queue;
  readonly volumes: Queue;
}

/** Who waits for a place looks again as soon as something may have made one. */
export function wakeUnplaced(loops: Loops, watched: ClusterWatches, ledger: Ledger): void {
  const { hypervisors, pools, networks, namespaces, instances, networkInstances, machines, volumes } = watched;
  const homeless = () => machines.store.byIndex('unplaced', everything);
  const wake = () => {
    again(loops.machines, homeless());
    again(loops.volumes, volumes.store.byIndex('unplaced', everything));
  };
  hypervisors.store.subscribe((change) => {
    if (concernsPlacement(change)) wake();
  });
  pools.store.subscribe(wake);
  networks.store.subscribe(wake);
  namespaces.store.subscribe(wake);
  instances.store.subscribe((change) => {
    if (change.kind !== 'updated' || isReady(change.object) !== isReady(change.previous)) wake();
  });
  networkInstances.store.subscribe((change) => {
    if (change.kind !== 'updated' || isReady(change.object) !== isReady(change.previous)) wake();
  });
  ledger.onRoom((host) => again(loops.machines, homeless().filter(fitsOn(hypervisors.store.get(host), ledger))));
  machines.store.subscribe((change) => {
    const isMeant = change.kind === 'deleted' || change.object.status?.hypervisor === undefined ? undefined : whoMayGo(change);
    if (isMeant !== undefined) again(loops.machines, homeless().filter(isMeant));
  });
}

/** A host has room for many of those that wait; the others would look in vain. */
function fitsOn(hypervisor: Hypervisor | undefined, ledger: Ledger): (machine: VirtualMachine) => boolean {
  const room = hypervisor === undefined ? undefined : roomOf(hypervisor, ledger.usage(hypervisor.metadata.name));
  return (machine) => room !== undefined && holds(room, needOf(machine));
}

const wantsCompany = ({ spec }: VirtualMachine): boolean => (spec.placement?.affinity ?? []).length > 0;

const wantsDistance = ({ spec }: VirtualMachine): boolean => (spec.placement?.antiAffinity ?? []).length > 0;

/**
 * Whom a change of a machine that has a host may help. Where it has come to, those that want to be with it may go; where its labels are others,
 * those that want to be without it, too; and where it puts up with others, any.
 */
function whoMayGo(
  change: Exclude<Change<VirtualMachine>, { readonly kind: 'deleted' }>,
): ((waiting: VirtualMachine) => boolean) | undefined {
  if (change.kind === 'added') return wantsCompany;
  const { object: now, previous: before } = change;
  if (!isDeepStrictEqual(now.spec.placement?.antiAffinity, before.spec.placement?.antiAffinity)) return () => true;
  if (!isDeepStrictEqual(now.metadata.labels, before.metadata.labels)) return (waiting) => wantsCompany(waiting) || wantsDistance(waiting);
  return now.status?.hypervisor === before.status?.hypervisor ? undefined : wantsCompany;
}

/** What agents tell of their hosts again and again is mostly about something else. */
const concernsPlacement = (change: Change<Hypervisor>): boolean =>
  change.kind !== 'updated' || !isDeepStrictEqual(concern(change.object), concern(change.previous));

const concern = (hypervisor: Hypervisor): object => {
  const { metadata, spec, status } = hypervisor;
  const { labels, annotations, deletionTimestamp } = metadata;
  const { capacity, capabilities, unowned, strays, orphans } = status ?? {};
  const is = { ready: isReady(hypervisor), letGo: isLetGo(hypervisor) };
  return { ...is, labels, annotations, deletionTimestamp, spec, capacity, capabilities, unowned, strays, orphans };
};
