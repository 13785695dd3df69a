import { uuidOf } from '../derived-uuid.js';
import { kinds } from '../foresight/kinds.js';
import type { Resource } from '../kubernetes/resource.js';

/** An object as a file has it. */
export interface Written {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly annotations?: Readonly<Record<string, string>> };
  readonly [field: string]: unknown;
}

export const resourceOf = ({ apiVersion, kind }: Pick<Written, 'apiVersion' | 'kind'>): Resource | undefined =>
  kinds.find((one) => one.kind === kind && apiVersion === (one.group === '' ? one.version : `${one.group}/${one.version}`));

type UidOf = (resource: Pick<Resource, 'group' | 'kind'>, namespace: string, name: string) => string;

const takeOver = 'virtwright.io/take-over';
const usualHost = 'host';

/** What the files say, with a namespace each and the one host that is meant: theirs, if they have one, by the given URI. Throws what is wrong. */
export function objectsFor(
  written: readonly Written[],
  uri: string,
  namespace: string,
): { readonly objects: readonly Written[]; readonly host: string } {
  const unknown = written.find((one) => resourceOf(one) === undefined);
  if (unknown !== undefined)
    throw new Error(
      `${unknown.kind} "${unknown.metadata.name}" (${unknown.apiVersion}): one host alone has ${kinds.map(({ kind }) => kind).join(', ')}`,
    );
  const shared = written.find(isShared);
  if (shared !== undefined)
    throw new Error(
      `StoragePool "${shared.metadata.name}": other hosts see its store, and only a server knows who has which disk; accepted with --host is what this host has for itself`,
    );
  const hosts = written.filter(({ kind }) => kind === 'Hypervisor');
  if (hosts.length > 1)
    throw new Error(`${hosts.length} Hypervisors in the files, and one host is meant by --host; accepted is one at most`);
  const [own = { apiVersion: 'virtwright.io/v1alpha1', kind: 'Hypervisor', metadata: { name: usualHost } } as Written] = hosts;
  const spec = typeof own['spec'] === 'object' && own['spec'] !== null ? own['spec'] : {};
  // Objects have the uids that they had in earlier runs: what these made on the host is theirs.
  const annotations = { [takeOver]: 'Own', ...own.metadata.annotations };
  const host = { ...own, metadata: { ...own.metadata, annotations }, spec: { ...defaultPool(written), ...spec, uri } };
  const others = written.filter(({ kind }) => kind !== 'Hypervisor').map((one) => placed(one, namespace));
  const spaces = [...new Set(others.flatMap(({ metadata }) => metadata.namespace ?? []))].filter(
    (name) => name !== 'default' && !others.some((one) => one.kind === 'Namespace' && one.metadata.name === name),
  );
  const made = spaces.map((name): Written => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }));
  return { objects: inOrder([...made, host, ...others]), host: own.metadata.name };
}

/** The same files give the same uids on every host: two of them would take each other's volumes for their own. */
function isShared({ kind, spec }: Written): boolean {
  if (kind !== 'StoragePool' || typeof spec !== 'object' || spec === null) return false;
  return ['nfs', 'gluster', 'smb', 'iscsi', 'rbd'].some((field) => field in spec) || ('span' in spec && spec.span === 'Shared');
}

/** The only pool that there is, is the one that is meant. */
function defaultPool(written: readonly Written[]): object {
  const pools = written.filter(({ kind }) => kind === 'StoragePool');
  return pools.length === 1 ? { defaultPoolRef: { name: pools[0]?.metadata.name } } : {};
}

function placed(one: Written, namespace: string): Written {
  if (resourceOf(one)?.namespaced !== true) return one;
  return { ...one, metadata: { ...one.metadata, namespace: one.metadata.namespace ?? namespace } };
}

const rank = (one: Written): number => {
  const resource = resourceOf(one);
  return resource === undefined ? kinds.length : kinds.indexOf(resource);
};

export const inOrder = (objects: readonly Written[]): readonly Written[] => [...objects].sort((one, other) => rank(one) - rank(other));

/**
 * The same object has the same uid in every run, which is how its machine is known again: nothing but the host remembers the last one. Two clusters, of the
 * same name in two users' hands, would have the same; the mark on the host has the cluster's name beside it.
 */
export function lastingUid(cluster: string): UidOf {
  return ({ group, kind }, namespace, name) => uuidOf(['virtwright.io/one-shot', cluster, group, kind, namespace, name]);
}
