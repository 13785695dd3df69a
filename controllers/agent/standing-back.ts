import { setTimeout as sleep } from 'node:timers/promises';
import type { Hypervisor } from '#crds/types.js';
import { reportHost } from '../hypervisor/report.js';
import { ApiError } from '../kubernetes/client.js';
import type { ReadonlyStore } from '../kubernetes/store.js';
import { publishStatus } from '../loop.js';
import { isOutOfService, stoodBack } from '../out-of-service.js';
import type { Surroundings } from './loops.js';

/**
 * Whether the host is out of service; told once when that is over, or begins. An agent's work then ends and begins anew, with fresh watches: what
 * was bound to another host meanwhile is known before anything is done.
 */
export function followWord(hypervisors: ReadonlyStore<Hypervisor>, name: string, onTurn: () => void): boolean {
  const now = () => {
    const hypervisor = hypervisors.get(name);
    return hypervisor !== undefined && isOutOfService(hypervisor);
  };
  const before = now();
  hypervisors.subscribe(() => now() !== before && onTurn());
  return before;
}

/** Takes back, before the first act, that nothing is done here: the controller may have built on it. */
export async function takeUp(name: string, { client, watched }: Surroundings, signal: AbortSignal): Promise<void> {
  const { store } = watched.hypervisors;
  for (;;) {
    signal.throwIfAborted();
    const hypervisor = store.get(name);
    const connected = hypervisor?.status?.conditions?.find(({ type }) => type === 'Connected');
    if (hypervisor === undefined || connected?.reason !== stoodBack) return;
    try {
      await publishStatus({ client, ...watched.hypervisors }, hypervisor, reportHost(hypervisor, { strays: [] }, Date.now()), signal);
    } catch (reason) {
      if (!ApiError.is(reason)) throw reason;
      await sleep(200, undefined, { signal });
    }
  }
}
