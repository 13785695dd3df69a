import type { Binder } from '../binder.js';
import { Locks } from '../host/locks.js';
import type { Client } from '../kubernetes/client.js';
import { lead } from '../kubernetes/lead.js';
import { createLeaseObserver } from '../kubernetes/lease.js';
import type { Queue } from '../kubernetes/queue.js';
import { type KubernetesObject, keyOf } from '../kubernetes/resource.js';
import { controllerLease, leaseOf } from '../lease-names.js';
import { createLoop, type Reconcilable } from '../loop.js';
import type { Metrics } from '../metrics.js';
import { Patience } from '../patience.js';
import { placeMachine } from '../placement/bind-machine.js';
import { placeVolume } from '../placement/bind-volume.js';
import type { Outcome } from '../reconcile.js';
import { reconcilePool } from '../storage-pool/pool.js';
import { volumesOf } from '../stores.js';
import type { Watched } from '../watched.js';
import { bindAction } from './bind-action.js';
import { watchOver } from './health.js';
import { watchCluster } from './watches.js';

export interface ControllerOptions {
  readonly client: Client;
  readonly namespace: string;
  readonly identity: string;
  readonly metrics: Metrics;
  readonly onTrouble: (message: string, error: unknown) => void;
}

/** Does the cluster-wide work while it leads, until the signal. */
export async function runController(options: ControllerOptions, signal: AbortSignal): Promise<void> {
  const { client, namespace, identity, onTrouble } = options;
  const onError = (error: unknown) => onTrouble('leader election', error);
  await lead({ client, namespace, name: controllerLease, identity, onError }, (leading) => runLoops(options, leading), signal);
}

async function runLoops({ client, namespace, metrics, onTrouble }: ControllerOptions, signal: AbortSignal): Promise<void> {
  const watched = watchCluster(client, namespace, onTrouble, signal);
  await Promise.all(Object.values(watched).map(({ reflector }) => reflector.synced));
  const binder: Binder = { client, watched, locks: new Locks(), patience: new Patience() };
  const loop = <R extends Reconcilable & KubernetesObject>(
    { resource, store }: Watched<R, string> | Watched<R>,
    workers: number,
    pass: (object: R, signal: AbortSignal) => Promise<Outcome>,
  ): Queue =>
    createLoop({
      store,
      workers,
      pass,
      onError: (key, error) => onTrouble(`${resource.kind} ${key}`, error),
      observer: metrics.queue(`controller-${resource.plural}`),
    });

  const seen = createLeaseObserver();
  const silent = (hypervisor: string) => seen.expired(`${namespace}/${leaseOf(hypervisor)}`);
  const machines = loop(watched.machines, 8, (machine, until) => placeMachine(binder, machine, until));
  const volumes = loop(watched.volumes, 8, (volume, until) => placeVolume(binder, volume, until));
  const actions = loop(watched.actions, 4, (action, until) => bindAction(binder, action, until));
  const pools = loop(watched.pools, 2, (pool, until) => reconcilePool(binder, pool, until));
  const hypervisors = loop(watched.hypervisors, 2, (hypervisor, until) => watchOver(binder, hypervisor, silent, until));

  const all = (queue: Queue, store: { keys(): readonly string[] }) => {
    for (const key of store.keys()) queue.add(key);
  };
  const unbound = () => {
    for (const { metadata, status } of watched.machines.store.list()) if (status?.hypervisor === undefined) machines.add(keyOf(metadata));
    for (const { metadata, status } of watched.volumes.store.list()) if (status?.hypervisor === undefined) volumes.add(keyOf(metadata));
  };
  watched.leases.store.subscribe((change) => {
    if (change.kind === 'deleted') seen.forget(change.key);
    else seen.observe(change.object);
  });
  for (const lease of watched.leases.store.list()) seen.observe(lease);
  watched.hypervisors.store.subscribe(() => {
    all(pools, watched.pools.store);
    unbound();
  });
  watched.pools.store.subscribe(() => unbound());
  watched.namespaces.store.subscribe(() => unbound());
  watched.instances.store.subscribe((change) => {
    const { spec } = change.kind === 'deleted' ? change.previous : change.object;
    pools.add(spec.poolRef.name);
    if (change.kind !== 'updated') unbound();
  });
  watched.volumes.store.subscribe((change) => {
    const { metadata } = change.kind === 'deleted' ? change.previous : change.object;
    for (const machine of watched.machines.store.byIndex('volume', keyOf(metadata))) machines.add(keyOf(machine.metadata));
  });
  watched.machines.store.subscribe((change) => {
    const object = change.kind === 'deleted' ? change.previous : change.object;
    for (const action of watched.actions.store.byIndex('machine', keyOf(object.metadata))) actions.add(keyOf(action.metadata));
    if (change.kind === 'deleted')
      for (const name of volumesOf(object).disks)
        for (const other of watched.machines.store.byIndex('volume', `${object.metadata.namespace}/${name}`))
          machines.add(keyOf(other.metadata));
  });

  for (const [queue, { store }] of [
    [machines, watched.machines],
    [volumes, watched.volumes],
    [actions, watched.actions],
    [pools, watched.pools],
    [hypervisors, watched.hypervisors],
  ] as const)
    all(queue, store);
  await Promise.all([machines, volumes, actions, pools, hypervisors].map((queue) => queue.run(signal)));
}
