import type { Hypervisor } from '#crds/types.js';
import type { ReadonlyStore } from './kubernetes/store.js';
import { covers, type Namespace } from './namespaces.js';

type ListField = 'addresses' | 'networks' | 'bridges' | 'devices' | 'subnets' | 'vlans' | 'hostPaths' | 'machines' | 'volumes';
type Granted<F extends ListField> = F extends 'vlans' ? number : string;

/** What a Hypervisor grants to a namespace. Looked up at every pass: a grant that is taken away is not used again. */
export const granted = <F extends ListField>(
  field: F,
  hypervisor: Hypervisor | undefined,
  namespace: string,
  known: ReadonlyStore<Namespace>,
): readonly Granted<F>[] =>
  (hypervisor?.spec.grants ?? [])
    .filter(({ namespaces }) => covers(namespaces, namespace, known))
    .flatMap((grant) => (grant[field] ?? []) as readonly Granted<F>[]);

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
