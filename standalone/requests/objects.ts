import { randomBytes, randomUUID } from 'node:crypto';
import { applyAs } from '../apply/last-applied.js';
import { type JsonObject, textAt, textsAt, withKey, without } from '../json.js';
import { crdResource, namespaceResource } from '../resources/builtin.js';
import { isBeingDeleted, isOver, metadataOf, withFinalizers } from '../resources/metadata.js';
import type { Resource } from '../resources/resource.js';
import type { Outcome, Store } from '../store/store.js';
import type { Admit, Attempted, Operation } from './attempted.js';
import {
  assertValid,
  type ChangeOptions,
  counted,
  isSameState,
  managed,
  onto,
  type Subresource,
  serversOwn,
  shaped,
  withStatus,
} from './change.js';
import { assertPreconditions, assertSameNamespace, assertSamePlace, assertUid, keyOf, type Place, type Preconditions } from './place.js';
import { alreadyExists, applyConflict, badRequest, changedMeanwhile, forbiddenRequest, methodNotAllowed, notFound } from './status.js';

export interface DeleteOptions {
  readonly dryRun: boolean;
  readonly propagation: 'Background' | 'Foreground' | 'Orphan';
  readonly preconditions: Preconditions;
  readonly now: string;
  readonly admit?: Admit | undefined;
}

interface Writing {
  readonly operation: Operation;
  readonly subresource: Subresource;
  readonly dryRun: boolean;
  readonly admit?: Admit | undefined;
}

/** What a new object of that kind, at that place, is to be known by: of nobody else, in all time. */
export type UidOf = (resource: Pick<Resource, 'group' | 'kind'>, namespace: string, name: string) => string;

/** What a patch makes of an object. @throws StatusError when it does not fit */
export type Edit = (object: JsonObject) => JsonObject;

/** What may be asked of one object. Whatever is given back is as it is stored, and as its version shows it. */
export class Objects {
  readonly #store: Store;
  readonly #uidOf: UidOf;

  constructor(store: Store, uidOf: UidOf = () => randomUUID()) {
    this.#store = store;
    this.#uidOf = uidOf;
  }

  get({ resource, namespace, name }: Place): JsonObject {
    const found = this.#store.get(keyOf({ resource, namespace, name }));
    if (found === undefined) throw notFound(resource, name);
    return shown(found, resource);
  }

  async create({ resource, namespace, name }: Place, sent: JsonObject, options: ChangeOptions): Promise<JsonObject> {
    const object = fresh(shaped(sent, resource, options), { resource, namespace, name }, options.now, this.#uidOf);
    const given = textAt(metadataOf(object), 'name');
    const place = { resource, namespace, name: given };
    if (metadataOf(sent)['resourceVersion'] !== undefined && textAt(metadataOf(sent), 'resourceVersion') !== '')
      throw badRequest('resourceVersion should not be set on objects to be created');
    assertValid(object, undefined, resource);
    return this.#write(place, { ...options, operation: 'CREATE', subresource: '' }, (old) => {
      if (old !== undefined) throw alreadyExists(resource, given);
      this.#assertRoom(place);
      return put(managed(object, undefined, resource, '', options));
    });
  }

  async update(place: Place, sent: JsonObject, subresource: Subresource, options: ChangeOptions): Promise<JsonObject> {
    return this.#change(place, subresource, options, textAt(metadataOf(sent), 'resourceVersion'), () => sent);
  }

  /** A patch is made upon the newest state: unless it names a version itself, it never meets a conflict. */
  async patch(place: Place, edit: Edit, subresource: Subresource, options: ChangeOptions): Promise<JsonObject> {
    return this.#change(place, subresource, options, undefined, edit);
  }

  async apply(
    place: Place,
    applied: JsonObject,
    subresource: Subresource,
    options: ChangeOptions & { readonly force: boolean },
  ): Promise<{ readonly object: JsonObject; readonly isNew: boolean }> {
    const { resource, name } = place;
    const { force, fieldManager, now } = options;
    // Also tells what is unknown; the defaults are nobody's.
    shaped(applied, resource, options);
    if (metadataOf(applied)['managedFields'] !== undefined) throw badRequest('metadata.managedFields must be nil');
    let isNew = false;
    const object = await this.#write(place, { ...options, operation: 'UPDATE', subresource }, (old) => {
      if (old === undefined && subresource !== '') throw notFound(resource, name);
      isNew = old === undefined;
      const live = old === undefined ? undefined : shown(old, resource);
      if (live !== undefined) assertUid(resource, name, metadataOf(applied), metadataOf(live));
      const version = textAt(metadataOf(applied), 'resourceVersion');
      if (version !== '' && version !== textAt(metadataOf(live), 'resourceVersion')) throw changedMeanwhile(resource, name);
      const by = { manager: fieldManager, subresource, apiVersion: resource.apiVersion, time: now };
      const mine = subresource === 'status' ? onlyStatus(applied) : resource.hasStatus ? without(applied, 'status') : applied;
      const made = applyAs({ live, applied: withoutVersion(mine), schema: resource.schema, by, force });
      if (made.kind === 'conflict') throw applyConflict(made.conflicts);
      return live === undefined
        ? this.#applyNew(place, made.object, options)
        : this.#finish(place, live, shaped(made.object, resource, quiet(options)), subresource, options, managersOf(made.object));
    });
    return { object, isNew };
  }

  #applyNew(place: Place, merged: JsonObject, options: ChangeOptions): Outcome {
    const { resource, name } = place;
    const object = fresh(shaped(merged, resource, quiet(options)), place, options.now, this.#uidOf);
    assertValid(object, undefined, resource);
    this.#assertRoom(place);
    if (textAt(metadataOf(object), 'name') !== name) throw badRequest(`the name of the object does not match the name on the URL`);
    return put({ ...object, metadata: { ...metadataOf(object), managedFields: managersOf(merged) } });
  }

  async #change(
    place: Place,
    subresource: Subresource,
    options: ChangeOptions,
    version: string | undefined,
    edit: Edit,
  ): Promise<JsonObject> {
    const { resource, name } = place;
    return this.#write(place, { ...options, operation: 'UPDATE', subresource }, (old) => {
      if (old === undefined) throw notFound(resource, name);
      const live = shown(old, resource);
      const sent = edit(live);
      assertSamePlace(place, sent);
      const wanted = version ?? textAt(metadataOf(sent), 'resourceVersion');
      if (wanted !== '' && wanted !== textAt(metadataOf(live), 'resourceVersion')) throw changedMeanwhile(resource, name);
      assertUid(resource, name, metadataOf(sent), metadataOf(live));
      return this.#finish(place, live, shaped(sent, resource, options), subresource, options);
    });
  }

  /** `managers` when they are known already; else they are found out. */
  #finish(
    place: Place,
    live: JsonObject,
    sent: JsonObject,
    subresource: Subresource,
    options: ChangeOptions,
    managers?: JsonObject[string],
  ): Outcome {
    const { resource } = place;
    const next = counted(onto(live, sent, resource, subresource), live, resource);
    assertValid(next, live, resource);
    const owned =
      managers === undefined
        ? managed(next, live, resource, subresource, options)
        : { ...next, metadata: { ...metadataOf(next), managedFields: managers } };
    if (isSameState(owned, live)) return { kind: 'keep', object: live };
    return isOver(owned) ? { kind: 'delete', object: owned } : put(owned);
  }

  async delete(place: Place, options: DeleteOptions): Promise<{ readonly object: JsonObject; readonly isGone: boolean }> {
    const { resource, name } = place;
    if (resource.permanent?.includes(name) === true) throw forbiddenRequest(resource, name, 'this namespace may not be deleted');
    let isGoneNow = false;
    const object = await this.#write(place, { ...options, operation: 'DELETE', subresource: '' }, (old) => {
      if (old === undefined) throw notFound(resource, name);
      assertPreconditions(resource, name, options.preconditions, metadataOf(old));
      const going = propagating(marked(old, options.now), options.propagation);
      isGoneNow = isOver(going);
      if (isGoneNow) return { kind: 'delete', object: going };
      return isSameState(going, old) ? { kind: 'keep', object: old } : put(going);
    });
    return { object, isGone: isGoneNow };
  }

  /** `decide` sees the newest state. With `dryRun` nothing is written, and the answer is what would have been. */
  async #write(place: Place, how: Writing, decide: (old: JsonObject | undefined) => Outcome): Promise<JsonObject> {
    const { resource } = place;
    const admitted = (old: JsonObject | undefined): Outcome => {
      const outcome = decide(old);
      const stored = outcome.kind === 'keep' ? outcome : { ...outcome, object: toStored(outcome.object, resource) };
      // Of what changes nothing as well: whoever may not write may not do that either.
      how.admit?.(this.#attempted(place, how, old, stored.object));
      return stored;
    };
    if (how.dryRun) return shown(admitted(this.#store.get(keyOf(place))).object, resource);
    return shown(await this.#store.write(keyOf(place), admitted), resource);
  }

  #attempted(place: Place, { operation, subresource, dryRun }: Writing, old: JsonObject | undefined, object: JsonObject): Attempted {
    const { resource, namespace } = place;
    return {
      ...place,
      // What is applied may be there, or not yet.
      operation: old === undefined ? 'CREATE' : operation,
      subresource,
      dryRun,
      object: operation === 'DELETE' ? undefined : shown(object, resource),
      oldObject: old === undefined ? undefined : shown(old, resource),
      namespaceObject: namespace === '' ? undefined : this.#newest(namespaceResource, namespace),
    };
  }

  /** Asked of what was decided last: whoever empties a namespace or a kind may look at once when the word to do so is on disk. */
  #assertRoom({ resource, namespace, name }: Place): void {
    if (!resource.isBuiltIn) this.#assertKind(resource);
    if (!resource.namespaced) return;
    const found = this.#newest(namespaceResource, namespace);
    if (found === undefined) throw notFound(namespaceResource, namespace);
    if (isBeingDeleted(found))
      throw forbiddenRequest(resource, name, `unable to create new content in namespace ${namespace} because it is being terminated`);
  }

  #assertKind({ fullName }: Resource): void {
    const crd = this.#newest(crdResource, fullName);
    if (crd === undefined || isBeingDeleted(crd))
      throw methodNotAllowed('create not allowed while custom resource definition is terminating');
  }

  /** Of what lies in no namespace. */
  #newest(resource: Resource, name: string): JsonObject | undefined {
    return this.#store.newest(keyOf({ resource, namespace: '', name }));
  }
}

export const shown = (object: JsonObject, { fromStored }: Resource): JsonObject => fromStored?.(object) ?? object;

function toStored(object: JsonObject, resource: Resource): JsonObject {
  const whole = withStatus(object, resource);
  return resource.toStored?.(whole) ?? whole;
}

const put = (object: JsonObject): Outcome => ({ kind: 'put', object });

const quiet = (options: ChangeOptions): ChangeOptions => ({ ...options, fieldValidation: 'Ignore' });

const managersOf = (object: JsonObject): JsonObject[string] => metadataOf(object)['managedFields'] ?? [];

const withoutVersion = (object: JsonObject): JsonObject => ({ ...object, metadata: without(metadataOf(object), 'resourceVersion') });

const onlyStatus = (object: JsonObject): JsonObject =>
  withKey({ apiVersion: object['apiVersion'] ?? '', kind: object['kind'] ?? '', metadata: metadataOf(object) }, 'status', object['status']);

/** A new object, with what only the server says of it. */
function fresh(object: JsonObject, { resource, namespace, name }: Place, now: string, uidOf: UidOf): JsonObject {
  const given = without(metadataOf(object), ...serversOwn);
  const generated =
    textAt(given, 'generateName') === '' ? '' : `${textAt(given, 'generateName')}${randomBytes(4).toString('hex').slice(0, 5)}`;
  const called = textAt(given, 'name') || name || generated;
  const metadata = {
    ...given,
    name: called,
    ...(resource.namespaced ? { namespace } : {}),
    uid: uidOf(resource, namespace, called),
    creationTimestamp: now,
    ...(resource.hasGeneration ? { generation: 1 } : {}),
  };
  assertSameNamespace({ resource, namespace }, given);
  const made = { ...object, apiVersion: resource.apiVersion, kind: resource.kind, metadata };
  return resource.hasStatus ? without(made, 'status') : made;
}

function marked(object: JsonObject, now: string): JsonObject {
  if (isBeingDeleted(object)) return object;
  return { ...object, metadata: { ...metadataOf(object), deletionTimestamp: now, deletionGracePeriodSeconds: 0 } };
}

/** What is to become of those that it owns is written down as finalizers, which whoever sees to them takes off. */
function propagating(object: JsonObject, propagation: DeleteOptions['propagation']): JsonObject {
  const others = textsAt(metadataOf(object), 'finalizers').filter((one) => one !== 'foregroundDeletion' && one !== 'orphan');
  const own = propagation === 'Foreground' ? ['foregroundDeletion'] : propagation === 'Orphan' ? ['orphan'] : [];
  return withFinalizers(object, [...others, ...own]);
}
