import { isObject, type Json, type JsonObject, objectAt, objectsAt, textAt, withKey, without } from '../json.js';
import type { Schema } from '../schema/schema.js';
import { decodeSet, difference, encodeSet, type FieldSet, intersection, isEmpty, nothing, sameSet, union } from './field-set.js';
import { compare } from './structure.js';

/** Who has which fields of an object: an entry of `metadata.managedFields`. */
export interface Manager {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly subresource: string;
  readonly apiVersion: string;
  readonly time: string;
  readonly fields: FieldSet;
}

export type Identity = Pick<Manager, 'manager' | 'operation' | 'subresource'>;

export const isSame = (one: Identity, other: Identity): boolean =>
  one.manager === other.manager && one.operation === other.operation && one.subresource === other.subresource;

export function readManagers(object: JsonObject | undefined): readonly Manager[] {
  return objectsAt(objectAt(object, 'metadata'), 'managedFields').map((entry) => ({
    manager: textAt(entry, 'manager'),
    operation: entry['operation'] === 'Apply' ? 'Apply' : 'Update',
    subresource: textAt(entry, 'subresource'),
    apiVersion: textAt(entry, 'apiVersion'),
    time: textAt(entry, 'time'),
    fields: decodeSet(entry['fieldsV1']),
  }));
}

export function withManagers(object: JsonObject, managers: readonly Manager[]): JsonObject {
  const kept = managers.filter(({ fields }) => !isEmpty(fields));
  const metadata = withKey(objectAt(object, 'metadata'), 'managedFields', kept.length === 0 ? undefined : kept.map(writeManager));
  return { ...object, metadata };
}

function writeManager({ manager, operation, subresource, apiVersion, time, fields }: Manager): JsonObject {
  const entry = { apiVersion, fieldsType: 'FieldsV1', fieldsV1: encodeSet(fields), manager, operation };
  return { ...entry, ...(subresource === '' ? {} : { subresource }), ...(time === '' ? {} : { time }) };
}

/** What nobody can have: it is told by the address, or written by the server. */
const serversOwn = [
  'name',
  'namespace',
  'generateName',
  'creationTimestamp',
  'selfLink',
  'uid',
  'clusterName',
  'generation',
  'managedFields',
  'resourceVersion',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
];

/** The object with only what somebody can have. */
export function ownable(object: JsonObject): JsonObject {
  const metadata = without(objectAt(object, 'metadata'), ...serversOwn);
  return withKey(without(object, 'apiVersion', 'kind'), 'metadata', Object.keys(metadata).length === 0 ? undefined : metadata);
}

/** Whoever changes a field by an update has it from then on, and nobody else has; what is gone nobody has. */
export function afterUpdate(
  managers: readonly Manager[],
  change: { readonly old: JsonObject | undefined; readonly now: JsonObject; readonly schema: Schema },
  by: Omit<Manager, 'fields'>,
): readonly Manager[] {
  const { changed, removed } = compare(change.old === undefined ? {} : ownable(change.old), ownable(change.now), change.schema);
  if (isEmpty(changed) && isEmpty(removed)) return managers;
  const others = managers.map((one) => {
    const left = difference(difference(one.fields, removed), isSame(one, by) ? nothing : changed);
    return { ...one, fields: left };
  });
  const mine = others.find((one) => isSame(one, by))?.fields ?? nothing;
  const fields = union(mine, changed);
  const isNew = !sameSet(mine, managers.find((one) => isSame(one, by))?.fields ?? nothing) || !sameSet(mine, fields);
  const rest = others.filter((one) => !isSame(one, by));
  const before = managers.find((one) => isSame(one, by));
  return [...rest, before !== undefined && !isNew ? { ...before, fields } : { ...by, fields }];
}

export interface Conflict {
  readonly with: Manager;
  readonly fields: FieldSet;
}

/** Whose fields would become others by an apply of theirs. */
export function conflictsOf(managers: readonly Manager[], changed: FieldSet, by: Identity): readonly Conflict[] {
  return managers
    .filter((one) => !isSame(one, by))
    .map((one) => ({ with: one, fields: intersection(one.fields, changed) }))
    .filter(({ fields }) => !isEmpty(fields));
}

/** Whether a body itself says that nobody is to have anything any more (`managedFields: [{}]`). */
export function resetsManagers(object: JsonObject): boolean {
  const entries: Json | undefined = objectAt(object, 'metadata')['managedFields'];
  return Array.isArray(entries) && entries.length === 1 && isObject(entries[0]) && Object.keys(entries[0]).length === 0;
}
