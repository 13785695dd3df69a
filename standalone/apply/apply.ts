import { isObject, type JsonObject, objectAt } from '../json.js';
import type { Schema } from '../schema/schema.js';
import { difference, type FieldSet, isEmpty, nothing, sameSet, union, withMaps } from './field-set.js';
import { type Conflict, conflictsOf, isSame, type Manager, ownable, readManagers, withManagers } from './managers.js';
import { merge, withoutFields } from './merge.js';
import { compare, fieldsOf } from './structure.js';

export interface Application {
  /** As it is now; undefined when there is none yet. */
  readonly live: JsonObject | undefined;
  readonly applied: JsonObject;
  readonly schema: Schema;
  readonly by: Omit<Manager, 'fields' | 'operation'>;
  /** Take what others have. */
  readonly force: boolean;
}

export type Applied =
  | { readonly kind: 'merged'; readonly object: JsonObject }
  | { readonly kind: 'conflict'; readonly conflicts: readonly Conflict[] };

/**
 * Server-side apply: the object as its live state with what is applied laid over it, without what this manager applied before and does not any
 * more, as far as nobody else has it.
 */
export function apply({ live, applied, schema, by, force }: Application): Applied {
  const me = { ...by, operation: 'Apply' as const };
  const managers = readManagers(live);
  const wanted = fieldsOf(ownable(applied), schema);
  const merged = merge(live ?? {}, applied, schema);
  if (!isObject(merged)) return { kind: 'conflict', conflicts: [] };
  const { changed } = compare(ownable(live ?? {}), ownable(merged), schema);
  const conflicts = conflictsOf(managers, changed, me);
  if (conflicts.length > 0 && !force) return { kind: 'conflict', conflicts };

  const left = managers.map((one) => (isSame(one, me) ? one : { ...one, fields: difference(one.fields, takenOf(one, conflicts)) }));
  const others = left.filter((one) => !isSame(one, me));
  const before = managers.find((one) => isSame(one, me));
  const owned = [...others.map(({ fields }) => fields), wanted].reduce(union, nothing);
  const unwanted = difference(withMaps(before?.fields ?? nothing), withMaps(owned));
  const pruned = isEmpty(unwanted) ? merged : keepingIdentity(withoutFields(merged, unwanted, schema), merged);
  const mine = before !== undefined && sameSet(before.fields, wanted) ? before : { ...me, fields: wanted };
  // Everybody keeps his place: what is applied once more and changes nothing must come out the same.
  const all = before === undefined ? [...others, mine] : left.map((one) => (isSame(one, me) ? mine : one));
  return { kind: 'merged', object: withManagers(pruned, all) };
}

function takenOf(one: Manager, conflicts: readonly Conflict[]): FieldSet {
  return conflicts.find((conflict) => isSame(conflict.with, one))?.fields ?? nothing;
}

/** An object has its name whatever is taken out of it. */
function keepingIdentity(pruned: ReturnType<typeof withoutFields>, merged: JsonObject): JsonObject {
  const left = isObject(pruned) ? pruned : {};
  return { ...left, metadata: { ...objectAt(left, 'metadata'), ...identityIn(objectAt(merged, 'metadata')) } };
}

const identity = ['name', 'namespace', 'uid', 'resourceVersion', 'generation', 'creationTimestamp', 'deletionTimestamp', 'managedFields'];
const identityIn = (metadata: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(metadata).filter(([key]) => identity.includes(key)));
