/** Where a kind lives in the API. */
export interface Resource {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

/** As the server gives it, less `managedFields`, which nobody here reads and which outweigh the rest. */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid: string;
  readonly resourceVersion: string;
  /** Absent on kinds that have no spec. */
  readonly generation?: number;
  readonly creationTimestamp: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly OwnerReference[];
}

/** An object as the server sent it: the metadata is checked, what is below it is not. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly spec?: unknown;
  readonly status?: unknown;
  readonly data?: unknown;
}

export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
  readonly lastTransitionTime: string;
  readonly observedGeneration?: number;
}

export interface ObjectRef {
  readonly name: string;
  readonly namespace?: string;
}

/** `namespace/name`, or `name` for what belongs to the cluster: the key of stores and queues. */
export function keyOf(ref: ObjectRef): string {
  return ref.namespace === undefined ? ref.name : `${ref.namespace}/${ref.name}`;
}

/** The way back from `keyOf`. */
export function refOf(key: string): ObjectRef {
  const slash = key.indexOf('/');
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

export function apiVersionOf(resource: Resource): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
}

/** That what goes when this goes has on it. */
export const ownedBy = (resource: Resource, { name, uid }: Pick<ObjectMeta, 'name' | 'uid'>): OwnerReference => ({
  apiVersion: apiVersionOf(resource),
  kind: resource.kind,
  name,
  uid,
  controller: true,
});

/** By uid: another of its name has it not. */
export const isOwnedBy = ({ ownerReferences = [] }: ObjectMeta, owner: Pick<ObjectMeta, 'uid'> | undefined): boolean =>
  ownerReferences.some(({ uid }) => uid === owner?.uid);

/** Below, at or above 0 as `a` is older than, the same as or newer than `b`; 0 too where a server's versions cannot be compared. */
export function compareVersions(a: string, b: string): number {
  const number = /^\d+$/;
  if (!number.test(a) || !number.test(b)) return 0;
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
}
