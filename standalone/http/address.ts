import { badRequest, unknownPath } from '../requests/status.js';
import { namespaceResource } from '../resources/builtin.js';
import type { Registry } from '../resources/registry.js';
import type { Resource } from '../resources/resource.js';

/** What an address is of. `name` is empty for all of a kind, `namespace` for what has none or for all namespaces. */
export interface Address {
  readonly resource: Resource;
  readonly namespace: string;
  readonly name: string;
  readonly subresource: string;
}

const subresources = new Set(['', 'status', 'scale', 'finalize']);

/** `/api/v1/namespaces/a/secrets/b`, `/apis/group/version/kinds/a/status`. @throws StatusError for what is not served */
export function readAddress(path: string, registry: Registry): Address {
  const parts = path.split('/').slice(1).map(decoded);
  const [group, rest] = parts[0] === 'api' ? ['', parts.slice(1)] : [parts[1] ?? '', parts.slice(2)];
  if ((parts[0] !== 'api' && parts[0] !== 'apis') || rest.includes('')) throw unknownPath();
  const [version = '', ...tail] = rest;
  const isWithin = tail[0] === 'namespaces' && tail.length > 2 && !(group === '' && tail.length === 3 && subresources.has(tail[2] ?? ''));
  const [namespace = '', steps] = isWithin ? [tail[1], tail.slice(2)] : ['', tail];
  const [plural = '', name = '', subresource = '', ...more] = steps;
  const resource = registry.find(group, version, plural);
  if (resource === undefined || more.length > 0 || (namespace !== '' && !resource.namespaced)) throw unknownPath();
  if (resource.namespaced && namespace === '' && name !== '') throw unknownPath();
  if (!isServed(resource, subresource)) throw unknownPath();
  return { resource, namespace, name, subresource };
}

function isServed(resource: Resource, subresource: string): boolean {
  if (subresource === '') return true;
  if (subresource === 'status') return resource.hasStatus;
  return subresource === 'scale' ? resource.scale !== undefined : subresource === 'finalize' && resource === namespaceResource;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw badRequest('the address is not percent-encoded as it should be');
  }
}
