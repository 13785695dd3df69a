import type { Hypervisor } from '#crds/types.js';
import { reportHost, straysToTell, unownedOf } from '../hypervisor/report.js';
import type { Queue } from '../kubernetes/queue.js';
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
    };
    await publishStatus({ client, ...watched.hypervisors }, hypervisor, reportHost(hypervisor, findings, Date.now()), signal);
    return { kind: 'converged' };
  };
  return createLoop({
    store: watched.hypervisors.store,
    workers: 1,
    pass,
    onError: (key, error) => onTrouble(`Hypervisor ${key}`, error),
    observer: metrics.queue('hypervisors'),
  });
}
