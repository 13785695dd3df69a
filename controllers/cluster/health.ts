import type { Hypervisor, HypervisorStatus, VirtualMachine, VirtualMachineStatus } from '#crds/types.js';
import type { Binder } from '../binder.js';
import { conditions, isUnknown, readiness } from '../conditions.js';
import type { Client } from '../kubernetes/client.js';
import { type Clock, systemClock } from '../kubernetes/clock.js';
import { createLeaseObserver, decodeLease, type Lease, leases as leaseResource } from '../kubernetes/lease.js';
import { getNow } from '../kubernetes/now.js';
import { keyOf } from '../kubernetes/resource.js';
import type { ReadonlyStore } from '../kubernetes/store.js';
import { leaseOf } from '../lease-names.js';
import { publishStatus } from '../loop.js';
import type { Outcome } from '../reconcile.js';

/** While a host's agent is silent, the controller speaks for it, and says only that nobody knows. */
export type AgentIsSilent = (hypervisor: string, signal: AbortSignal) => Promise<boolean>;

const recheckMs = 5_000;

/**
 * An agent is silent when its Lease was not renewed for as long as it lasts, as far as we have seen. What a watch shows may have come to a
 * stand, for all hosts at once: the Lease itself is looked at before an agent is called silent. An agent that cannot renew its Lease but
 * speaks all the same is contradicted every few seconds, not at each of its words.
 */
export function silentAgents({ client, namespace, leases }: Leases, clock: Clock = systemClock): AgentIsSilent {
  const seen = createLeaseObserver(clock);
  const asked = new Map<string, number>();
  leases.subscribe((change) => {
    if (change.kind === 'deleted') seen.forget(change.key);
    else seen.observe(change.object);
  });
  for (const lease of leases.list()) seen.observe(lease);
  return async (hypervisor, signal) => {
    const ref = { namespace, name: leaseOf(hypervisor) };
    const now = clock.monotonic();
    if (!seen.expired(keyOf(ref)) || now - (asked.get(hypervisor) ?? Number.NEGATIVE_INFINITY) < recheckMs / 2) return false;
    asked.set(hypervisor, now);
    const lease = await getNow(client, leaseResource, ref, signal);
    if (lease !== undefined) seen.observe(decodeLease(lease));
    return seen.expired(keyOf(ref));
  };
}

interface Leases {
  readonly client: Client;
  readonly namespace: string;
  readonly leases: ReadonlyStore<Lease>;
}

export async function watchOver(
  { client, watched }: Binder,
  hypervisor: Hypervisor,
  silent: AgentIsSilent,
  signal: AbortSignal,
): Promise<Outcome> {
  const again: Outcome = { kind: 'progressing', recheckMs, because: 'its agent may fall silent' };
  if (!(await silent(hypervisor.metadata.name, signal))) return again;
  const message = `the agent of ${hypervisor.metadata.name} does not renew its Lease; see that it runs`;
  const status: HypervisorStatus = {
    ...hypervisor.status,
    observedGeneration: hypervisor.metadata.generation,
    conditions: conditions(hypervisor.status?.conditions, hypervisor.metadata.generation, Date.now(), {
      ...readiness({ kind: 'unknown', reason: 'AgentSilent', message }),
      Connected: isUnknown('AgentSilent', message),
    }),
  };
  await publishStatus({ client, ...watched.hypervisors }, hypervisor, status, signal);
  for (const machine of watched.machines.store.byIndex('host', hypervisor.metadata.name))
    await sayUnknown({ client, watched }, machine, message, signal);
  return again;
}

async function sayUnknown(
  { client, watched }: Pick<Binder, 'client' | 'watched'>,
  machine: VirtualMachine,
  message: string,
  signal: AbortSignal,
): Promise<void> {
  const { metadata, status: before } = machine;
  const generation = before?.observedGeneration ?? metadata.generation;
  const spoken = conditions(before?.conditions, generation, Date.now(), readiness({ kind: 'unknown', reason: 'AgentSilent', message }));
  const rest = (before?.conditions ?? []).filter(({ type }) => !spoken.some((one) => one.type === type));
  const status: VirtualMachineStatus = {
    ...before,
    printableStatus: 'Unknown',
    power: { state: 'Unknown', reason: 'Unknown' },
    conditions: [...spoken, ...rest],
  };
  await publishStatus({ client, ...watched.machines }, machine, status, signal);
}
