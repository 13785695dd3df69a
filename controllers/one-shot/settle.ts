import { setTimeout as sleep } from 'node:timers/promises';
import { hostKinds } from '../foresight/kinds.js';
import { standingOf } from '../foresight/standing.js';
import type { Client } from '../kubernetes/client.js';
import type { KubernetesObject } from '../kubernetes/resource.js';

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
  /** Whether the host was reached, and read. */
  readonly isRead: () => boolean;
}

/** All that the host is to have, once each is ready, stalled, or does not get on. */
export async function settled(
  client: Client,
  { steps, acts, isRead }: Doings,
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
    // A far host, or a large one, is long in coming: until then there is nothing that could move.
    if (now !== last || !isRead()) [last, since] = [now, Date.now()];
    if ((isRead() && Date.now() - since > quietMs) || Date.now() > end) return objects;
    await sleep(lookMs, undefined, { signal });
  }
}

async function listed(client: Client, signal: AbortSignal): Promise<readonly KubernetesObject[]> {
  const found: KubernetesObject[] = [];
  for (const resource of hostKinds) for await (const page of client.pages(resource, {}, signal)) found.push(...page.items);
  return found;
}
