import type { NamespaceChoice } from '#crds/types.js';
import type { KubernetesObject, Resource } from './kubernetes/resource.js';
import type { ReadonlyStore } from './kubernetes/store.js';

export interface Namespace {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly creationTimestamp: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
}

/** Where the operator's own objects are, unless it is told otherwise. */
export const operatorNamespace = 'virtwright-system';

export const namespaces: Resource = { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', namespaced: false };

export const decodeNamespace = ({ metadata }: KubernetesObject): Namespace => ({ metadata });

type Labels = Readonly<Record<string, string>>;

export const matches = (labels: Labels | undefined, wanted: Labels): boolean =>
  Object.entries(wanted).every(([key, value]) => labels?.[key] === value);

/** Whether a grant covers a namespace. One that is not known is covered by `All` alone. */
export function covers({ from, selector }: NamespaceChoice, namespace: string, known: ReadonlyStore<Namespace>): boolean {
  if (from === 'All') return true;
  const found = known.get(namespace);
  return found !== undefined && selector !== undefined && matches(found.metadata.labels, selector.matchLabels);
}
