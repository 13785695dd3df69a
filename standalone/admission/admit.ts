import type { JsonObject } from '../json.js';
import { objectAt, textAt, textsAt } from '../json.js';
import type { Attempted } from '../requests/attempted.js';
import { type Caller, isAllowed } from '../requests/authorize.js';
import { deniedByPolicy } from '../requests/status.js';
import { metadataOf } from '../resources/metadata.js';
import { Authorizer } from '../schema/authorizer.js';
import { celValue } from '../schema/cel-value.js';
import { anything } from '../schema/schema.js';
import type { Store } from '../store/store.js';
import { type Advise, heed } from './advise.js';
import { isMeant } from './match.js';
import { type Objection, objections, type Policy, readPolicy, type Values } from './policy.js';

const group = 'admissionregistration.k8s.io';
const policies = `validatingadmissionpolicies.${group}`;
const bindings = `validatingadmissionpolicybindings.${group}`;

export interface Asking {
  readonly caller: Caller;
  /** Told to the client beside the answer. */
  readonly warn: (text: string) => void;
}

/** What admission policies, and whoever runs this server, say to a write. Whoever keeps house here is not asked. */
export class Admission {
  readonly #store: Store;
  readonly #advise: Advise | undefined;
  /** By what is stored: another version is another object. */
  readonly #read = new WeakMap<JsonObject, Policy>();

  constructor(store: Store, advise?: Advise) {
    this.#store = store;
    this.#advise = advise;
  }

  /** @throws StatusError when a policy denies it */
  admit(attempted: Attempted, asking: Asking): void {
    if (attempted.resource.group === group) return;
    for (const binding of this.#store.list(bindings)) {
      const spec = objectAt(binding, 'spec');
      const policy = this.#policy(textAt(spec, 'policyName'));
      if (policy === undefined || !isMeant(policy.matching, attempted) || !isMeant(objectAt(spec, 'matchResources'), attempted)) continue;
      const [first, ...others] = objections(policy, valuesOf(attempted, asking, this.#store));
      if (first !== undefined) act(attempted, asking, { policy, binding, first, others });
    }
    if (this.#advise !== undefined) heed(this.#advise, attempted, asking.warn);
  }

  #policy(name: string): Policy | undefined {
    const object = this.#store.get({ resource: policies, namespace: '', name });
    if (object === undefined) return undefined;
    const policy = this.#read.get(object) ?? readPolicy(name, objectAt(object, 'spec'));
    this.#read.set(object, policy);
    return policy;
  }
}

interface Denial {
  readonly policy: Policy;
  readonly binding: JsonObject;
  readonly first: Objection;
  readonly others: readonly Objection[];
}

function act({ resource, name }: Attempted, { warn }: Asking, { policy, binding, first, others }: Denial): void {
  const actions = textsAt(objectAt(binding, 'spec'), 'validationActions');
  const by = `ValidatingAdmissionPolicy '${policy.name}' with binding '${textAt(metadataOf(binding), 'name')}'`;
  if (actions.includes('Warn')) for (const { message } of [first, ...others]) warn(`Validation failed for ${by}: ${message}`);
  if (actions.includes('Deny')) throw deniedByPolicy(resource, name, `${by} denied request: ${first.message}`, first.reason);
}

function valuesOf(attempted: Attempted, { caller }: Asking, store: Store): Values {
  const { operation, resource, subresource, namespace, name, dryRun, object, oldObject, namespaceObject } = attempted;
  const { group, version, kind, plural, schema } = resource;
  const request = {
    kind: { group, version, kind },
    resource: { group, version, resource: plural },
    subResource: subresource,
    name,
    namespace,
    operation,
    userInfo: { username: caller.user, groups: caller.groups },
    dryRun,
  };
  return {
    object: object === undefined ? null : celValue(object, schema),
    oldObject: oldObject === undefined ? null : celValue(oldObject, schema),
    request: celValue(request, anything),
    namespaceObject: namespaceObject === undefined ? null : celValue(namespaceObject, anything),
    authorizer: new Authorizer((question) => isAllowed(store, caller, question)),
  };
}
