import type { Machine } from '#drivers/driver.js';
import { Jobs } from '../host/jobs.js';
import { Locks } from '../host/locks.js';
import type { Changes } from '../host/view.js';
import type { Client } from '../kubernetes/client.js';
import { createEventRecorder } from '../kubernetes/events.js';
import { heartbeat } from '../kubernetes/heartbeat.js';
import { leaseOf } from '../lease-names.js';
import type { Metrics } from '../metrics.js';
import { actionLoop } from './actions.js';
import { type Connect, Host, type Pace } from './host.js';
import { hypervisorLoop } from './hypervisor.js';
import { instanceLoop, machineLoop, type Surroundings, volumeLoop } from './loops.js';
import { watchHost } from './watches.js';

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
  const locks = new Locks();
  const jobs = new Jobs((uid) => requeueVolume(uid));
  const host = new Host({
    name,
    cluster,
    connect: metrics.metered(connect, name),
    hypervisor: () => watched.hypervisors.store.get(name),
    onChange: (changes) => heed(changes),
    onTrouble,
    ...(pace === undefined ? {} : { pace }),
  });
  const surroundings: Surroundings = { host, client, watched, recorder, jobs, locks, onTrouble, metrics };
  const machines = machineLoop(surroundings);
  const volumes = volumeLoop(surroundings);
  const instances = instanceLoop(surroundings);
  const actions = actionLoop(surroundings);
  const hypervisors = hypervisorLoop(surroundings);

  const requeueVolume = (uid: string) => {
    for (const { metadata } of watched.volumes.store.list())
      if (metadata.uid === uid) volumes.add(`${metadata.namespace}/${metadata.name}`);
  };
  const requeueMachine = ({ mark, uuid }: Machine) => {
    const byMark = mark === undefined ? [] : [`${mark.owner.namespace}/${mark.owner.name}`];
    const byUuid = watched.machines.store.byIndex('uuid', uuid).map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
    for (const key of new Set([...byMark, ...byUuid])) {
      machines.add(key);
      for (const action of watched.actions.store.byIndex('machine', key))
        actions.add(`${action.metadata.namespace}/${action.metadata.name}`);
    }
  };
  const requeueAll = () => {
    for (const [loop, { store }] of [
      [machines, watched.machines],
      [volumes, watched.volumes],
      [instances, watched.instances],
      [actions, watched.actions],
    ] as const) {
      for (const key of store.keys()) loop.add(key);
    }
  };
  const heed = (changes: Changes | 'connection') => {
    hypervisors.add(name);
    if (changes === 'connection') return requeueAll();
    for (const machine of [...changes.machines, ...changes.gone]) requeueMachine(machine);
    if (changes.pools)
      for (const { store, loop } of [
        { store: watched.instances.store, loop: instances },
        { store: watched.volumes.store, loop: volumes },
      ])
        for (const key of store.keys()) loop.add(key);
  };

  const machineOf = (namespace: string, volume: string) => watched.machines.store.byIndex('volume', `${namespace}/${volume}`);
  watched.volumes.store.subscribe((change) => {
    const { metadata } = change.kind === 'deleted' ? change.previous : change.object;
    for (const machine of machineOf(metadata.namespace, metadata.name)) machines.add(`${metadata.namespace}/${machine.metadata.name}`);
  });
  watched.machines.store.subscribe((change) => {
    hypervisors.add(name);
    const { metadata } = change.kind === 'deleted' ? change.previous : change.object;
    for (const volume of watched.volumes.store.byIndex('claim', metadata.uid))
      volumes.add(`${volume.metadata.namespace}/${volume.metadata.name}`);
    for (const action of watched.actions.store.byIndex('machine', `${metadata.namespace}/${metadata.name}`))
      actions.add(`${action.metadata.namespace}/${action.metadata.name}`);
  });
  watched.actions.store.subscribe((change) => {
    const { metadata, spec } = change.kind === 'deleted' ? change.previous : change.object;
    machines.add(`${metadata.namespace}/${spec.machineRef.name}`);
  });
  watched.instances.store.subscribe((change) => {
    const { metadata } = change.kind === 'deleted' ? change.previous : change.object;
    for (const volume of watched.volumes.store.byIndex('instance', metadata.name))
      volumes.add(`${volume.metadata.namespace}/${volume.metadata.name}`);
  });
  watched.pools.store.subscribe(({ key }) => {
    for (const { metadata } of watched.instances.store.byIndex('pool', key)) instances.add(metadata.name);
  });
  watched.hypervisors.store.subscribe(() => requeueAll());

  requeueAll();
  hypervisors.add(name);
  try {
    await Promise.all([
      ...[machines, volumes, instances, actions, hypervisors].map((loop) => loop.run(signal)),
      host.run(signal),
      heartbeat(
        { client, namespace, name: leaseOf(name), identity, onError: (error) => onTrouble(`lease of host ${name}`, error) },
        signal,
      ),
    ]);
  } finally {
    await jobs.cancelAll();
  }
}
