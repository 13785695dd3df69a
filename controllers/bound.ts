import type { KubernetesObject } from './kubernetes/resource.js';

/** `host/uid`, written with the finalizer: an object restored or copied elsewhere shows by a uid that is not its own. */
export const boundAnnotation = 'virtwright.io/bound';

/** The host and uid of an earlier binding, as far as there is one. */
export function boundTo({ metadata }: Pick<KubernetesObject, 'metadata'>): { readonly host: string; readonly uid: string } | undefined {
  const [host, uid] = metadata.annotations?.[boundAnnotation]?.split('/') ?? [];
  return host === undefined || uid === undefined ? undefined : { host, uid };
}
