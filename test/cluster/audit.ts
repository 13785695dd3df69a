import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JsonObject } from '#standalone/json.js';
import { allows } from '#standalone/requests/authorize.js';
import type { ApiServer } from './api-server.js';
import { Caller } from './caller.js';
import { until } from './until.js';

/** A request, as rights speak of it. */
export interface Used {
  readonly user: string;
  readonly verb: string;
  readonly group: string;
  /** With its subresource. */
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
}

/** A request, and what came of it. */
export interface Answered extends Used {
  readonly code: number;
  /** Milliseconds since 1970. */
  readonly at: number;
}

export interface Role {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly rules?: readonly Rule[];
}

export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

const policy = { apiVersion: 'audit.k8s.io/v1', kind: 'Policy', omitStages: ['RequestReceived'], rules: [{ level: 'Metadata' }] };

/** What a kube-apiserver writes down of who asks it for what. */
export class Audit implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'virtwright-audit-'));
  readonly args = [`--audit-policy-file=${join(this.#folder, 'policy')}`, `--audit-log-path=${join(this.#folder, 'log')}`];

  constructor() {
    writeFileSync(join(this.#folder, 'policy'), JSON.stringify(policy));
  }

  /** What was allowed to whoever is called so, each once. */
  used(isMeant: (user: string) => boolean): readonly Used[] {
    const found = this.#events()
      .filter(({ user, annotations }) => isMeant(user.username) && annotations?.['authorization.k8s.io/decision'] === 'allow')
      .map(usedBy);
    return [...new Map(found.map((one) => [JSON.stringify(one), one])).values()];
  }

  /** What was answered to this user since, in order. */
  answered(user: string, since = 0): readonly Answered[] {
    return this.#events()
      .filter((event) => event.user.username === user)
      .map((event) => ({ ...usedBy(event), code: event.responseStatus?.code ?? 0, at: Date.parse(event.stageTimestamp) }))
      .filter(({ at }) => at > since);
  }

  /** What of it changed something. */
  writes(user: string, since = 0): readonly Answered[] {
    return this.answered(user, since).filter(({ verb, code }) => changes.includes(verb) && code < 300);
  }

  #events(): readonly Event[] {
    const lines = readFileSync(join(this.#folder, 'log'), 'utf8').split('\n');
    return lines.filter((line) => line.endsWith('}')).map((line) => JSON.parse(line) as Event);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return rm(this.#folder, { recursive: true, force: true });
  }
}

interface Event {
  readonly user: { readonly username: string };
  readonly verb: string;
  readonly objectRef?: Readonly<Partial<Record<'apiGroup' | 'resource' | 'subresource' | 'namespace' | 'name', string>>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly responseStatus?: { readonly code?: number };
  readonly stageTimestamp: string;
}

const changes = ['create', 'update', 'patch', 'delete', 'deletecollection'];

function usedBy({ user, verb, objectRef = {} }: Event): Used {
  const { apiGroup: group = '', resource = '', subresource, namespace = '', name = '' } = objectRef;
  return {
    user: user.username,
    verb,
    group,
    resource: subresource === undefined ? resource : `${resource}/${subresource}`,
    namespace,
    name,
  };
}

/**
 * The verbs of these roles that nobody needed: each is taken away in turn, and the API server asked whether it still allows all that was done.
 * As `patch virtualmachines/status`; `spared` are not tried.
 */
export async function neverMissed(
  cluster: ApiServer,
  roles: readonly Role[],
  used: readonly Used[],
  spared: ReadonlySet<string>,
): Promise<readonly string[]> {
  using caller = await Caller.for(cluster.url, cluster.folder);
  const found: string[] = [];
  for (const role of roles) {
    for (const [at, rule] of (role.rules ?? []).entries())
      for (const verb of rule.verbs.filter((one) => !spared.has(`${one} ${rule.resources}`)))
        for (const resource of rule.resources.filter((one) => !spared.has(`${verb} ${one}`))) {
          const done = used.filter((one) => one.resource === resource && allows(asJson({ ...rule, verbs: [verb] }), { ...one, path: '' }));
          await put(caller, {
            ...role,
            rules: (role.rules ?? []).flatMap((one, index) => (index === at ? less(one, verb, resource) : [one])),
          });
          const isMissed = done.length > 0 && (await becomesDenied(caller, done));
          if (!isMissed) found.push(`${role.kind} ${role.metadata.name}: ${verb} ${resource}`);
        }
    await put(caller, role);
  }
  return found;
}

const asJson = (rule: Rule): JsonObject => rule as unknown as JsonObject;

/** The rule but for this verb on this resource. */
function less(rule: Rule, verb: string, resource: string): readonly Rule[] {
  if (!rule.resources.includes(resource)) return [rule];
  const others = { ...rule, resources: rule.resources.filter((one) => one !== resource) };
  const rest = { ...rule, resources: [resource], verbs: rule.verbs.filter((one) => one !== verb) };
  return [others, rest].filter(({ resources, verbs }) => resources.length > 0 && verbs.length > 0);
}

/** Takes the verb away until it is called back. */
export async function takeAway(cluster: ApiServer, role: Role, verb: string, resource: string): Promise<AsyncDisposable> {
  using caller = await Caller.for(cluster.url, cluster.folder);
  const rules = (role.rules ?? []).flatMap((one) => less(one, verb, resource));
  await put(caller, { ...role, rules });
  return {
    async [Symbol.asyncDispose]() {
      using again = await Caller.for(cluster.url, cluster.folder);
      await put(again, role);
    },
  };
}

async function put(caller: Caller, role: Role): Promise<void> {
  const { name, namespace } = role.metadata;
  const where = namespace === undefined ? '' : `namespaces/${namespace}/`;
  const path = `/apis/rbac.authorization.k8s.io/v1/${where}${role.kind.toLowerCase()}s/${name}`;
  const { code, body } = await caller.call('PUT', path, role);
  if (code !== 200) throw new Error(`PUT ${path}: ${JSON.stringify(body)}`);
}

/** A role counts some time after it is written; one that is not missed within that many looks is not needed. */
async function becomesDenied(caller: Caller, done: readonly Used[]): Promise<boolean> {
  let looks = 0;
  let isDenied = false;
  await until(async () => {
    looks += 1;
    for (const one of done.slice(0, 20)) isDenied ||= !(await isAllowed(caller, one));
    return isDenied || looks > 100;
  });
  return isDenied;
}

async function isAllowed(caller: Caller, { user, verb, group, resource, namespace, name }: Used): Promise<boolean> {
  const [kind = '', subresource = ''] = resource.split('/');
  const [, , ofNamespace = '', account = ''] = user.split(':');
  const groups = ['system:serviceaccounts', `system:serviceaccounts:${ofNamespace}`, 'system:authenticated'];
  const resourceAttributes = { verb, group, resource: kind, subresource, namespace, name };
  const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec: { user, groups, resourceAttributes } };
  const { code, body } = await caller.call('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', review);
  if (code !== 201) throw new Error(`a review for ${account}: ${JSON.stringify(body)}`);
  return (body as { readonly status?: { readonly allowed?: boolean } }).status?.allowed === true;
}
