import type { Page, WatchEvent } from './api.js';
import { ApiError, type ApiErrorReason, type FieldCause } from './error.js';
import { apiVersionOf, type KubernetesObject, type ObjectMeta, type ObjectRef, type Resource } from './resource.js';

/** How objects, lists, watch events and refusals look on the wire. */

/** The path of a collection, or of one object when it has a name. Throws BadRequest for what would reach further than meant. */
export function pathOf(resource: Resource, ref: { readonly namespace?: string; readonly name?: string }, subresource?: string): string {
  const root = resource.group === '' ? ['api', resource.version] : ['apis', resource.group, resource.version];
  if (resource.namespaced && ref.name !== undefined && ref.namespace === undefined) throw badRef(resource, 'namespace', undefined);
  const space = resource.namespaced && ref.namespace !== undefined ? ['namespaces', segment(resource, 'namespace', ref.namespace)] : [];
  const name = ref.name === undefined ? [] : [segment(resource, 'name', ref.name)];
  return ['', ...root, ...space, resource.plural, ...name, ...(subresource === undefined ? [] : [subresource])].join('/');
}

/** An empty name would make the one object the whole collection. */
function segment(resource: Resource, field: string, value: string): string {
  if (value === '' || value === '.' || value === '..') throw badRef(resource, field, value);
  return encodeURIComponent(value);
}

function badRef(resource: Resource, field: string, value: string | undefined): ApiError {
  const message = `${resource.plural}: ${field} is ${JSON.stringify(value)}: give that of one object`;
  return new ApiError(message, { status: 0, reason: 'BadRequest' });
}

export function describeCall(verb: string, resource: Resource, ref: Partial<ObjectRef>): string {
  const object = [ref.namespace, ref.name].filter((part) => part !== undefined).join('/');
  return [verb, resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`, object]
    .filter((part) => part !== '')
    .join(' ');
}

export type Json = { readonly [field: string]: unknown };

export const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

export function malformed(what: string): ApiError {
  return new ApiError(what, { status: 200, reason: 'Malformed' });
}

/** Parses without quoting: what does not parse may hold anything. */
export function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw malformed(`${what}: the answer is not JSON`);
  }
}

/** Checks the metadata and drops `managedFields`. Items of built-in lists name no kind: the resource does. */
export function decodeObject(value: unknown, resource: Resource): KubernetesObject {
  const metadata = isJson(value) ? decodeMeta(value['metadata'], resource) : undefined;
  if (!isJson(value) || metadata === undefined) throw malformed(`${resource.plural}: not a Kubernetes object`);
  return { ...value, apiVersion: apiVersionOf(resource), kind: resource.kind, metadata };
}

/** What a dry run would have made: it has no version yet, and not every server gives it the rest. */
export function decodeUnstored(value: unknown, resource: Resource): KubernetesObject {
  const metadata = isJson(value) && isJson(value['metadata']) ? value['metadata'] : {};
  return decodeObject({ ...(value as Json), metadata: { uid: '', resourceVersion: '', creationTimestamp: '', ...metadata } }, resource);
}

function decodeMeta(value: unknown, resource: Resource): ObjectMeta | undefined {
  if (!isJson(value)) return undefined;
  for (const field of ['name', 'uid', 'resourceVersion', 'creationTimestamp'])
    if (typeof value[field] !== 'string') throw malformed(`${resource.plural}: metadata.${field} is ${typeof value[field]}, not a string`);
  const { managedFields: _, ...rest } = value;
  return rest as unknown as ObjectMeta;
}

export function decodePage(value: unknown, resource: Resource): Page {
  const meta = isJson(value) ? value['metadata'] : undefined;
  if (!isJson(value) || !isJson(meta) || typeof meta['resourceVersion'] !== 'string') throw malformed(`${resource.plural}: not a list`);
  const items = value['items'] ?? [];
  if (!Array.isArray(items)) throw malformed(`${resource.plural}: items is not a list`);
  const next = meta['continue'];
  const page = { items: items.map((item) => decodeObject(item, resource)), resourceVersion: meta['resourceVersion'] };
  return typeof next === 'string' && next !== '' ? { ...page, continue: next } : page;
}

const kinds = { ADDED: 'added', MODIFIED: 'modified', DELETED: 'deleted' } as const;

export function decodeWatchEvent(value: unknown, resource: Resource, what: string): WatchEvent {
  const type = isJson(value) ? value['type'] : undefined;
  if (!isJson(value) || typeof type !== 'string') throw malformed(`${what}: not a watch event`);
  const object = value['object'];
  if (type === 'ERROR') return decodeWatchError(object, what, resource);
  if (type === 'BOOKMARK') return { kind: 'bookmark', resourceVersion: bookmarkVersion(object, what) };
  if (!Object.hasOwn(kinds, type)) throw malformed(`${what}: unknown watch event type`);
  return { kind: kinds[type as keyof typeof kinds], object: decodeObject(object, resource) };
}

function bookmarkVersion(object: unknown, what: string): string {
  const meta = isJson(object) ? object['metadata'] : undefined;
  const version = isJson(meta) ? meta['resourceVersion'] : undefined;
  if (typeof version !== 'string') throw malformed(`${what}: a bookmark without resourceVersion`);
  return version;
}

function decodeWatchError(object: unknown, what: string, resource: Resource): WatchEvent {
  const code = isJson(object) && typeof object['code'] === 'number' ? object['code'] : 500;
  const error = decodeRefusal(code, object, what, resource);
  if (error.reason === 'Expired') return { kind: 'expired' };
  throw error;
}

/** Status reasons that say more than their HTTP code. */
const reasons: ReadonlyMap<unknown, ApiErrorReason> = new Map([
  ['AlreadyExists', 'AlreadyExists'],
  ['Expired', 'Expired'],
  ['Gone', 'Expired'],
]);

const codes: Readonly<Record<number, ApiErrorReason>> = {
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  408: 'Unavailable',
  409: 'Conflict',
  410: 'Expired',
  422: 'Invalid',
  429: 'TooManyRequests',
  502: 'Unavailable',
  503: 'Unavailable',
  504: 'Unavailable',
};

const fallback = (status: number): ApiErrorReason => (status >= 500 ? 'Internal' : status >= 400 ? 'BadRequest' : 'Malformed');

/** The server's own words are kept, cut, except about Secrets, where they may quote one. */
export function decodeRefusal(status: number, body: unknown, what: string, resource?: Resource, retryAfterMs?: number): ApiError {
  const said = isJson(body) && body['kind'] === 'Status' ? body : {};
  const reason = reasons.get(said['reason']) ?? codes[status] ?? fallback(status);
  const mayQuote = resource?.plural !== 'secrets';
  const words = typeof said['message'] === 'string' && mayQuote ? said['message'].slice(0, 1024) : undefined;
  const details = isJson(said['details']) ? said['details'] : {};
  const causes = mayQuote ? decodeCauses(details['causes']) : [];
  const seconds = details['retryAfterSeconds'];
  const wait = retryAfterMs ?? (typeof seconds === 'number' && seconds > 0 ? seconds * 1000 : undefined);
  const options = {
    status,
    reason,
    causes,
    ...(wait === undefined ? {} : { retryAfterMs: wait }),
    ...(words === undefined ? {} : { words }),
  };
  return new ApiError(`${what}: ${reason} (${status})${words === undefined ? '' : `: ${words}`}`, options);
}

function decodeCauses(value: unknown): readonly FieldCause[] {
  return (Array.isArray(value) ? value : []).filter(isJson).map(({ field, message }) => ({
    field: typeof field === 'string' ? field : '',
    message: typeof message === 'string' ? message.slice(0, 1024) : '',
  }));
}
