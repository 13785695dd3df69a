import type { Hypervisor } from '#crds/types.js';
import type { ReadonlyStore } from './kubernetes/store.js';
import { covers, type Namespace } from './namespaces.js';

/** What a Hypervisor grants to a namespace. Looked up at every pass: a grant that is taken away is not used again. */
export const granted = (
  field: 'addresses' | 'networks' | 'bridges' | 'devices' | 'subnets' | 'hostPaths' | 'machines' | 'volumes',
  hypervisor: Hypervisor | undefined,
  namespace: string,
  known: ReadonlyStore<Namespace>,
): readonly string[] =>
  (hypervisor?.spec.grants ?? []).filter(({ namespaces }) => covers(namespaces, namespace, known)).flatMap((grant) => grant[field] ?? []);

/** The most that any grant gives; undefined where none speaks of it. */
export function mostGranted(
  field: 'cpuShares',
  hypervisor: Hypervisor | undefined,
  namespace: string,
  known: ReadonlyStore<Namespace>,
): number | undefined {
  const covering = (hypervisor?.spec.grants ?? []).filter(({ namespaces }) => covers(namespaces, namespace, known));
  const given = covering.flatMap((grant) => grant[field] ?? []);
  return given.length === 0 ? undefined : Math.max(...given);
}

/** The same of what is granted or is not. */
export const isGranted = (
  field: 'privilegedContainers',
  hypervisor: Hypervisor | undefined,
  namespace: string,
  known: ReadonlyStore<Namespace>,
): boolean => (hypervisor?.spec.grants ?? []).some((grant) => grant[field] === true && covers(grant.namespaces, namespace, known));
