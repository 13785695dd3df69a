import { type Condition, type StorageVolume, storageVolumes, type VirtualMachine, virtualMachines } from '#crds/types.js';
import { DriverError } from '#drivers/error.js';
import type { Rehearse } from '#drivers/target.js';
import { isReady, isRestartRequired } from '../conditions.js';
import { Drift, newDrift, type ToldDrift } from '../drift.js';
import { finalizer, removeFinalizer } from '../finalizer.js';
import { attachedTo } from '../host/attached.js';
import type { Jobs } from '../host/jobs.js';
import type { Locks } from '../host/locks.js';
import type { Client } from '../kubernetes/client.js';
import { systemClock, within } from '../kubernetes/clock.js';
import type { EventRecorder } from '../kubernetes/events.js';
import { getNow } from '../kubernetes/now.js';
import type { Queue } from '../kubernetes/queue.js';
import { type KubernetesObject, keyOf } from '../kubernetes/resource.js';
import { createLoop, publishStatus, type Reconcilable } from '../loop.js';
import type { Metrics } from '../metrics.js';
import { Patience } from '../patience.js';
import type { AnyAction } from '../plan.js';
import { type Kind, type Outcome, reconcile } from '../reconcile.js';
import { type PoolCredentials, storagePoolInstanceKind } from '../storage-pool-instance/kind.js';
import type { Fill } from '../storage-volume/fill.js';
import { storageVolumeKind } from '../storage-volume/kind.js';
import type { Uploads } from '../storage-volume/uploads.js';
import { volumesOf } from '../stores.js';
import { type ToldAct, unspoken } from '../told-act.js';
import { virtualMachineKind } from '../virtual-machine/kind.js';
import type { SecretValues } from '../virtual-machine/seed.js';
import { virtualNetworkInstanceKind } from '../virtual-network-instance/kind.js';
import type { Watched } from '../watched.js';
import type { Host } from './host.js';
import type { HostWatches } from './watches.js';

/** What the loops of one host share. */
export interface Surroundings {
  readonly host: Host;
  readonly client: Client;
  readonly watched: HostWatches;
  readonly recorder: EventRecorder;
  readonly jobs: Jobs;
  readonly locks: Locks;
  readonly uploads: Uploads;
  readonly letIn: PoolCredentials;
  readonly metrics: Metrics;
  /** Of tenants' Secrets, what was handed to this host. */
  readonly secretValues: SecretValues;
  /** The host is out of service: nothing is done there but that orphans are taken away. */
  readonly standsBack: boolean;
  readonly onTrouble: (message: string, error: unknown) => void;
  /** The operator's own. */
  readonly namespace: string;
  /** Has the host as it would be; absent where nobody is told plans. */
  readonly rehearse?: Rehearse | undefined;
  /** How volumes get their content; as they do when absent. */
  readonly fill?: Fill | undefined;
  readonly onAct?: ((act: ToldAct) => void) | undefined;
  readonly onActed?: (() => void) | undefined;
}

/** Says why it must be called again, if it must. */
type Done<R> = (object: R, signal: AbortSignal) => Promise<string | undefined>;

/** A driver's own time-outs are shorter; this one is for what nobody thought of. */
const passTimeoutMs = 10 * 60_000;

const lookAgainMs = 30_000;

/** The loop of a kind that lives on the host. `looked` is called after every pass that came to an outcome, whatever the outcome; not while the host is not reached. */
function hostLoop<
  R extends Reconcilable & KubernetesObject,
  I extends string,
  D,
  O,
  A extends AnyAction,
  S extends { readonly conditions?: readonly Condition[]; readonly drift?: readonly ToldDrift[] },
>(
  surroundings: Surroundings,
  kind: Kind<R, D, O, A, S>,
  watched: Watched<R, I>,
  workers: number,
  looked: Done<R> = async () => undefined,
): Queue {
  const { host, client, recorder, metrics, onTrouble } = surroundings;
  const { resource } = watched;
  const patience = new Patience();
  const drift = new Drift();
  const pass = async (object: R, signal: AbortSignal): Promise<Outcome> => {
    const publish = async (seen: R, status: S, urgent: boolean) => {
      // Nobody reads the last words of what is let go in the same moment.
      if (!urgent && seen.metadata.deletionTimestamp !== undefined && isReady({ status })) return seen;
      const impatientInMs = urgent ? 0 : patience.left(seen, status);
      if (impatientInMs === 0) {
        const told = await publishStatus({ client, ...watched }, seen, status, signal);
        const drifted = newDrift(seen.status, status);
        if (drifted !== undefined) recorder.record(seen, { type: 'Warning', reason: 'Drifted', note: drifted });
        return told;
      }
      queue.addAfter(keyOf(seen.metadata), impatientInMs);
      return seen;
    };
    const connected = host.connected;
    if (connected === undefined) return unreached(object, kind, host, publish);
    const onAct = (seen: R, action: AnyAction, because: string) => {
      metrics.acted(resource.kind, action.kind);
      surroundings.onAct?.({ kind: resource.kind, object: seen, action, because, host: connected });
      if (unspoken.has(action.kind)) return;
      const drifted = drift.takes(seen, kind.declaredBy?.(seen));
      if (drifted) metrics.drifted(resource.kind, action.kind);
      recorder.record(seen, { type: 'Normal', reason: eventReason(action.kind), note: because });
      if (drifted && kind.declaredBy !== undefined && changing.has(action.kind))
        recorder.record(seen, {
          type: 'Warning',
          reason: 'Drifted',
          note: `${because}: another hand changed it on the host, and it is put back`,
        });
    };
    const onActed = () => surroundings.onActed?.();
    const outcome = await reconcile(kind, object, { ...connected, publish, onAct, onActed, clock: Date.now, signal });
    const now = watched.store.get(keyOf(object.metadata)) ?? object;
    // What converged before the deletion was known is there still.
    const wasToGo = object.metadata.deletionTimestamp !== undefined;
    if (wasToGo && outcome.kind === 'converged' && now.metadata.uid === object.metadata.uid) {
      await removeFinalizer(client, resource, now, signal);
      // Where no other holds it, it is gone: nobody looks again at what the watch has yet to take away.
      if (now.metadata.finalizers?.every((one) => one === finalizer)) watched.store.delete(keyOf(now.metadata));
    }
    const because = await looked(now, signal);
    if (because === undefined) return outcome;
    recorder.record(object, { type: 'Warning', reason: 'UseUnknown', note: because });
    return outcome.kind === 'converged' ? { kind: 'progressing', recheckMs: lookAgainMs, because } : outcome;
  };
  watched.store.subscribe((change) => {
    if (change.kind === 'deleted') drift.forget(change.previous);
  });
  const onOutcome = (object: R, outcome: Outcome) => {
    if (outcome.kind === 'converged' && watched.store.get(keyOf(object.metadata)) !== undefined)
      drift.reached(object, kind.declaredBy?.(object));
    if (outcome.kind === 'stalled') recorder.record(object, { type: 'Warning', reason: 'Stalled', note: outcome.because });
    if (outcome.kind === 'retry') recorder.record(object, { type: 'Warning', reason: outcome.error.code, note: outcome.error.message });
  };
  const queue = createLoop({
    store: watched.store,
    workers,
    pass: (object, signal) => within(systemClock, passTimeoutMs, signal, (limited) => pass(object, limited)),
    onOutcome,
    onError: (key, error) => onTrouble(`${resource.kind} ${key}`, error),
    observer: metrics.queue(resource.plural),
  });
  return queue;
}

export const eventReason = (action: string): string => `${action[0]?.toUpperCase()}${action.slice(1)}`;

/** What makes something as it is declared: once it was so, somebody else has changed it. */
const changing: ReadonlySet<string> = new Set(['define', 'update']);

/** Said only once a try has failed: a host that is just being connected to is no news. */
async function unreached<R, D, O, A extends AnyAction, S>(
  object: R,
  kind: Kind<R, D, O, A, S>,
  { failure, name }: Host,
  publish: (object: R, status: S, urgent: boolean) => Promise<R>,
): Promise<Outcome> {
  if (failure === undefined) return { kind: 'progressing', recheckMs: 60_000, because: `host ${name} is being connected to` };
  const lost = new DriverError('Unavailable', `host ${name} is not reached: ${failure.message}`);
  // A daemon that is restarted is soon back: that is no news of every machine.
  await publish(object, kind.report(object, { failure: lost, now: Date.now() }), false);
  return { kind: 'progressing', recheckMs: 60_000, because: lost.message };
}

export function machineLoop(surroundings: Surroundings): Queue {
  const { host, watched, locks, secretValues } = surroundings;
  const stores = {
    volumes: watched.volumes.store,
    actions: watched.actions.store,
    machines: watched.machines.store,
    networks: watched.networks.store,
    networkInstances: watched.networkInstances.store,
    namespaces: watched.namespaces.store,
    instances: watched.instances.store,
    secretValues,
  };
  return hostLoop(surroundings, virtualMachineKind(host, stores, locks), watched.machines, 16);
}

export function instanceLoop(surroundings: Surroundings): Queue {
  const { host, watched, letIn } = surroundings;
  return hostLoop(
    surroundings,
    storagePoolInstanceKind(host, { pools: watched.pools.store, volumes: watched.volumes.store }, letIn),
    watched.instances,
    2,
  );
}

export function networkInstanceLoop(surroundings: Surroundings): Queue {
  const { host, watched } = surroundings;
  const stores = { networks: watched.networks.store, machines: watched.machines.store, namespaces: watched.namespaces.store };
  // One at a time, so that of two that want the same subnet the second sees the first.
  return hostLoop(surroundings, virtualNetworkInstanceKind(host, stores), watched.networkInstances, 1, async (instance) => {
    const waits = instance.metadata.deletionTimestamp !== undefined || isRestartRequired(instance);
    // Nothing tells that a machine was detached: who waits for that looks anew the next time.
    if (waits) host.connected?.view.dirtyNetworks();
    return undefined;
  });
}

export function volumeLoop(surroundings: Surroundings): Queue {
  const { host, watched, jobs, locks, uploads, metrics } = surroundings;
  const stores = { instances: watched.instances.store, volumes: watched.volumes.store, namespaces: watched.namespaces.store };
  const kind = storageVolumeKind(host, stores, jobs, locks, uploads, metrics.fills, surroundings.fill);
  return hostLoop(surroundings, kind, watched.volumes, 8, (volume, signal) => releaseClaim(surroundings, volume, signal));
}

/**
 * A claim ends when its machine is gone, or has let go of the disk, and nothing on the host uses the volume. One that is to go, and whose disk is kept,
 * needs no more than the first: a machine that was given back runs on with it.
 */
async function releaseClaim(surroundings: Surroundings, volume: StorageVolume, signal: AbortSignal): Promise<string | undefined> {
  const { client, watched, host } = surroundings;
  const { metadata, spec, status } = volume;
  const { claim, location } = status ?? {};
  const view = host.connected?.view;
  if (status === undefined || claim === undefined || view === undefined) return undefined;
  const isUsed = view.machines.some(({ configured, live }) =>
    [configured, live].some((shape) => shape !== undefined && location !== undefined && attachedTo(shape).includes(location)),
  );
  const leaves = metadata.deletionTimestamp !== undefined && spec.reclaimPolicy === 'Retain';
  if ((isUsed && !leaves) || (await stillWants(surroundings, metadata.namespace, claim, metadata.name, signal))) return undefined;
  // What was read once has the disks that it had: nobody attaches one to a machine that hangs.
  const [unseen] = view.unseen;
  if (unseen !== undefined && !leaves)
    return `machine "${claim.machine}" keeps its claim: whether ${unseen.glance.nativeName} on ${host.name} has it as a disk is not known (${unseen.reason.message})`;
  const { claim: _, ...free } = status;
  const manifest = {
    metadata: { namespace: metadata.namespace, name: metadata.name, uid: metadata.uid, resourceVersion: metadata.resourceVersion },
    status: free,
  };
  watched.volumes.store.set(watched.volumes.decode(await client.applyStatus(storageVolumes, manifest, { force: true }, signal)));
  return undefined;
}

/**
 * Whom we see wanting it still does, or we are soon told otherwise and look again. Else the API server itself is asked: the machine may not be
 * bound to this host yet, and then no store of ours has it.
 */
async function stillWants(
  { client, watched }: Surroundings,
  namespace: string,
  claim: { readonly machine: string; readonly uid: string },
  volume: string,
  signal: AbortSignal,
): Promise<boolean> {
  const wants = (machine: VirtualMachine) => machine.metadata.uid === claim.uid && volumesOf(machine).disks.includes(volume);
  const known = watched.machines.store.get(`${namespace}/${claim.machine}`);
  if (known !== undefined && wants(known)) return true;
  const found = await getNow(client, virtualMachines, { namespace, name: claim.machine }, signal);
  return found !== undefined && wants(watched.machines.decode(found));
}
