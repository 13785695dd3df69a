import type { Condition, Hypervisor, HypervisorStatus, VirtualMachineStatus } from '#crds/types.js';
import type { Binder } from '../binder.js';
import { conditions, type Finding, isUnknown, readiness, type Standing, withCondition } from '../conditions.js';
import { seeToHold } from '../held-hosts.js';
import type { Client } from '../kubernetes/client.js';
import { type Clock, systemClock } from '../kubernetes/clock.js';
import { createLeaseObserver, decodeLease, type Lease, leases as leaseResource } from '../kubernetes/lease.js';
import { getNow } from '../kubernetes/now.js';
import { type KubernetesObject, keyOf } from '../kubernetes/resource.js';
import type { ReadonlyStore } from '../kubernetes/store.js';
import { leaseOf } from '../lease-names.js';
import { publishStatus, type Reconcilable } from '../loop.js';
import { fenced, outOfService, outOfServiceAnnotation, wordOf } from '../out-of-service.js';
import type { Outcome } from '../reconcile.js';
import type { Watched } from '../watched.js';
import { letGo, type Staying } from './let-go.js';
import { judgeWord } from './word.js';

/** While a host's agent is silent, the controller speaks for it, and says only that nobody knows. Undefined: asked a moment ago. */
export type AgentIsSilent = (hypervisor: string, signal: AbortSignal) => Promise<boolean | undefined>;

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
    // One that is taken away by hand says nothing of who held it.
    if (change.kind !== 'deleted') seen.observe(change.object);
  });
  for (const lease of leases.list()) seen.observe(lease);
  return async (hypervisor, signal) => {
    const ref = { namespace, name: leaseOf(hypervisor) };
    const now = clock.monotonic();
    if (!seen.silent(keyOf(ref))) return false;
    if (now - (asked.get(hypervisor) ?? Number.NEGATIVE_INFINITY) < recheckMs / 2) return undefined;
    asked.set(hypervisor, now);
    const lease = await getNow(client, leaseResource, ref, signal);
    if (lease !== undefined) seen.observe(decodeLease(lease));
    return seen.silent(keyOf(ref));
  };
}

interface Leases {
  readonly client: Client;
  readonly namespace: string;
  readonly leases: ReadonlyStore<Lease>;
}

/** Speaks for a host whose agent is silent, and lets go of it when somebody vouched that it is off. */
export async function watchOver(binder: Binder, hypervisor: Hypervisor, silent: AgentIsSilent, signal: AbortSignal): Promise<Outcome> {
  const released = await seeToHold(binder, hypervisor, signal);
  if (released !== undefined) return released;
  const again: Outcome = { kind: 'progressing', recheckMs, because: 'its agent may fall silent' };
  const isSilent = await silent(hypervisor.metadata.name, signal);
  if (isSilent === undefined) return again;
  const word = judgeWord(hypervisor, isSilent);
  const { client, watched } = binder;
  const told = isSilent ? spokenFor(hypervisor, word) : withWord(hypervisor, word);
  const fresh = await publishStatus({ client, ...watched.hypervisors }, hypervisor, told, signal);
  const staying = word?.status === 'True' ? await letGo(binder, fresh, signal) : new Map<string, string>();
  if (isSilent || word !== undefined) await sayAllUnknown(binder, fresh, { isSilent, staying }, signal);
  return again;
}

function withWord({ metadata, status = {} }: Hypervisor, word: Finding | undefined): HypervisorStatus {
  if (word === undefined && status.conditions?.some(({ type }) => type === outOfService) !== true) return status;
  return { ...status, conditions: withCondition(status.conditions, metadata.generation, Date.now(), outOfService, word) };
}

/** What is said of a host whose agent is silent, by the controller in its place. Pure but for the time. */
export function spokenFor({ metadata, status }: Hypervisor, word: Finding | undefined): HypervisorStatus {
  const message = silence(metadata.name);
  const stands: Standing =
    word === undefined
      ? { kind: 'unknown', reason: 'AgentSilent', message }
      : { kind: 'stalled', reason: outOfService, message: word.message ?? '' };
  return {
    ...status,
    observedGeneration: metadata.generation,
    conditions: conditions(status?.conditions, metadata.generation, Date.now(), {
      ...readiness(stands),
      Connected: isUnknown('AgentSilent', message),
      ...(word === undefined ? {} : { [outOfService]: word }),
    }),
  };
}

const silence = (host: string): string => `the agent of ${host} does not renew its Lease; see that it runs`;

/** Of everything that the host has: who reads that it is Ready would count on it. */
async function sayAllUnknown(
  { client, watched }: Pick<Binder, 'client' | 'watched'>,
  hypervisor: Hypervisor,
  { isSilent, staying }: { readonly isSilent: boolean; readonly staying: Staying },
  signal: AbortSignal,
): Promise<void> {
  const host = hypervisor.metadata.name;
  const say = async <R extends Told>(kind: Watched<R, string>, objects: readonly R[], more: object = {}) => {
    for (const object of objects) {
      const spoken = unknownNow(object, unknownBecause(hypervisor, object, staying));
      await publishStatus({ client, ...kind }, object, { ...object.status, ...more, conditions: spoken }, signal);
    }
  };
  const { machines, volumes, instances, networkInstances } = watched;
  const power: VirtualMachineStatus['power'] = { state: 'Unknown', reason: 'Unknown' };
  await say(machines, machines.store.byIndex('host', host), { printableStatus: 'Unknown', power });
  await say(volumes, volumes.store.byIndex('host', host), { printableStatus: 'Unknown' });
  const here = <I extends { readonly spec: { readonly hypervisor: string } }>(all: readonly I[]) =>
    all.filter(({ spec }) => spec.hypervisor === host);
  // An agent that keeps its hands off sees to its pools all the same.
  if (isSilent) await say(instances, here(instances.store.list()));
  await say(networkInstances, here(networkInstances.store.list()));
}

interface Why {
  readonly reason: string;
  readonly message: string;
}

/** What is to go waits for its host: who wants to be rid of it is told how. */
function unknownBecause(hypervisor: Hypervisor, { metadata }: Told, staying: Staying): Why {
  const host = hypervisor.metadata.name;
  if (wordOf(hypervisor) !== undefined) {
    const why = staying.get(metadata.uid) ?? 'its agent does nothing there until that word is taken away';
    return { reason: outOfService, message: `${host} is out of service: ${why}` };
  }
  if (metadata.deletionTimestamp === undefined) return { reason: 'AgentSilent', message: silence(host) };
  const remedy = `once it is off for good, vouch for that: kubectl annotate hypervisor ${host} ${outOfServiceAnnotation}=${fenced}`;
  return { reason: 'AgentSilent', message: `its deletion waits for ${host}: ${silence(host)}, or, ${remedy}` };
}

interface Told extends Reconcilable {
  readonly metadata: KubernetesObject['metadata'] & { readonly generation: number };
  readonly status?: { readonly observedGeneration?: number; readonly conditions?: readonly Condition[] };
}

function unknownNow({ metadata, status: before }: Told, why: Why): readonly Condition[] {
  const generation = before?.observedGeneration ?? metadata.generation;
  const spoken = conditions(before?.conditions, generation, Date.now(), readiness({ kind: 'unknown', ...why }));
  const rest = (before?.conditions ?? []).filter(({ type }) => !spoken.some((one) => one.type === type));
  return [...spoken, ...rest];
}
