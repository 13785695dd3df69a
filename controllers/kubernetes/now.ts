import type { Client } from './api.js';
import { ApiError } from './error.js';
import type { KubernetesObject, ObjectRef, Resource } from './resource.js';

/** As the API server has it now; undefined when there is none. For what would be wrong if a watch had only not come so far yet. */
export async function getNow(
  client: Client,
  resource: Resource,
  ref: ObjectRef,
  signal: AbortSignal,
): Promise<KubernetesObject | undefined> {
  return client.get(resource, ref, signal).catch((reason) => {
    if (ApiError.is(reason, 'NotFound')) return undefined;
    throw reason;
  });
}

/** Only as it was seen: what was changed since is looked at anew. Gone is as good. */
export async function deleteSeen(
  client: Client,
  resource: Resource,
  { metadata }: Pick<KubernetesObject, 'metadata'>,
  signal: AbortSignal,
): Promise<void> {
  const { uid, resourceVersion } = metadata;
  await client.delete(resource, metadata, { uid, resourceVersion }, signal).catch((reason) => {
    if (!ApiError.is(reason, 'NotFound')) throw reason;
  });
}
