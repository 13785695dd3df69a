import { ApiError, type Client, type Selection } from '#controllers/kubernetes/client.js';
import type { KubernetesObject, Resource } from '#controllers/kubernetes/resource.js';
import { isJson, type Json, text } from '../json.js';
import { allObjects } from './follow.js';

/** As kubectl asks for them: what is written as events.k8s.io is there, too. */
export const coreEvents: Resource = { group: '', version: 'v1', plural: 'events', kind: 'Event', namespaced: true };

export interface Happening {
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  /** `VirtualMachine/web`. */
  readonly about: string;
  readonly namespace: string;
  readonly count: number;
  /** Milliseconds since 1970, of the last time; NaN when it is not told. */
  readonly lastAt: number;
}

/** What was told of one object, the oldest first. Undefined for who may not see it. */
export async function eventsAbout(
  client: Client,
  { metadata }: KubernetesObject,
  signal: AbortSignal,
): Promise<readonly Happening[] | undefined> {
  const selection = { namespace: metadata.namespace ?? 'default', fieldSelector: `involvedObject.uid=${metadata.uid}` };
  try {
    return await allEvents(client, selection, signal);
  } catch (reason) {
    if (ApiError.is(reason, 'Forbidden')) return undefined;
    throw reason;
  }
}

export async function allEvents(client: Client, selection: Selection, signal: AbortSignal): Promise<readonly Happening[]> {
  const found = (await allObjects(client, coreEvents, selection, signal)).map(happeningOf);
  return found.sort((a, b) => (a.lastAt || 0) - (b.lastAt || 0));
}

export function happeningOf(event: KubernetesObject): Happening {
  const fields = event as unknown as Json;
  const series = isJson(fields['series']) ? fields['series'] : {};
  const about = isJson(fields['involvedObject']) ? fields['involvedObject'] : {};
  const times = [series['lastObservedTime'], fields['lastTimestamp'], fields['eventTime'], event.metadata.creationTimestamp];
  return {
    type: text(fields['type']),
    reason: text(fields['reason']),
    message: text(fields['message']),
    about: `${text(about['kind'])}/${text(about['name'])}`,
    namespace: event.metadata.namespace ?? '',
    count: Number(series['count'] ?? fields['count']) || 1,
    lastAt: Date.parse(text(times.find((time) => text(time) !== ''))),
  };
}
