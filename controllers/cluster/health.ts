import type { Condition, Hypervisor, HypervisorStatus, VirtualMachineStatus } from '#crds/types.js';
import type { Binder } from '../binder.js';
import { conditions, isUnknown, readiness } from '../conditions.js';
import type { Client } from '../kubernetes/client.js';
import { type Clock, systemClock } from '../kubernetes/clock.js';
import { createLeaseObserver, decodeLease, type Lease, leases as leaseResource } from '../kubernetes/lease.js';
import { getNow } from '../kubernetes/now.js';
import { type KubernetesObject, keyOf } from '../kubernetes/resource.js';
import type { ReadonlyStore } from '../kubernetes/store.js';
import { leaseOf } from '../lease-names.js';
import { publishStatus, type Reconcilable } from '../loop.js';
import type { Outcome } from '../reconcile.js';
import type { Watched } from '../watched.js';

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
  await sayAllUnknown({ client, watched }, hypervisor.metadata.name, message, signal);
  return again;
}

/** Of everything that the host has: who reads that it is Ready would count on it. */
async function sayAllUnknown(
  { client, watched }: Pick<Binder, 'client' | 'watched'>,
  host: string,
  message: string,
  signal: AbortSignal,
): Promise<void> {
  const say = async <R extends Told>(kind: Watched<R, string>, objects: readonly R[], more: object = {}) => {
    for (const object of objects)
      await publishStatus({ client, ...kind }, object, { ...object.status, ...more, conditions: unknownNow(object, message) }, signal);
  };
  const { machines, volumes, instances, networkInstances } = watched;
  const power: VirtualMachineStatus['power'] = { state: 'Unknown', reason: 'Unknown' };
  await say(machines, machines.store.byIndex('host', host), { printableStatus: 'Unknown', power });
  const bound = volumes.store.list().filter(({ status }) => status?.hypervisor === host);
  await say(volumes, bound, { printableStatus: 'Unknown' });
  const here = <I extends { readonly spec: { readonly hypervisor: string } }>(all: readonly I[]) =>
    all.filter(({ spec }) => spec.hypervisor === host);
  await say(instances, here(instances.store.list()));
  await say(networkInstances, here(networkInstances.store.list()));
}

interface Told extends Reconcilable {
  readonly metadata: KubernetesObject['metadata'] & { readonly generation: number };
  readonly status?: { readonly observedGeneration?: number; readonly conditions?: readonly Condition[] };
}

function unknownNow({ metadata, status: before }: Told, message: string): readonly Condition[] {
  const generation = before?.observedGeneration ?? metadata.generation;
  const spoken = conditions(before?.conditions, generation, Date.now(), readiness({ kind: 'unknown', reason: 'AgentSilent', message }));
  const rest = (before?.conditions ?? []).filter(({ type }) => !spoken.some((one) => one.type === type));
  return [...spoken, ...rest];
}
