import { adoptAnnotation, releaseAnnotation } from '#crds/annotations.js';
import { granted } from './grants.js';
import type { HostScope } from './host/scope.js';
import type { ReadonlyStore } from './kubernetes/store.js';
import type { Namespace } from './namespaces.js';

type Annotated = { readonly metadata: { readonly annotations?: Readonly<Record<string, string>> } };

export const adoptOf = ({ metadata }: Annotated): string | undefined => {
  const asked = metadata.annotations?.[adoptAnnotation];
  return asked === '' || asked === 'false' ? undefined : asked;
};

type Seen = { readonly hardware?: object; readonly movedFrom?: string };

/**
 * What was seen to be ours, here or on the host that it left, is no longer to be adopted: should it go, it is made anew like any other, unless
 * `unsaidOf` would be lost. So the annotation may stay in a repository for good.
 */
export const isToBeAdopted = (machine: Annotated & { readonly status?: Seen }): boolean =>
  adoptOf(machine) !== undefined && machine.status?.hardware === undefined && machine.status?.movedFrom === undefined;

/** Adopted, it may be made anew elsewhere from its manifest alone. */
export const mayForget = ({ metadata }: Annotated): boolean => metadata.annotations?.[adoptAnnotation] === 'false';

/** What it was adopted with that no manifest can say, where nobody said that it may be made anew without. */
export const unsaidOf = (machine: Annotated & { readonly status?: { readonly adoptedWith?: string } }): string | undefined =>
  mayForget(machine) ? undefined : machine.status?.adoptedWith;

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
