import type { Hypervisor } from '#crds/types.js';
import type { Capability } from '#drivers/driver.js';

/** The host that an agent's kinds work for, as it stands now. */
export interface HostScope {
  readonly name: string;
  /** What marks on the host call this cluster. */
  readonly cluster: string;
  readonly hypervisor: Hypervisor | undefined;
  /** Of the connected host; empty while there is none. */
  readonly capabilities: readonly Capability[];
}

/** Where somebody says that an object takes over what an earlier one of its name left: the former uid, or `All` on a Hypervisor. */
export const takeOverAnnotation = 'virtwright.io/take-over';

type Annotated = { readonly metadata: { readonly annotations?: Readonly<Record<string, string>> } };

export const takeOverOf = (object: Annotated, { hypervisor }: HostScope): string | undefined =>
  object.metadata.annotations?.[takeOverAnnotation] ?? hypervisor?.metadata.annotations?.[takeOverAnnotation];

/** What an object is called on a host: `prefix.namespace.name`. */
export function nativeName({ hypervisor }: Pick<HostScope, 'hypervisor'>, ...parts: readonly string[]): string {
  const prefix = hypervisor?.spec.namePrefix;
  return [...(prefix === undefined ? [] : [prefix]), ...parts].join('.');
}
