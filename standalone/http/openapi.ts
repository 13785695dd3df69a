import { createHash } from 'node:crypto';
import { isList, isObject, type Json, type JsonObject, withKey } from '../json.js';
import { withMetadata } from '../resources/metadata.js';
import type { Resource } from '../resources/resource.js';

const pathOf = ({ group, version }: Resource): string => (group === '' ? `api/${version}` : `apis/${group}/${version}`);

const indexes = new WeakMap<readonly Resource[], JsonObject>();

/** `/openapi/v3`: where the documents are. Made once for each list of resources, as all of the documents are read for it. */
export function openApiIndex(resources: readonly Resource[]): JsonObject {
  const known = indexes.get(resources) ?? makeIndex(resources);
  indexes.set(resources, known);
  return known;
}

/** The hash changes with what is in a document. */
function makeIndex(resources: readonly Resource[]): JsonObject {
  const paths = [...new Set(resources.map(pathOf))].map((path) => {
    const text = JSON.stringify(openApiDocument(path, resources));
    const hash = createHash('sha256').update(text).digest('hex').slice(0, 32).toUpperCase();
    return [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` }] as const;
  });
  return { paths: Object.fromEntries(paths) };
}

/** What kubectl explains, validates and finds patches by. Undefined when nothing is served at that path. */
export function openApiDocument(path: string, resources: readonly Resource[]): JsonObject | undefined {
  const own = resources.filter((one) => pathOf(one) === path);
  if (own.length === 0) return undefined;
  return {
    openapi: '3.0.0',
    info: { title: 'Virtwright standalone', version: 'v1' },
    paths: Object.fromEntries(own.flatMap(pathsOf)),
    components: { schemas: Object.fromEntries(own.map((one) => [schemaName(one), schemaOf(one)])) },
  };
}

const schemaName = ({ group, version, kind }: Resource): string =>
  `${(group || 'core').split('.').toReversed().join('.')}.${version}.${kind}`;

function schemaOf(resource: Resource): JsonObject {
  const { group, version, kind } = resource;
  return { ...plain(withMetadata(resource.raw)), 'x-kubernetes-group-version-kind': [{ group, version, kind }] };
}

/** Rules are the server's business. */
function plain(raw: JsonObject): JsonObject {
  const walk = (value: Json): Json => (isObject(value) ? plain(value) : isList(value) ? value.map(walk) : value);
  return Object.fromEntries(Object.entries(withKey(raw, 'x-kubernetes-validations', undefined)).map(([key, value]) => [key, walk(value)]));
}

function pathsOf(resource: Resource): readonly (readonly [string, JsonObject])[] {
  const { plural, namespaced, hasStatus } = resource;
  const collection = `/${pathOf(resource)}/${namespaced ? 'namespaces/{namespace}/' : ''}${plural}`;
  const one = {
    get: operation(resource, 'get'),
    put: operation(resource, 'put'),
    patch: operation(resource, 'patch'),
    delete: operation(resource, 'delete'),
  };
  return [
    [collection, { get: operation(resource, 'list'), post: operation(resource, 'post') }],
    [`${collection}/{name}`, one],
    ...(hasStatus ? [[`${collection}/{name}/status`, { get: one.get, put: one.put, patch: one.patch }] as const] : []),
  ];
}

const parameters = ['dryRun', 'fieldManager', 'fieldValidation', 'force'];

function operation(resource: Resource, action: string): JsonObject {
  const { group, version, kind } = resource;
  const schema = { $ref: `#/components/schemas/${schemaName(resource)}` };
  const changes = ['post', 'put', 'patch'].includes(action);
  const types =
    action === 'patch'
      ? ['application/apply-patch+yaml', 'application/json-patch+json', 'application/merge-patch+json']
      : ['application/json'];
  return {
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': { group, version, kind },
    ...(changes
      ? { parameters: parameters.map((name) => ({ name, in: 'query', schema: { type: name === 'force' ? 'boolean' : 'string' } })) }
      : {}),
    ...(changes ? { requestBody: { content: Object.fromEntries(types.map((type) => [type, { schema }])) } } : {}),
    responses: { 200: { description: 'OK', content: { 'application/json': { schema } } } },
  };
}
