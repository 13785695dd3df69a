import { isDeepStrictEqual } from 'node:util';
import type { Hypervisor, VirtualMachine } from '#crds/types.js';
import type { ClusterWatches } from '../binder.js';
import { again, type Queue } from '../kubernetes/queue.js';
import { keyOf } from '../kubernetes/resource.js';
import { type Change, latest } from '../kubernetes/store.js';
import { rivalsIn } from '../mac-addresses.js';
import { volumesOf } from '../stores.js';

export type Loops = Readonly<Record<'machines' | 'volumes' | 'actions' | 'sessions' | 'pools' | 'networks' | 'hypervisors', Queue>>;

/** Who is to look again when something changes: what refers to it. Who waits for a place is woken by `placement/wake.ts`. */
export function wire(loops: Loops, watched: ClusterWatches): void {
  const { machines, volumes, instances, pools, networks, networkInstances, hypervisors, actions } = watched;
  const usersOf = (volume: string) => again(loops.machines, machines.store.byIndex('volume', volume));
  hypervisors.store.subscribe((change) => {
    if (!isElsewhereOrNew(change)) return;
    again(loops.pools, pools.store.list());
    again(loops.networks, networks.store.list());
  });
  instances.store.subscribe((change) => loops.pools.add(latest(change).spec.poolRef.name));
  networkInstances.store.subscribe((change) => {
    const { metadata, spec } = latest(change);
    loops.networks.add(`${metadata.namespace}/${spec.networkRef.name}`);
  });
  volumes.store.subscribe((change) => {
    const { metadata, spec } = latest(change);
    usersOf(keyOf(metadata));
    again(loops.volumes, volumes.store.byIndex('source', keyOf(metadata)));
    if (spec.source?.volumeRef !== undefined) usersOf(`${metadata.namespace}/${spec.source.volumeRef.name}`);
  });
  machines.store.subscribe((change) => {
    const machine = latest(change);
    again(loops.actions, actions.store.byIndex('machine', keyOf(machine.metadata)));
    again(loops.machines, rivalsIn(change, machines.store));
    // Also those that it named once, and that were to go with it.
    if (change.kind === 'deleted') again(loops.volumes, volumes.store.byIndex('owner', machine.metadata.uid));
    for (const name of volumesIn(change)) {
      loops.volumes.add(name);
      if (change.kind === 'deleted') usersOf(name);
    }
  });
  const lessOn = (host: string | undefined) => {
    if (host !== undefined && hypervisors.store.get(host)?.metadata.deletionTimestamp !== undefined) loops.hypervisors.add(host);
  };
  for (const { store } of [instances, networkInstances])
    store.subscribe((change) => change.kind === 'deleted' && lessOn(change.previous.spec.hypervisor));
  for (const { store } of [machines, volumes])
    store.subscribe((change) => change.kind === 'deleted' && lessOn(change.previous.status?.hypervisor));
  for (const kind of ['machines', 'volumes', 'actions', 'sessions', 'pools', 'networks', 'hypervisors'] as const) {
    for (const key of watched[kind].store.keys()) loops[kind].add(key);
  }
}

/** What a machine names, or named before: without it, a volume may go elsewhere. */
function volumesIn(change: Change<VirtualMachine>): ReadonlySet<string> {
  const machines = change.kind === 'updated' ? [change.object, change.previous] : [latest(change)];
  return new Set(
    machines.flatMap((machine) => {
      const { disks, readOnly } = volumesOf(machine);
      return [...disks, ...readOnly].map((name) => `${machine.metadata.namespace}/${name}`);
    }),
  );
}

/** What pools and networks choose hosts by. */
const isElsewhereOrNew = (change: Change<Hypervisor>): boolean =>
  change.kind !== 'updated' ||
  !isDeepStrictEqual(change.object.metadata.labels, change.previous.metadata.labels) ||
  change.object.metadata.deletionTimestamp !== change.previous.metadata.deletionTimestamp;
