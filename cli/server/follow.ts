import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError, type Client, type Selection } from '#controllers/kubernetes/client.js';
import type { KubernetesObject, ObjectRef, Resource } from '#controllers/kubernetes/resource.js';

/** What is listed, and then followed. */
export interface Source<T> {
  list(signal: AbortSignal): Promise<{ readonly items: readonly T[]; readonly resourceVersion: string }>;
  /** Until the server ends it. `expired`: list again. */
  changes(resourceVersion: string, signal: AbortSignal): AsyncIterable<readonly T[] | 'expired'>;
  versionOf(item: T): { readonly uid: string; readonly resourceVersion: string };
}

const betweenTriesMs = 1_000;

/**
 * All there is, then what changes, without end; a deleted one is shown once more. The first list must succeed; after that a server that
 * is away is waited for.
 */
export async function* follow<T>(
  source: Source<T>,
  onTrouble: (reason: ApiError) => void,
  signal: AbortSignal,
): AsyncGenerator<readonly T[]> {
  const shown = new Map<string, string>();
  const news = (items: readonly T[]): readonly T[] =>
    items.filter((item) => {
      const { uid, resourceVersion } = source.versionOf(item);
      const isNew = shown.get(uid) !== resourceVersion;
      shown.set(uid, resourceVersion);
      return isNew;
    });
  for (let first = true; ; first = false)
    try {
      const { items, resourceVersion } = await source.list(signal);
      const fresh = news(items);
      if (first || fresh.length > 0) yield fresh;
      for await (const change of source.changes(resourceVersion, signal)) {
        if (change === 'expired') break;
        yield news(change);
      }
    } catch (reason) {
      if (first || !ApiError.is(reason, 'Unavailable', 'TooManyRequests', 'Internal', 'Expired')) throw reason;
      onTrouble(reason);
      await sleep(betweenTriesMs, undefined, { signal });
    }
}

/** All that is selected, as it is now. */
export async function allObjects(
  client: Client,
  resource: Resource,
  selection: Selection,
  signal: AbortSignal,
): Promise<readonly KubernetesObject[]> {
  return (await objectsOf(client, resource, selection).list(signal)).items;
}

/** Objects, as a source. */
export const objectsOf = (client: Client, resource: Resource, selection: Selection): Source<KubernetesObject> => ({
  async list(signal) {
    const items: KubernetesObject[] = [];
    let resourceVersion = '';
    for await (const page of client.pages(resource, selection, signal)) {
      items.push(...page.items);
      resourceVersion = page.resourceVersion;
    }
    return { items, resourceVersion };
  },
  async *changes(resourceVersion, signal) {
    for await (const event of client.watch(resource, { ...selection, resourceVersion }, signal)) {
      if (event.kind === 'expired') yield 'expired';
      else if (event.kind !== 'bookmark') yield [event.object];
    }
  },
  versionOf: ({ metadata }) => metadata,
});

/** One object as it is, whenever it changes; undefined while it is not there. Without end. */
export async function* followOne(
  client: Client,
  resource: Resource,
  ref: ObjectRef,
  signal: AbortSignal,
): AsyncGenerator<KubernetesObject | undefined> {
  const { name, namespace } = ref;
  const selection = { fieldSelector: `metadata.name=${name}`, ...(namespace === undefined ? {} : { namespace }) };
  for (;;)
    try {
      const page = await client.list(resource, selection, signal);
      yield page.items[0];
      for await (const event of client.watch(resource, { ...selection, resourceVersion: page.resourceVersion }, signal)) {
        if (event.kind === 'expired') break;
        if (event.kind !== 'bookmark') yield event.kind === 'deleted' ? undefined : event.object;
      }
    } catch (reason) {
      if (!ApiError.is(reason, 'Unavailable', 'TooManyRequests', 'Internal', 'Expired')) throw reason;
      await sleep(betweenTriesMs, undefined, { signal });
    }
}
