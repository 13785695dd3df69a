import type { Json, JsonObject } from '../json.js';
import { apiVersionOf, type Resource } from '../resources/resource.js';

const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const ofSubresource = ['get', 'patch', 'update'];

interface Group {
  readonly name: string;
  readonly versions: ReadonlyMap<string, readonly Resource[]>;
}

function groupsOf(resources: readonly Resource[]): readonly Group[] {
  const groups = new Map<string, Map<string, Resource[]>>();
  for (const resource of resources) {
    const versions = groups.get(resource.group) ?? new Map<string, Resource[]>();
    groups.set(resource.group, versions);
    versions.set(resource.version, [...(versions.get(resource.version) ?? []), resource]);
  }
  return [...groups].map(([name, versions]) => ({ name, versions }));
}

/** What may be asked, but not kept. */
const reviews: readonly Pick<Resource, 'group' | 'version' | 'plural' | 'kind'>[] = [
  { group: 'authorization.k8s.io', version: 'v1', plural: 'selfsubjectaccessreviews', kind: 'SelfSubjectAccessReview' },
  { group: 'authorization.k8s.io', version: 'v1', plural: 'selfsubjectrulesreviews', kind: 'SelfSubjectRulesReview' },
  { group: 'authentication.k8s.io', version: 'v1', plural: 'selfsubjectreviews', kind: 'SelfSubjectReview' },
];

const reviewGroups = [...new Set(reviews.map(({ group }) => group))];

/** `/api` */
export const coreVersions = (): JsonObject => ({ kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] });

/** `/apis` */
export function groupList(resources: readonly Resource[]): JsonObject {
  const named = groupsOf(resources).filter(({ name }) => name !== '');
  const own = named.map(({ name, versions }) => groupOf(name, [...versions.keys()]));
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: [...own, ...reviewGroups.map((group) => groupOf(group, ['v1']))] };
}

export function groupOf(name: string, versions: readonly string[]): JsonObject {
  const all = versions.map((version) => ({ groupVersion: apiVersionOf(name, version), version }));
  return { name, versions: all, preferredVersion: all[0] ?? {} };
}

export function groupNamed(name: string, resources: readonly Resource[]): JsonObject | undefined {
  const found = groupList(resources)['groups'];
  const group = Array.isArray(found) ? (found as readonly JsonObject[]).find((one) => one['name'] === name) : undefined;
  return group === undefined ? undefined : { kind: 'APIGroup', apiVersion: 'v1', ...group };
}

/** `/api/v1`, `/apis/group/version`; undefined when nothing of it is served. */
export function resourceList(group: string, version: string, resources: readonly Resource[]): JsonObject | undefined {
  const own = resources.filter((one) => one.group === group && one.version === version).flatMap(listed);
  const asked = reviews
    .filter((one) => one.group === group && one.version === version)
    .map(({ plural, kind }) => ({ name: plural, singularName: '', namespaced: false, kind, verbs: ['create'] }));
  const all = [...own, ...asked];
  return all.length === 0
    ? undefined
    : { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: apiVersionOf(group, version), resources: all };
}

function listed(resource: Resource): readonly JsonObject[] {
  const { plural, singular, namespaced, kind, shortNames, categories } = resource;
  const own = {
    name: plural,
    singularName: singular,
    namespaced,
    kind,
    verbs,
    ...some('shortNames', shortNames),
    ...some('categories', categories),
  };
  return [
    own,
    ...subresourcesOf(resource).map(({ name, ...of }) => ({
      name: `${plural}/${name}`,
      singularName: '',
      namespaced,
      verbs: ofSubresource,
      ...of,
    })),
  ];
}

const some = (key: string, values: readonly string[]): JsonObject => (values.length === 0 ? {} : { [key]: values });

function subresourcesOf({
  hasStatus,
  scale,
  kind,
}: Resource): readonly { readonly name: string; readonly kind: string; readonly group?: string; readonly version?: string }[] {
  return [
    ...(hasStatus ? [{ name: 'status', kind }] : []),
    ...(scale === undefined ? [] : [{ name: 'scale', kind: 'Scale', group: 'autoscaling', version: 'v1' }]),
  ];
}

/** All at once, as newer kubectl asks for it. `core`: of `/api`; else of `/apis`. */
export function aggregated(resources: readonly Resource[], core: boolean, version: string): JsonObject {
  const groups = groupsOf(resources).filter(({ name }) => (name === '') === core);
  const items: Json[] = groups.map(({ name, versions }) => ({
    metadata: name === '' ? {} : { name },
    versions: [...versions].map(([one, all]) => ({ version: one, resources: all.map(described), freshness: 'Current' })),
  }));
  const asked = core
    ? []
    : reviewGroups.map((group) => ({
        metadata: { name: group },
        versions: [{ version: 'v1', freshness: 'Current', resources: reviews.filter((one) => one.group === group).map(describedReview) }],
      }));
  return { kind: 'APIGroupDiscoveryList', apiVersion: `apidiscovery.k8s.io/${version}`, metadata: {}, items: [...items, ...asked] };
}

const describedReview = ({ group, version, plural, kind }: (typeof reviews)[number]): JsonObject => ({
  resource: plural,
  responseKind: { group, version, kind },
  scope: 'Cluster',
  singularResource: '',
  verbs: ['create'],
});

function described(resource: Resource): JsonObject {
  const { group, version, plural, singular, kind, namespaced, shortNames, categories } = resource;
  const subresources = subresourcesOf(resource).map((one) => ({
    subresource: one.name,
    responseKind: { group: one.group ?? group, version: one.version ?? version, kind: one.kind },
    verbs: ofSubresource,
  }));
  return {
    resource: plural,
    responseKind: { group, version, kind },
    scope: namespaced ? 'Namespaced' : 'Cluster',
    singularResource: singular,
    verbs,
    ...some('shortNames', shortNames),
    ...some('categories', categories),
    ...(subresources.length === 0 ? {} : { subresources }),
  };
}
