import { afterUpdate, type Manager, readManagers, resetsManagers, withManagers } from '../apply/managers.js';
import { equal, isObject, type Json, type JsonObject, objectAt, textAt, withKey, without } from '../json.js';
import { metadataChangeErrors, metadataErrors, metadataOf } from '../resources/metadata.js';
import type { Resource } from '../resources/resource.js';
import { withDefaults } from '../schema/default.js';
import { prune } from '../schema/prune.js';
import type { Admit } from './attempted.js';
import { badRequest, invalidObject } from './status.js';

/** How a change is to be made, whatever it is. */
export interface ChangeOptions {
  readonly fieldManager: string;
  readonly fieldValidation: 'Strict' | 'Warn' | 'Ignore';
  readonly dryRun: boolean;
  /** Told to the client beside the answer. */
  readonly warn: (text: string) => void;
  /** Of RFC 3339, to the second. */
  readonly now: string;
  readonly admit?: Admit;
}

export type Subresource = '' | 'status';

/** What was sent, with only what the kind knows, and with its defaults. */
export function shaped(sent: JsonObject, resource: Resource, options: ChangeOptions): JsonObject {
  const { value, unknown } = prune(sent, resource.schema);
  complain(
    unknown.map((path) => `unknown field "${path}"`),
    resource,
    options,
  );
  const filled = withDefaults(value, resource.schema);
  return isObject(filled) ? { ...filled, metadata: saidIn(metadataOf(filled)) } : {};
}

/** Of what is otherwise than its writer may think: as loud as the writer wishes. @throws StatusError under strict validation */
export function complain(troubles: readonly string[], { kind, version }: Resource, { fieldValidation, warn }: ChangeOptions): void {
  if (troubles.length > 0 && fieldValidation === 'Strict')
    throw badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: strict decoding error: ${troubles.join(', ')}`);
  if (fieldValidation === 'Warn') for (const trouble of troubles) warn(trouble);
}

/** Where nobody has said anything of its status yet, that says what its schema has for this; it is nobody's. */
export function withStatus(object: JsonObject, { hasStatus, schema }: Resource): JsonObject {
  const known = schema.properties.get('status');
  if (!hasStatus || known?.default === undefined || object['status'] !== undefined) return object;
  return { ...object, status: withDefaults(known.default, known) };
}

/** In metadata, what is empty is not there. */
const saidIn = (metadata: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(metadata).filter(([key, value]) => key === 'managedFields' || !isEmptyValue(value)));

const isEmptyValue = (value: Json): boolean =>
  value === '' || value === null || (typeof value === 'object' && Object.keys(value).length === 0);

/** What the server alone says of an object. */
export const serversOwn = [
  'uid',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'generation',
  'selfLink',
  'resourceVersion',
];
/** The same of one that exists: its namespace is told by its address. */
const kept = ['namespace', ...serversOwn];

/** What is to be stored for an object that exists: of what was sent, the part that this address is for. */
export function onto(old: JsonObject, sent: JsonObject, resource: Resource, subresource: Subresource): JsonObject {
  const [was, given] = [metadataOf(old), metadataOf(sent)];
  const servers = Object.fromEntries(kept.flatMap((key) => (was[key] === undefined ? [] : [[key, was[key]] as const])));
  if (subresource === 'status') {
    const managed = given['managedFields'] === undefined ? {} : { managedFields: given['managedFields'] };
    return withKey({ ...old, metadata: { ...was, ...managed } }, 'status', sent['status']);
  }
  const metadata = { ...without(given, ...kept), ...servers };
  const next = { ...sent, apiVersion: resource.apiVersion, kind: resource.kind, metadata };
  return resource.hasStatus ? withKey(next, 'status', old['status']) : next;
}

/** Counts up when anything changed that somebody may wish for. */
export function counted(now: JsonObject, old: JsonObject, resource: Resource): JsonObject {
  const wishes = (object: JsonObject) => without(object, 'metadata', 'apiVersion', 'kind', ...(resource.hasStatus ? ['status'] : []));
  if (!resource.hasGeneration || equal(wishes(now), wishes(old))) return now;
  const generation = Number(metadataOf(old)['generation'] ?? 0) + 1;
  return { ...now, metadata: { ...metadataOf(now), generation } };
}

/** @throws StatusError Invalid */
export function assertValid(now: JsonObject, old: JsonObject | undefined, resource: Resource): void {
  const errors = [
    ...metadataErrors(metadataOf(now), resource.nameRule),
    ...(old === undefined ? [] : metadataChangeErrors(metadataOf(now), metadataOf(old))),
    ...resource.validate(now, old),
  ];
  if (errors.length > 0) throw invalidObject(resource, textAt(metadataOf(now), 'name'), errors);
}

/** With what the manager has by this update. A body that resets them leaves nobody anything but that. */
export function managed(
  now: JsonObject,
  old: JsonObject | undefined,
  resource: Resource,
  subresource: Subresource,
  options: ChangeOptions,
): JsonObject {
  const by: Omit<Manager, 'fields'> = {
    manager: options.fieldManager,
    operation: 'Update',
    subresource,
    apiVersion: resource.apiVersion,
    time: options.now,
  };
  const before = resetsManagers(now) ? [] : readManagers(objectAt(now, 'metadata')['managedFields'] === undefined ? old : now);
  return withManagers(now, afterUpdate(before, { old, now, schema: resource.schema }, by));
}

/** Whether two states are one, but for when a manager last did what it did. */
export function isSameState(one: JsonObject, other: JsonObject): boolean {
  const timeless = (object: JsonObject): JsonObject => {
    const entries = metadataOf(object)['managedFields'];
    const managers = Array.isArray(entries) ? entries.map((entry: Json) => (isObject(entry) ? without(entry, 'time') : entry)) : [];
    return { ...object, metadata: { ...without(metadataOf(object), 'resourceVersion'), managedFields: managers } };
  };
  return equal(timeless(one), timeless(other));
}
