import type { Hypervisor } from '#crds/types.js';
import { reportHost, straysToTell, unownedOf } from '../hypervisor/report.js';
import type { Queue } from '../kubernetes/queue.js';
import { keyOf } from '../kubernetes/resource.js';
import { createLoop, publishStatus } from '../loop.js';
import type { Outcome } from '../reconcile.js';
import type { Surroundings } from './loops.js';

/** Tells what the agent found on its host. */
export function hypervisorLoop({ host, client, watched, metrics, standsBack, onTrouble }: Surroundings): Queue {
  const pass = async (hypervisor: Hypervisor, signal: AbortSignal): Promise<Outcome> => {
    const { connected, failure } = host;
    if (connected === undefined && failure === undefined) return { kind: 'converged' };
    const byUid = (uid: string) => watched.machines.store.byIndex('uid', uid);
    const strays = connected === undefined ? [] : straysToTell(hypervisor, connected.view, host.cluster, byUid);
    const findings = {
      strays,
      standsBack,
      ...(connected === undefined ? {} : { unowned: unownedOf(connected.view.machines, host.cluster, byUid) }),
      ...(connected === undefined ? {} : { description: connected.description }),
      ...(failure === undefined ? {} : { failure }),
      ...(hypervisor.metadata.deletionTimestamp === undefined ? {} : { left: leftOn(watched) }),
    };
    await publishStatus({ client, ...watched.hypervisors }, hypervisor, reportHost(hypervisor, findings, Date.now()), signal);
    return { kind: 'converged' };
  };
  const queue = createLoop({
    store: watched.hypervisors.store,
    workers: 1,
    pass,
    onError: (key, error) => onTrouble(`Hypervisor ${key}`, error),
    observer: metrics.queue('hypervisors'),
  });
  const isToGo = () => host.hypervisor?.metadata.deletionTimestamp !== undefined;
  for (const { store } of holdersOf(watched)) store.subscribe(({ kind }) => kind === 'deleted' && isToGo() && queue.add(host.name));
  return queue;
}

/** Of whom a host is held. */
const holdersOf = ({ machines, volumes, instances, networkInstances }: Surroundings['watched']) =>
  [machines, volumes, instances, networkInstances] as const;

const leftOn = (watched: Surroundings['watched']): readonly string[] =>
  holdersOf(watched).flatMap(({ store }) => store.list().map(({ kind, metadata }) => `${kind} ${keyOf(metadata)}`));
