import type { ClusterWatches } from '../binder.js';
import { isReady } from '../conditions.js';
import { again, type Queue } from '../kubernetes/queue.js';
import { keyOf } from '../kubernetes/resource.js';
import { latest } from '../kubernetes/store.js';
import { volumesOf } from '../stores.js';

export type Loops = Readonly<Record<'machines' | 'volumes' | 'actions' | 'pools' | 'networks' | 'hypervisors', Queue>>;

/** Who is to look again when something changes: what refers to it, and what waits for a place. */
export function wire(loops: Loops, watched: ClusterWatches): void {
  const { machines, volumes, instances, pools, networks, networkInstances, hypervisors, namespaces, actions } = watched;
  const waiting = () => {
    again(loops.machines, machines.store.list().filter(isUnplaced));
    again(loops.volumes, volumes.store.list().filter(isUnplaced));
  };
  const usersOf = (volume: string) => again(loops.machines, machines.store.byIndex('volume', volume));
  hypervisors.store.subscribe(() => {
    again(loops.pools, pools.store.list());
    again(loops.networks, networks.store.list());
    waiting();
  });
  pools.store.subscribe(waiting);
  networks.store.subscribe(waiting);
  namespaces.store.subscribe(waiting);
  instances.store.subscribe((change) => {
    loops.pools.add(latest(change).spec.poolRef.name);
    if (change.kind !== 'updated') waiting();
  });
  networkInstances.store.subscribe((change) => {
    const { metadata, spec } = latest(change);
    loops.networks.add(`${metadata.namespace}/${spec.networkRef.name}`);
    if (change.kind !== 'updated' || isReady(change.object) !== isReady(change.previous)) waiting();
  });
  volumes.store.subscribe((change) => usersOf(keyOf(latest(change).metadata)));
  machines.store.subscribe((change) => {
    const machine = latest(change);
    again(loops.actions, actions.store.byIndex('machine', keyOf(machine.metadata)));
    if (change.kind === 'deleted') for (const name of volumesOf(machine).disks) usersOf(`${machine.metadata.namespace}/${name}`);
  });
  for (const kind of ['machines', 'volumes', 'actions', 'pools', 'networks', 'hypervisors'] as const) {
    for (const key of watched[kind].store.keys()) loops[kind].add(key);
  }
}

const isUnplaced = ({ status }: { readonly status?: { readonly hypervisor?: string } }): boolean => status?.hypervisor === undefined;
