import { isList, isObject, type Json, type JsonObject, withoutAll } from '../json.js';
import type { Edit } from './objects.js';
import { badRequest } from './status.js';

/** RFC 7386. */
export function mergePatch(patch: Json): Edit {
  if (!isObject(patch)) throw badRequest('a merge patch is an object');
  return (object) => merged(object, patch) as JsonObject;
}

function merged(target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const base = isObject(target) ? target : {};
  const set = Object.entries(patch).filter(([, value]) => value !== null);
  return {
    ...withoutAll(base, goneBy(patch)),
    ...Object.fromEntries(set.map(([key, value]) => [key, merged(Object.hasOwn(base, key) ? base[key] : undefined, value)])),
  };
}

const goneBy = (patch: JsonObject): ReadonlySet<string> =>
  new Set(Object.entries(patch).flatMap(([key, value]) => (value === null ? [key] : [])));

/** Lists that kubectl merges by key, in the kinds that come with the server. */
const mergeKeys: Readonly<Record<string, string>> = {
  ownerReferences: 'uid',
  conditions: 'type',
  secrets: 'name',
  imagePullSecrets: 'name',
};

/** As kubectl sends it for the kinds that come with the server: a merge patch in which some lists are merged by a key. */
export function strategicPatch(patch: Json): Edit {
  if (!isObject(patch)) throw badRequest('a strategic merge patch is an object');
  return (object) => strategic(object, patch, '') as JsonObject;
}

function strategic(target: Json | undefined, patch: Json, field: string): Json {
  if (isList(patch) && patch.every(isObject) && mergeKeys[field] !== undefined)
    return strategicList(isList(target) ? target : [], patch, mergeKeys[field]);
  if (isList(patch) && field === 'finalizers' && isList(target)) return [...new Set([...target, ...patch])];
  if (!isObject(patch)) return patch;
  const base = patch['$patch'] === 'replace' || !isObject(target) ? {} : target;
  const set = Object.entries(patch)
    .filter(([key, value]) => value !== null && !key.startsWith('$'))
    .map(([key, value]) => [key, strategic(Object.hasOwn(base, key) ? base[key] : undefined, value, key)] as const);
  const made = withoutPrimitives({ ...withoutAll(base, goneBy(patch)), ...Object.fromEntries(set) }, patch);
  const retained = patch['$retainKeys'];
  return isList(retained) ? Object.fromEntries(Object.entries(made).filter(([key]) => retained.includes(key))) : made;
}

function strategicList(target: readonly Json[], patch: readonly JsonObject[], key: string): readonly Json[] {
  const keyOf = (item: Json | undefined): Json | undefined => (isObject(item) ? item[key] : undefined);
  const deleted = new Set(patch.filter((one) => one['$patch'] === 'delete').map(keyOf));
  const wanted = new Map(patch.filter((one) => one['$patch'] !== 'delete').map((one) => [keyOf(one), one]));
  const kept = target.filter((item) => !deleted.has(keyOf(item)));
  const known = new Set(kept.map(keyOf));
  const updated = kept.map((item) => {
    const change = wanted.get(keyOf(item));
    return change === undefined ? item : strategic(item, change, '');
  });
  return [...updated, ...[...wanted].flatMap(([of, one]) => (known.has(of) ? [] : [one]))];
}

/** `$deleteFromPrimitiveList/finalizers: [a]` */
function withoutPrimitives(object: JsonObject, patch: JsonObject): JsonObject {
  const removals = Object.entries(patch).filter(([key]) => key.startsWith('$deleteFromPrimitiveList/'));
  const lists = removals.flatMap(([key, items]) => {
    const name = key.slice('$deleteFromPrimitiveList/'.length);
    const list = object[name];
    if (!isList(list) || !isList(items)) return [];
    const gone = new Set(items);
    return [[name, list.filter((item) => !gone.has(item))] as const];
  });
  return { ...object, ...Object.fromEntries(lists) };
}
