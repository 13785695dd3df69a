import { type JsonObject, objectAt, objectsAt, textAt, textsAt } from '../json.js';
import { metadataOf } from '../resources/metadata.js';
import type { Store } from '../store/store.js';

export interface Caller {
  readonly user: string;
  readonly groups: readonly string[];
}

/** What somebody wants to do. Of a path that is no resource's: `path`. */
export interface Attempt {
  readonly verb: string;
  readonly group: string;
  /** With its subresource: `widgets/status`. */
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly path: string;
}

export const rbac = 'rbac.authorization.k8s.io';

/** By the roles that are stored, as Kubernetes does. Who is of `system:masters` may do everything. */
export function isAllowed(store: Store, caller: Caller, attempt: Attempt): boolean {
  return rulesFor(store, caller, attempt.namespace).some((rule) => allows(rule, attempt));
}

const everything: readonly JsonObject[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
];

/** All that somebody may do: everywhere, and in that namespace when it is named. */
export function rulesFor(store: Store, caller: Caller, namespace: string): readonly JsonObject[] {
  if (caller.groups.includes('system:masters')) return everything;
  const everywhere = store.list(`clusterrolebindings.${rbac}`);
  const here = namespace === '' ? [] : store.list(`rolebindings.${rbac}`, namespace);
  return [...everywhere, ...here].filter((binding) => isFor(binding, caller)).flatMap((binding) => rulesOf(store, binding));
}

function isFor(binding: JsonObject, { user, groups }: Caller): boolean {
  return objectsAt(binding, 'subjects').some((subject) => {
    const name = textAt(subject, 'name');
    switch (subject['kind']) {
      case 'User':
        return name === user;
      case 'Group':
        return groups.includes(name);
      default:
        return user === `system:serviceaccount:${textAt(subject, 'namespace')}:${name}`;
    }
  });
}

/** What the role allows that a binding gives. */
export function rulesOf(store: Store, binding: JsonObject): readonly JsonObject[] {
  const { kind, name } = objectAt(binding, 'roleRef');
  const isCluster = kind === 'ClusterRole';
  const key = {
    resource: `${isCluster ? 'clusterroles' : 'roles'}.${rbac}`,
    namespace: isCluster ? '' : textAt(metadataOf(binding), 'namespace'),
    name: `${name}`,
  };
  return objectsAt(store.get(key), 'rules');
}

/** Whether a rule has that value in one of its lists, or has all. */
export const includes = (rule: JsonObject, key: string, value: string): boolean =>
  textsAt(rule, key).some((one) => one === '*' || one === value);

export function allows(rule: JsonObject, { verb, group, resource, name, path }: Attempt): boolean {
  if (!includes(rule, 'verbs', verb)) return false;
  if (path !== '')
    return textsAt(rule, 'nonResourceURLs').some(
      (one) => one === '*' || one === path || (one.endsWith('*') && path.startsWith(one.slice(0, -1))),
    );
  const [, subresource] = resource.split('/');
  const names = textsAt(rule, 'resourceNames');
  const isNamed = names.length === 0 || names.includes(name);
  const isMeant =
    includes(rule, 'resources', resource) || (subresource !== undefined && textsAt(rule, 'resources').includes(`*/${subresource}`));
  return includes(rule, 'apiGroups', group) && isMeant && isNamed;
}
