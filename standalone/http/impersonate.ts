import type { IncomingMessage } from 'node:http';
import { type Caller, isAllowed } from '../requests/authorize.js';
import { badRequest, forbiddenAttempt } from '../requests/status.js';
import type { Store } from '../store/store.js';

/** Who a request is to be taken for (`kubectl --as`): who makes it, when it does not say. @throws StatusError when that one may not */
export function impersonated(request: IncomingMessage, caller: Caller, store: Store): Caller {
  const said = Object.keys(request.headers).filter((name) => name.startsWith('impersonate-'));
  if (said.length === 0) return caller;
  const { headersDistinct } = request;
  const [user = ''] = headersDistinct['impersonate-user'] ?? [];
  if (user === '') throw badRequest(`requested ${said.join(', ')} without impersonating a user`);
  const unknown = said.filter((name) => name !== 'impersonate-user' && name !== 'impersonate-group');
  if (unknown.length > 0) throw badRequest(`${unknown.join(', ')} was given; accepted: impersonate-user, impersonate-group`);
  const groups = headersDistinct['impersonate-group'] ?? [];
  const [, namespace, account] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(user) ?? [];
  if (namespace !== undefined && account !== undefined) assertMay(store, caller, 'serviceaccounts', account, namespace);
  else assertMay(store, caller, 'users', user);
  for (const group of groups) assertMay(store, caller, 'groups', group);
  const own = namespace === undefined || groups.length > 0 ? groups : ['system:serviceaccounts', `system:serviceaccounts:${namespace}`];
  return { user, groups: [...own, 'system:authenticated'] };
}

function assertMay(store: Store, caller: Caller, resource: string, name: string, namespace = ''): void {
  const attempt = { verb: 'impersonate', group: '', resource, namespace, name, path: '' };
  if (!isAllowed(store, caller, attempt)) throw forbiddenAttempt(caller.user, attempt, { group: '', plural: resource, fullName: resource });
}
