import type { Drivers } from '#drivers/target.js';
import { Locks } from '../host/locks.js';
import type { Client } from '../kubernetes/client.js';
import { createEventRecorder } from '../kubernetes/events.js';
import { heartbeat } from '../kubernetes/heartbeat.js';
import { leaseOf } from '../lease-names.js';
import type { Log } from '../log.js';
import type { Metrics } from '../metrics.js';
import { logTransitions } from '../observability/transitions.js';
import { copyOf } from '../secrets.js';
import { Door, type DoorOptions } from '../session/door.js';
import type { Fill } from '../storage-volume/fill.js';
import { Uploads } from '../storage-volume/uploads.js';
import type { ToldAct } from '../told-act.js';
import { poolCredentials, watchWay } from './credentials.js';
import { watchGuestSecrets } from './guest-secrets.js';
import { Host, type Pace } from './host.js';
import { jobsOf } from './jobs.js';
import type { Surroundings } from './loops.js';
import { watchOneSecret } from './one-secret.js';
import { stopWhatWasLetGo, tellStopped } from './returning.js';
import { SharedWatches } from './shared-watches.js';
import { followWord, takeUp } from './standing-back.js';
import { Tenure } from './tenure.js';
import { type HostWatches, watchHost } from './watches.js';
import { createLoops, Wiring } from './wiring.js';

export interface AgentOptions extends Drivers {
  readonly client: Client;
  /** Hypervisors that this agent works for. */
  readonly hypervisors: readonly string[];
  /** What marks on hosts call this cluster. */
  readonly cluster: string;
  /** The operator's own: of Leases and credentials. */
  readonly namespace: string;
  /** Of nobody else who lives; the same after a restart where that can be, so that it keeps its Leases. */
  readonly identity: string;
  readonly metrics: Metrics;
  readonly onTrouble: (message: string, error: unknown) => void;
  /** Told of what has come to another state. */
  readonly log?: Pick<Log, 'info'>;
  /** Told of watches that begin: they settle when everything is in, or nobody waits for it any more. */
  readonly onWatching?: (synced: Promise<unknown>) => void;
  readonly pace?: Partial<Pace>;
  /** Where people come in to consoles and the like; a free port on loopback when absent. */
  readonly sessions?: SessionsAt;
  /** How volumes get their content; as they do when absent. */
  readonly fill?: Fill;
  /** Told of all that is about to be done. */
  readonly onAct?: (act: ToldAct) => void;
  readonly onActed?: () => void;
  /** Of the Lease of each host; default 40 s and 10 s. */
  readonly lease?: { readonly durationMs: number; readonly periodMs: number };
}

/** On what to listen, and what clients are told. */
export type SessionsAt = Pick<DoorOptions, 'host' | 'port' | 'announced'>;

interface HostOptions extends AgentOptions {
  readonly shared: SharedWatches;
}

/** Runs the loops of every host that the agent was given, until the signal. */
export async function runAgent(options: AgentOptions, signal: AbortSignal): Promise<void> {
  const { metrics, sessions, client, onTrouble } = options;
  const onCertificate = (certificate: string) => metrics.showing('sessions', certificate);
  await using door = await Door.open({ host: '127.0.0.1', port: 0, ...sessions, metrics: metrics.sessions, onCertificate });
  const shared = new SharedWatches({ client, onTrouble, onRestart: metrics.onRestart }, options.hypervisors.length);
  await Promise.all(options.hypervisors.map((name) => runHost(name, { ...options, shared }, door, signal)));
}

/**
 * Works for the host while nobody else does: of two agents that were given the same one, the second waits until the first has let go of its Lease, or
 * that has run out. It is let go of once nothing is done there any more, so that who comes next need not wait.
 */
async function runHost(name: string, options: HostOptions, door: Door, signal: AbortSignal): Promise<void> {
  const { client, namespace, identity, onTrouble, metrics } = options;
  const tenure = new Tenure(identity);
  const lease = leaseOf(name);
  const onError = (error: unknown) => onTrouble(`lease of host ${name}`, error);
  const onHolder = (holder: string) => {
    metrics.onLease(lease, holder === identity);
    tenure.heldBy(holder);
  };
  const onLapse = () => {
    metrics.onLease(lease, false);
    tenure.end();
  };
  const over = new AbortController();
  const beating = heartbeat({ client, namespace, name: lease, identity, onError, onHolder, onLapse, ...options.lease }, over.signal);
  try {
    while (!signal.aborted) await runEra(name, options, door, await tenure.begun(signal), signal);
  } finally {
    over.abort();
    await beating;
  }
}

/**
 * From one Hypervisor object to the next of its name. One made anew, as after the loss of a cluster, begins with fresh watches: nobody may
 * be told, from what is remembered of objects that are no more, that no machine here is without an object.
 */
async function runEra(name: string, options: HostOptions, door: Door, lost: AbortSignal, signal: AbortSignal): Promise<void> {
  const era = new AbortController();
  const ending = AbortSignal.any([signal, lost, era.signal]);
  await runLoops(name, options, door, ending, () => {
    options.shared.renew();
    era.abort();
  }).catch((reason) => {
    if (!ending.aborted) throw reason;
  });
}

function onAnother({ store }: HostWatches['hypervisors'], another: () => void): void {
  let [uid] = store.list().map(({ metadata }) => metadata.uid);
  store.subscribe((change) => {
    if (change.kind === 'deleted') return;
    uid ??= change.object.metadata.uid;
    if (uid !== change.object.metadata.uid) another();
  });
}

/** A Hypervisor's states are the controller's to tell of. */
function logHost({ machines, volumes, instances, networkInstances }: HostWatches, log: Pick<Log, 'info'>): void {
  logTransitions('VirtualMachine', machines.store, log);
  logTransitions('StorageVolume', volumes.store, log);
  logTransitions('StoragePoolInstance', instances.store, log);
  logTransitions('VirtualNetworkInstance', networkInstances.store, log);
}

const storesOf = ({ machines, instances, networks, networkInstances }: HostWatches) => ({
  machines: machines.store,
  instances: instances.store,
  networks: networks.store,
  networkInstances: networkInstances.store,
});

async function runLoops(name: string, options: HostOptions, door: Door, signal: AbortSignal, onEnd: () => void): Promise<void> {
  const { client, cluster, namespace, identity, connect, credentialKeys: keysOf, onTrouble, metrics, pace } = options;
  const watched = watchHost(name, { client, onTrouble, onRestart: metrics.onRestart }, options.shared, signal);
  const synced = Promise.all(Object.values(watched).map(({ reflector }) => reflector.synced));
  options.onWatching?.(synced);
  await synced;
  onAnother(watched.hypervisors, onEnd);
  const standsBack = followWord(watched.hypervisors.store, name, onEnd);
  await using recorder = createEventRecorder({
    client,
    controller: 'virtwright.io/agent',
    instance: identity,
    onDropped: metrics.onDropped,
  });
  const jobs = jobsOf(watched.volumes.store, (uid) => wiring.volumeChanged(uid));
  const uploads = new Uploads((uid) => wiring.volumeChanged(uid));
  const hypervisor = () => watched.hypervisors.store.get(name);
  const orphans = () => hypervisor()?.status?.orphans?.objects ?? [];
  const onStopped = tellStopped(recorder, hypervisor);
  const copy = watchOneSecret({ name: copyOf(name), client, namespace, onTrouble, onChange: () => wiring.poolsChanged() }, signal);
  const host = new Host({
    name,
    cluster,
    connect: metrics.metered(connect, name),
    hypervisor,
    way: watchWay({ namespace, keysOf, hypervisor, copy }),
    onChange: (changes) => wiring.hostChanged(changes),
    onReached: (driver, view, until) => stopWhatWasLetGo({ client, name, cluster, orphans, onStopped, onTrouble }, driver, view, until),
    onTrouble,
    ...(pace === undefined ? {} : { pace }),
  });
  const secretValues = watchGuestSecrets(
    { name, client, namespace, hypervisor, onTrouble, onChange: () => wiring.secretsChanged() },
    signal,
  );
  const letIn = poolCredentials({ hypervisor, copy, namespace });
  const surroundings: Surroundings = {
    host,
    client,
    watched,
    recorder,
    jobs,
    locks: new Locks(),
    uploads,
    secretValues,
    letIn,
    standsBack,
    onTrouble,
    metrics,
    namespace,
    rehearse: options.rehearse,
    fill: options.fill,
    onAct: options.onAct,
    onActed: options.onActed,
  };
  if (options.log !== undefined) logHost(watched, options.log);
  metrics.hosts.follow(host, storesOf(watched), onTrouble, signal);
  const loops = createLoops(surroundings, door);
  const wiring = new Wiring(name, loops, watched, signal);
  wiring.everythingChanged();
  const atWork = standsBack ? [loops.hypervisors, loops.orphans, loops.instances] : Object.values(loops);
  try {
    if (!standsBack) await takeUp(name, surroundings, signal);
    await Promise.all([...atWork.map((loop) => loop.run(signal)), host.run(signal)]);
  } finally {
    for (const { metadata } of watched.sessions.store.list()) door.dismiss(metadata.uid);
    await jobs.cancelAll();
  }
}
