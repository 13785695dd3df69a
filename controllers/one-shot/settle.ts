import { setTimeout as sleep } from 'node:timers/promises';
import type { Condition } from '#crds/types.js';
import type { Client } from '../kubernetes/client.js';
import type { KubernetesObject } from '../kubernetes/resource.js';
import { hostKinds } from './objects.js';

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

export interface Patience {
  /** So long nothing changes in what waits: it waits for what does not come. */
  readonly quietMs: number;
  readonly timeoutMs: number;
}

const lookMs = 50;
/** Between two acts of one pass nothing is under way. */
const looksOfCalm = 3;

export interface Doings {
  /** Steps so far. */
  readonly steps: () => number;
  /** Acts that were begun and have not ended. */
  readonly acts: () => number;
}

/** All that the host is to have, once each is ready, stalled, or does not get on. */
export async function settled(
  client: Client,
  { steps, acts }: Doings,
  { quietMs, timeoutMs }: Patience,
  signal: AbortSignal,
): Promise<readonly KubernetesObject[]> {
  const end = Date.now() + timeoutMs;
  let [last, since, calm] = ['', Date.now(), 0];
  for (;;) {
    const objects = await listed(client, signal);
    const standings = objects.map(standingOf);
    // Some say Ready before their last act, as what follows takes nothing from that: it is seen through all the same.
    calm = acts() === 0 && standings.every(({ kind }) => kind !== 'underway') ? calm + 1 : 0;
    if (calm === looksOfCalm) return objects;
    const now = JSON.stringify([steps(), standings]);
    if (now !== last) [last, since] = [now, Date.now()];
    if (Date.now() - since > quietMs || Date.now() > end) return objects;
    await sleep(lookMs, undefined, { signal });
  }
}

async function listed(client: Client, signal: AbortSignal): Promise<readonly KubernetesObject[]> {
  const found: KubernetesObject[] = [];
  for (const resource of hostKinds) for await (const page of client.pages(resource, {}, signal)) found.push(...page.items);
  return found;
}
