import { Jobs } from '../host/jobs.js';
import { Locks } from '../host/locks.js';
import type { Client } from '../kubernetes/client.js';
import { createEventRecorder } from '../kubernetes/events.js';
import { heartbeat } from '../kubernetes/heartbeat.js';
import { leaseOf } from '../lease-names.js';
import type { Metrics } from '../metrics.js';
import { type Connect, Host, type Pace } from './host.js';
import type { Surroundings } from './loops.js';
import { watchHost } from './watches.js';
import { createLoops, Wiring } from './wiring.js';

export interface AgentOptions {
  readonly client: Client;
  /** Hypervisors that this agent works for. */
  readonly hypervisors: readonly string[];
  /** What marks on hosts call this cluster. */
  readonly cluster: string;
  /** Of Leases and the like. */
  readonly namespace: string;
  /** The same after a restart, so that it keeps its Leases. */
  readonly identity: string;
  readonly connect: Connect;
  readonly metrics: Metrics;
  readonly onTrouble: (message: string, error: unknown) => void;
  readonly pace?: Partial<Pace>;
}

/** Runs the loops of every host that the agent was given, until the signal. */
export async function runAgent(options: AgentOptions, signal: AbortSignal): Promise<void> {
  await Promise.all(options.hypervisors.map((name) => runHost(name, options, signal)));
}

async function runHost(name: string, options: AgentOptions, signal: AbortSignal): Promise<void> {
  const { client, cluster, namespace, identity, connect, onTrouble, metrics, pace } = options;
  const watched = watchHost(name, client, onTrouble, signal);
  await Promise.all(Object.values(watched).map(({ reflector }) => reflector.synced));
  await using recorder = createEventRecorder({ client, controller: 'virtwright.io/agent', instance: identity });
  const jobs = new Jobs((uid) => wiring.volumeChanged(uid));
  const host = new Host({
    name,
    cluster,
    connect: metrics.metered(connect, name),
    hypervisor: () => watched.hypervisors.store.get(name),
    onChange: (changes) => wiring.hostChanged(changes),
    onTrouble,
    ...(pace === undefined ? {} : { pace }),
  });
  const surroundings: Surroundings = { host, client, watched, recorder, jobs, locks: new Locks(), onTrouble, metrics };
  const loops = createLoops(surroundings);
  const wiring = new Wiring(name, loops, watched);
  wiring.everythingChanged();
  const lease = {
    client,
    namespace,
    name: leaseOf(name),
    identity,
    onError: (error: unknown) => onTrouble(`lease of host ${name}`, error),
  };
  try {
    await Promise.all([...Object.values(loops).map((loop) => loop.run(signal)), host.run(signal), heartbeat(lease, signal)]);
  } finally {
    await jobs.cancelAll();
  }
}
