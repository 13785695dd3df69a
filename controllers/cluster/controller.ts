import type { Binder, ClusterWatches } from '../binder.js';
import type { KeysOf } from '../credentials.js';
import { Locks } from '../host/locks.js';
import type { Client } from '../kubernetes/client.js';
import { createEventRecorder } from '../kubernetes/events.js';
import { fenced } from '../kubernetes/fenced.js';
import { lead } from '../kubernetes/lead.js';
import type { Queue } from '../kubernetes/queue.js';
import type { KubernetesObject } from '../kubernetes/resource.js';
import { controllerLease } from '../lease-names.js';
import type { Log } from '../log.js';
import { createLoop, type Reconcilable } from '../loop.js';
import type { Metrics } from '../metrics.js';
import { logTransitions } from '../observability/transitions.js';
import { Patience } from '../patience.js';
import { placeMachine } from '../placement/bind-machine.js';
import { followMaintenance, tellMaintenance } from '../placement/evacuate.js';
import { placeOrMoveVolume } from '../placement/leave-behind.js';
import { Ledger } from '../placement/ledger.js';
import { wakeUnplaced } from '../placement/wake.js';
import type { Outcome } from '../reconcile.js';
import { spanningNetworks, spanningPools } from '../spanning/kinds.js';
import { reconcileSpanning } from '../spanning/spanning.js';
import type { Watched } from '../watched.js';
import { bindAction } from './bind-action.js';
import { bindSession } from './bind-session.js';
import { copyCredentials } from './credentials.js';
import { copyGuestSecrets } from './guest-secrets.js';
import { silentAgents, watchOver } from './health.js';
import { watchCluster } from './watches.js';
import { type Loops, wire } from './wiring.js';

export interface ControllerOptions {
  readonly client: Client;
  readonly namespace: string;
  readonly identity: string;
  readonly credentialKeys: KeysOf;
  readonly metrics: Metrics;
  readonly onTrouble: (message: string, error: unknown) => void;
  /** Told of what has come to another state. */
  readonly log?: Pick<Log, 'info'>;
  readonly guestSecrets?: { readonly lookMs: number };
  /** Told of watches that begin: they settle when everything is in, or nobody waits for it any more. */
  readonly onWatching?: (synced: Promise<unknown>) => void;
  /** Told of everything that there is, once it is in, for as long as this one leads. */
  readonly onWatched?: (watched: ClusterWatches, leading: AbortSignal) => void;
}

/** Does the cluster-wide work while it leads, until the signal. */
export async function runController(options: ControllerOptions, signal: AbortSignal): Promise<void> {
  const { client, namespace, identity, onTrouble } = options;
  const onError = (error: unknown) => onTrouble('leader election', error);
  const { onLease } = options.metrics;
  onLease(controllerLease, false);
  // Who waits for the Lease is ready to take it: a rollout waits for that, and only then ends the one that leads.
  options.onWatching?.(Promise.resolve());
  const work = async (leading: AbortSignal, leads: () => boolean): Promise<void> => {
    onLease(controllerLease, true);
    options.log?.info('took the lead');
    await runLoops({ ...options, client: fenced(client, leads) }, leading).finally(() => {
      onLease(controllerLease, false);
      options.log?.info('gave up the lead');
    });
  };
  await lead({ client, namespace, name: controllerLease, identity, onError }, work, signal);
}

async function runLoops(options: ControllerOptions, signal: AbortSignal): Promise<void> {
  const { client, namespace, credentialKeys: keysOf, metrics, onTrouble } = options;
  const watched = watchCluster({ client, onTrouble, onRestart: metrics.onRestart }, namespace, signal);
  const synced = Promise.all(Object.values(watched).map(({ reflector }) => reflector.synced));
  options.onWatching?.(synced);
  await synced;
  options.onWatched?.(watched, signal);
  const { hypervisors, machines, volumes } = watched;
  metrics.cluster.follow({ hypervisors: hypervisors.store, machines: machines.store, volumes: volumes.store }, signal);
  if (options.log !== undefined) logCluster(watched, options.log);
  const ledger = new Ledger(watched.machines.store);
  const { identity: instance } = options;
  await using recorder = createEventRecorder({ client, controller: 'virtwright.io/controller', instance, onDropped: metrics.onDropped });
  const binder: Binder = { client, watched, locks: new Locks(), patience: new Patience(), ledger, recorder };
  const loop = <R extends Reconcilable & KubernetesObject>(
    { resource, store }: Watched<R, string>,
    workers: number,
    pass: Pass<R>,
  ): Queue =>
    createLoop({
      store,
      workers,
      pass: (object, until) => pass(binder, object, until),
      onError: (key, error) => onTrouble(`${resource.kind} ${key}`, error),
      observer: metrics.queue(`controller-${resource.plural}`),
    });
  const [pools, networks] = [spanningPools(watched), spanningNetworks(watched)];
  const silent = silentAgents({ client, namespace, leases: watched.leases.store });
  const loops: Loops = {
    machines: loop(watched.machines, 32, placeMachine),
    volumes: loop(watched.volumes, 16, placeOrMoveVolume),
    actions: loop(watched.actions, 4, bindAction),
    sessions: loop(watched.sessions, 4, bindSession),
    pools: loop(watched.pools, 2, (_binder, pool, until) => reconcileSpanning(pools, binder, pool, until)),
    networks: loop(watched.networks, 2, (_binder, network, until) => reconcileSpanning(networks, binder, network, until)),
    hypervisors: loop(watched.hypervisors, 2, async (_binder, hypervisor, until) =>
      watchOver(binder, await tellMaintenance(binder, hypervisor, until), silent, until),
    ),
  };
  wire(loops, watched);
  wakeUnplaced(loops, watched, ledger);
  followMaintenance(loops, watched);
  const copying = copyCredentials(
    { client, namespace, hypervisors: watched.hypervisors, pools: watched.pools, keysOf, metrics, onTrouble },
    signal,
  );
  const telling = copyGuestSecrets(
    { client, namespace, hypervisors: watched.hypervisors, machines: watched.machines, metrics, onTrouble, ...options.guestSecrets },
    signal,
  );
  await Promise.all([copying, telling, ...Object.values(loops).map((queue) => queue.run(signal))]);
}

/** What is on a host is its agent's to tell of. */
function logCluster({ hypervisors, machines, volumes, pools, networks }: ClusterWatches, log: Pick<Log, 'info'>): void {
  const isUnbound = ({ status }: { readonly status?: { readonly hypervisor?: string } }) => status?.hypervisor === undefined;
  logTransitions('Hypervisor', hypervisors.store, log);
  logTransitions('StoragePool', pools.store, log);
  logTransitions('VirtualNetwork', networks.store, log);
  logTransitions('VirtualMachine', machines.store, log, isUnbound);
  logTransitions('StorageVolume', volumes.store, log, isUnbound);
}

type Pass<R> = (binder: Binder, object: R, signal: AbortSignal) => Promise<Outcome>;
