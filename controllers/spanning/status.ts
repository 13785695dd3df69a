import type { Condition, StoragePoolStatus } from '#crds/types.js';
import { conditions, isReady, readiness, type Standing } from '../conditions.js';
import type { KubernetesObject } from '../kubernetes/resource.js';

/** Declared once, and on many hosts. */
export interface Spanning extends KubernetesObject {
  readonly spec: {
    readonly hypervisorSelector?: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly span?: 'PerHost' | 'Shared';
  };
  readonly status?: StoragePoolStatus;
}

/** What it is on one of them. */
export interface Instance extends KubernetesObject {
  readonly spec: { readonly hypervisor: string };
  readonly status?: {
    readonly conditions?: readonly Condition[];
    readonly networkGeneration?: number;
    readonly capacity?: string;
    readonly available?: string;
  };
}

const mostFailuresNamed = 10;

/** How a pool or a network fares on its hosts. Pure. */
export function spanningStatus(
  { metadata, spec, status: before }: Spanning,
  instances: readonly Instance[],
  wanted: readonly string[],
  now: number,
): StoragePoolStatus {
  const generation = metadata.generation ?? 0;
  // One that has not seen the newest spec yet is ready for an older one.
  const isUpToDate = (instance: Instance) => isReady(instance) && (instance.status?.networkGeneration ?? generation) >= generation;
  const ready = instances.filter((instance) => wanted.includes(instance.spec.hypervisor) && isUpToDate(instance));
  const failing = instances
    .filter((instance) => !isUpToDate(instance))
    .map(({ spec, status }) => ({
      hypervisor: spec.hypervisor,
      message: status?.conditions?.find(({ type }) => type === 'Ready')?.message || 'not reported yet',
    }))
    .sort((a, b) => a.hypervisor.localeCompare(b.hypervisor))
    .slice(0, mostFailuresNamed);
  const goes = metadata.deletionTimestamp !== undefined;
  const stands = standing({ goes, wanted: wanted.length, ready: ready.length, left: instances.map(({ spec: one }) => one.hypervisor) });
  return {
    observedGeneration: generation,
    hosts: { desired: wanted.length, ready: ready.length },
    ...(spec.span === 'Shared' ? room(ready) : {}),
    ...(failing.length === 0 ? {} : { failing }),
    conditions: conditions(before?.conditions, generation, now, readiness(stands)),
  };
}

/** Of the one store, as one of the hosts sees it: the first by name, so that it is not told by turns. */
function room(ready: readonly Instance[]): Pick<StoragePoolStatus, 'capacity' | 'available'> {
  const [first] = [...ready].sort((a, b) => a.spec.hypervisor.localeCompare(b.spec.hypervisor));
  const { capacity, available } = first?.status ?? {};
  return { ...(capacity === undefined ? {} : { capacity }), ...(available === undefined ? {} : { available }) };
}

interface Counts {
  readonly goes: boolean;
  readonly wanted: number;
  readonly ready: number;
  readonly left: readonly string[];
}

function standing({ goes, wanted, ready, left }: Counts): Standing {
  if (goes) return { kind: 'reconciling', reason: 'Deleting', message: `waiting for ${hostsIn(left)} to let go of it` };
  if (wanted === 0) return { kind: 'reconciling', reason: 'NoHypervisor', message: 'no Hypervisor is selected by it' };
  if (ready < wanted) return { kind: 'reconciling', reason: 'NotEverywhere', message: `ready on ${ready} of ${wanted} hosts` };
  return { kind: 'ready', reason: 'Everywhere', message: '' };
}

function hostsIn(names: readonly string[]): string {
  const some = [...names].sort().slice(0, 3).join(', ');
  return names.length > 3 ? `${some} and ${names.length - 3} more hosts` : some;
}
