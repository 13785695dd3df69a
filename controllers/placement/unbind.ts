import type { VirtualMachine, VirtualMachineStatus } from '#crds/types.js';
import type { Binder } from '../binder.js';
import { conditions, readiness } from '../conditions.js';
import { publishStatus } from '../loop.js';

/**
 * Takes a machine's host from it, in one write, with the resourceVersion that was seen: from then on no agent sees it, and it is placed as
 * any other. What it went through goes with it, so that who ran once does not run again; what only that host knew of it is forgotten, its name
 * there too, and of an evacuation all but where room is kept. To be called only when nothing of it runs there, or somebody vouched for that,
 * and another host has room for it.
 */
export async function unbindMachine(
  { client, watched }: Pick<Binder, 'client' | 'watched'>,
  machine: VirtualMachine,
  { reason, message }: { readonly reason: string; readonly message: string },
  signal: AbortSignal,
): Promise<void> {
  await publishStatus({ client, ...watched.machines }, machine, unbound(machine, reason, message, Date.now()), signal);
}

/** Pure. */
export function unbound({ metadata, status }: VirtualMachine, reason: string, message: string, now: number): VirtualMachineStatus {
  const { evacuation, ...before } = status ?? {};
  const { hypervisor: _1, seedPool: _2, guest: _3, pendingChanges: _4, placement: _5, hardware: _6, nativeName: _7, ...its } = before;
  const { adopted: _8, adoptedWith: _9, ...rest } = its;
  const { from, to } = evacuation ?? {};
  const wasThere = status?.hardware !== undefined || status?.adopted === true;
  return {
    ...rest,
    observedGeneration: metadata.generation,
    printableStatus: 'Moving',
    ...(wasThere && status.hypervisor !== undefined ? { movedFrom: status.hypervisor } : {}),
    ...(from === undefined || to === undefined ? {} : { evacuation: { from, to } }),
    power: { state: 'Unknown', reason: 'Unknown' },
    conditions: conditions(status?.conditions, metadata.generation, now, readiness({ kind: 'reconciling', reason, message })),
  };
}
