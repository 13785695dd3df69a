import { boundAnnotation, boundTo } from './bound.js';
import { ApiError, type Client } from './kubernetes/client.js';
import type { KubernetesObject, Resource } from './kubernetes/resource.js';

/** Held by every object that has something on a host, until that is gone or deliberately left. */
export const finalizer = 'virtwright.io/host';
type Meta = { readonly metadata: KubernetesObject['metadata'] };

/** Whether finalizer and annotation say that this object is on its way to this host: an earlier try may have got this far with another. */
export function isHeldOn({ metadata }: Meta, host: string): boolean {
  const bound = boundTo({ metadata });
  return (metadata.finalizers?.includes(finalizer) ?? false) && bound?.uid === metadata.uid && bound.host === host;
}

/** One patch, on exactly the object that was seen. */
export async function addFinalizer(
  client: Client,
  resource: Resource,
  { metadata }: Meta,
  host: string,
  signal: AbortSignal,
): Promise<KubernetesObject> {
  const finalizers = [...new Set([...(metadata.finalizers ?? []), finalizer])];
  const annotations = { [boundAnnotation]: `${host}/${metadata.uid}` };
  return client.mergePatch(
    resource,
    metadata,
    { metadata: { finalizers, annotations } },
    { resourceVersion: metadata.resourceVersion },
    signal,
  );
}

/** Lets the object go; gone already is success. */
export async function removeFinalizer(client: Client, resource: Resource, { metadata }: Meta, signal: AbortSignal): Promise<void> {
  const finalizers = (metadata.finalizers ?? []).filter((one) => one !== finalizer);
  if (finalizers.length === (metadata.finalizers ?? []).length) return;
  try {
    await client.mergePatch(resource, metadata, { metadata: { finalizers } }, { resourceVersion: metadata.resourceVersion }, signal);
  } catch (reason) {
    if (!(reason instanceof ApiError) || reason.reason !== 'NotFound') throw reason;
  }
}
