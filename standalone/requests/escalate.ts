import { equal, type JsonObject, objectAt, objectsAt, textsAt } from '../json.js';
import type { Store } from '../store/store.js';
import type { Attempted } from './attempted.js';
import { type Attempt, allows, type Caller, rbac, rulesFor, rulesOf } from './authorize.js';
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
  if (!isBinding && oldObject !== undefined && equal(oldObject['rules'], object['rules'])) return;
  const role = objectAt(object, 'roleRef');
  const right = isBinding
    ? { verb: 'bind', resource: role['kind'] === 'ClusterRole' ? 'clusterroles' : 'roles', name: `${role['name']}` }
    : { verb: 'escalate', resource: resource.plural, name };
  const own = rulesFor(store, caller, namespace);
  const may = (attempt: Attempt): boolean => own.some((rule) => allows(rule, attempt));
  if (may({ ...right, group: rbac, namespace, path: '' })) return;
  const given = isBinding ? rulesOf(store, object) : objectsAt(object, 'rules');
  const missing = given.flatMap(attemptsOf).find((one) => !may(one));
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
