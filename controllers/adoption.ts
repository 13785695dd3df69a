import { granted } from './grants.js';
import type { HostScope } from './host/scope.js';
import type { ReadonlyStore } from './kubernetes/store.js';
import type { Namespace } from './namespaces.js';

/**
 * Where somebody says that an object takes what is on its host already: of a VirtualMachine `true`, and its `spec.uuid` says which; of a
 * StorageVolume the native name of the volume.
 */
export const adoptAnnotation = 'virtwright.io/adopt';

/** Where somebody says that a VirtualMachine, once it is deleted, leaves its machine on the host as it is. */
export const releaseAnnotation = 'virtwright.io/release';

type Annotated = { readonly metadata: { readonly annotations?: Readonly<Record<string, string>> } };

export const adoptOf = ({ metadata }: Annotated): string | undefined => {
  const asked = metadata.annotations?.[adoptAnnotation];
  return asked === '' || asked === 'false' ? undefined : asked;
};

export const isReleased = ({ metadata }: Annotated): boolean => metadata.annotations?.[releaseAnnotation] === 'true';

/** What somebody asked to have taken. */
export interface Adopting {
  readonly name: string;
  /** Why it may not be. */
  readonly ungranted?: string;
}

/** `names`: those by which a grant may name it, the one to be told first. */
export function adopting(
  field: 'machines' | 'volumes',
  names: readonly [string, ...string[]],
  namespace: string,
  host: Pick<HostScope, 'name' | 'hypervisor'>,
  namespaces: ReadonlyStore<Namespace>,
): Adopting {
  const [name] = names;
  const grants = granted(field, host.hypervisor, namespace, namespaces);
  if (grants.some((one) => one === '*' || names.includes(one))) return { name };
  const remedy = `name it in spec.grants[].${field} of that Hypervisor`;
  return { name, ungranted: `${name} may not be adopted by namespace "${namespace}" on ${host.name}; ${remedy}` };
}
