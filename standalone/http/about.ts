import { type JsonObject, objectAt, textAt } from '../json.js';
import { type Attempt, type Caller, isAllowed, rulesFor } from '../requests/authorize.js';
import type { Resource } from '../resources/resource.js';
import type { Store } from '../store/store.js';
import type { Answer } from './answer.js';
import { readObject } from './body.js';
import type { Backend, Call } from './call.js';
import { aggregated, coreVersions, groupList, groupNamed, resourceList } from './discovery.js';
import { openApiDocument, openApiIndex } from './openapi.js';
import { olderDocument, olderDocumentType } from './protobuf.js';

/** The version of Kubernetes whose ways these are. */
export const version = { major: '1', minor: '36', gitVersion: 'v1.36.0+virtwright', platform: 'virtwright' } as const;

/** What is told of the server itself; undefined when it is not asked about that. */
export async function about(call: Call, { store, registry }: Backend): Promise<Answer | undefined> {
  const { request, method, path } = call;
  if (method === 'POST') return review(call, store);
  return method === 'GET' ? describe(path, `${request.headers.accept ?? ''}`, registry.all()) : undefined;
}

function describe(path: string, accept: string, resources: readonly Resource[]): Answer | undefined {
  if (path === '/version') return { code: 200, body: version };
  if (/^\/(healthz|livez|readyz)$/.test(path)) return { code: 200, body: Buffer.from('ok'), type: 'text/plain; charset=utf-8' };
  if (path === '/openapi/v2') return { code: 200, body: olderDocument(), type: olderDocumentType };
  if (path === '/openapi/v3') return { code: 200, body: openApiIndex(resources) };
  if (path.startsWith('/openapi/v3/')) return found(openApiDocument(path.slice('/openapi/v3/'.length), resources));
  if (path === '/api' || path === '/apis') return groups(path === '/api', accept, resources);
  if (path === '/api/v1') return found(resourceList('', 'v1', resources));
  const [, group, of] = /^\/apis\/([^/]+)(?:\/([^/]+))?$/.exec(path) ?? [];
  if (group === undefined) return undefined;
  return found(of === undefined ? groupNamed(group, resources) : resourceList(group, of, resources));
}

const found = (body: Answer['body'] | undefined): Answer | undefined => (body === undefined ? undefined : { code: 200, body });

function groups(core: boolean, accept: string, resources: readonly Resource[]): Answer {
  const [, as] =
    /;v=(v2(?:beta1)?);as=APIGroupDiscoveryList/.exec(accept.split(',').find((one) => one.includes('APIGroupDiscoveryList')) ?? '') ?? [];
  if (as === undefined) return { code: 200, body: core ? coreVersions() : groupList(resources) };
  return {
    code: 200,
    body: aggregated(resources, core, as),
    type: `application/json;g=apidiscovery.k8s.io;v=${as};as=APIGroupDiscoveryList`,
  };
}

async function review(call: Call, store: Store): Promise<Answer | undefined> {
  const answer = reviews[call.path];
  if (answer === undefined) return undefined;
  const { value } = await readObject(call.request);
  return { code: 201, body: { ...value, status: answer(store, call, objectAt(value, 'spec')) } };
}

const reviews: Readonly<Record<string, (store: Store, caller: Caller, spec: JsonObject) => JsonObject>> = {
  '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews': (store, caller, spec) => ({
    allowed: isAllowed(store, caller, attemptOf(spec)),
  }),
  '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews': (store, caller, spec) =>
    rulesStatus(rulesFor(store, caller, textAt(spec, 'namespace'))),
  '/apis/authentication.k8s.io/v1/selfsubjectreviews': (_store, { user, groups }) => ({ userInfo: { username: user, groups } }),
};

const rulesStatus = (rules: readonly JsonObject[]): JsonObject => ({
  resourceRules: rules.filter((rule) => rule['nonResourceURLs'] === undefined),
  nonResourceRules: rules.filter((rule) => rule['nonResourceURLs'] !== undefined),
  incomplete: false,
});

function attemptOf(spec: JsonObject): Attempt {
  const [of, other] = [objectAt(spec, 'resourceAttributes'), objectAt(spec, 'nonResourceAttributes')];
  const subresource = textAt(of, 'subresource');
  return {
    verb: textAt(of, 'verb') || textAt(other, 'verb'),
    group: textAt(of, 'group'),
    resource: subresource === '' ? textAt(of, 'resource') : `${textAt(of, 'resource')}/${subresource}`,
    namespace: textAt(of, 'namespace'),
    name: textAt(of, 'name'),
    path: textAt(other, 'path'),
  };
}
