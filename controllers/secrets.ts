import type { Hypervisor } from '#crds/types.js';
import { Credentials } from '#drivers/target.js';
import { isOwnedBy, type KubernetesObject, type ObjectMeta, type Resource } from './kubernetes/resource.js';

export const secrets: Resource = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret', namespaced: true };

export interface Secret {
  readonly metadata: ObjectMeta;
  readonly data: Credentials;
}

/** Throws a TypeError that names the field and never quotes it. */
export function decodeSecret({ metadata, data }: KubernetesObject): Secret {
  const entries = Object.entries((data as object | null | undefined) ?? {}) as readonly (readonly [string, unknown])[];
  const values = entries.map(([key, value]) => {
    if (typeof value !== 'string') throw new TypeError(`data[${JSON.stringify(key)}] is ${typeof value}, not base64 text`);
    return [key, Buffer.from(value, 'base64')] as const;
  });
  return { metadata, data: new Credentials(values) };
}

export const encodeData = (data: Credentials): Readonly<Record<string, string>> =>
  Object.fromEntries(data.keys.map((key) => [key, Buffer.from(data.get(key) ?? []).toString('base64')]));

/** The copy that the agent of a host may read, in the operator's namespace. */
export const copyPrefix = 'virtwright-host-';
export const copyOf = (hypervisor: string): string => `${copyPrefix}${hypervisor}`;

/** On a copy: whose it is. */
export const hostLabel = 'virtwright.io/hypervisor';
/** On a copy: the Secret it was made from. */
export const sourceAnnotation = 'virtwright.io/credentials-from';

export const isCopy = ({ metadata }: Secret): boolean => metadata.name === copyOf(metadata.labels?.[hostLabel] ?? '');

/** Not for one of this name that was, nor of another Secret: what was meant for one host is never sent to another. */
export const isCopyFor = ({ metadata, spec }: Hypervisor, copy: Secret): boolean =>
  isCopy(copy) && isOwnedBy(copy.metadata, metadata) && copy.metadata.annotations?.[sourceAnnotation] === spec.credentialsSecretName;
