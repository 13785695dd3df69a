import type { Condition } from '#crds/types.js';
import type { KubernetesObject } from '../kubernetes/resource.js';

/** Whether an object has come where it can come. */
export type Standing =
  | { readonly kind: 'ready' }
  | { readonly kind: 'stalled'; readonly reason: string; readonly message: string }
  | { readonly kind: 'underway'; readonly reason: string; readonly message: string };

interface Told {
  readonly observedGeneration?: number;
  readonly conditions?: readonly Condition[];
}

export function standingOf({ metadata, status }: KubernetesObject): Standing {
  const { observedGeneration, conditions = [] } = (status ?? {}) as Told;
  const of = (type: string) => conditions.find((one) => one.type === type);
  const [ready, stalled] = [of('Ready'), of('Stalled')];
  const isCurrent = observedGeneration === undefined || observedGeneration === metadata.generation;
  if (isCurrent && stalled?.status === 'True') return { kind: 'stalled', reason: stalled.reason, message: stalled.message };
  if (isCurrent && ready?.status === 'True') return { kind: 'ready' };
  return { kind: 'underway', reason: ready?.reason ?? 'Waiting', message: ready?.message ?? 'nothing is known of it yet' };
}
