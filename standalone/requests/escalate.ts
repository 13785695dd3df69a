import { type JsonObject, objectAt, objectsAt, textsAt } from '../json.js';
import type { Store } from '../store/store.js';
import type { Attempted } from './attempted.js';
import { type Attempt, allows, type Caller, isAllowed, rbac, rulesFor, rulesOf } from './authorize.js';
import { forbiddenRequest } from './status.js';

/**
 * Nobody gives what they do not have themselves: whoever writes a role must have all that it allows, or the right to `escalate` it; whoever binds one,
 * that, or the right to `bind` it. @throws StatusError
 */
export function assertNoEscalation(
  store: Store,
  caller: Caller,
  { operation, resource, namespace, name, object, oldObject }: Attempted,
): void {
  if (resource.group !== rbac || operation === 'DELETE' || object === undefined || caller.groups.includes('system:masters')) return;
  const isBinding = resource.plural.endsWith('bindings');
  const key = isBinding ? 'roleRef' : 'rules';
  const role = objectAt(object, 'roleRef');
  const given = isBinding ? rulesOf(store, object) : objectsAt(object, 'rules');
  if (oldObject !== undefined && JSON.stringify(oldObject[key]) === JSON.stringify(object[key]) && !isBinding) return;
  const attempt = isBinding
    ? {
        verb: 'bind',
        group: rbac,
        resource: role['kind'] === 'ClusterRole' ? 'clusterroles' : 'roles',
        namespace,
        name: `${role['name']}`,
        path: '',
      }
    : { verb: 'escalate', group: rbac, resource: resource.plural, namespace, name, path: '' };
  if (isAllowed(store, caller, attempt)) return;
  const own = rulesFor(store, caller, namespace);
  const missing = given.flatMap(attemptsOf).find((one) => !own.some((rule) => allows(rule, one)));
  if (missing !== undefined)
    throw forbiddenRequest(
      resource,
      name,
      `user ${JSON.stringify(caller.user)} is attempting to grant RBAC permissions not currently held: ${missing.verb} ${missing.path || `${missing.resource} in ${JSON.stringify(missing.group)}`}`,
    );
}

/** All single things that a rule allows; what stands for all (`*`) must be had as such. */
function attemptsOf(rule: JsonObject): readonly Attempt[] {
  const names = textsAt(rule, 'resourceNames');
  return textsAt(rule, 'verbs').flatMap((verb) => [
    ...textsAt(rule, 'nonResourceURLs').map((path) => ({ verb, group: '', resource: '', namespace: '', name: '', path })),
    ...textsAt(rule, 'apiGroups').flatMap((group) =>
      textsAt(rule, 'resources').flatMap((resource) =>
        (names.length === 0 ? [''] : names).map((name) => ({ verb, group, resource, namespace: '', name, path: '' })),
      ),
    ),
  ]);
}
