import jsonPatch from 'fast-json-patch';
import { hostility, isList, isObject, type Json, type JsonObject, without } from '../json.js';
import type { Edit } from './objects.js';
import { badRequest, StatusError } from './status.js';

/** RFC 7386. */
export function mergePatch(patch: Json): Edit {
  if (!isObject(patch)) throw badRequest('a merge patch is an object');
  return (object) => merged(object, patch) as JsonObject;
}

function merged(target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const base = isObject(target) ? target : {};
  const gone = Object.entries(patch).flatMap(([key, value]) => (value === null ? [key] : []));
  const set = Object.entries(patch).filter(([, value]) => value !== null);
  return {
    ...without(base, ...gone),
    ...Object.fromEntries(set.map(([key, value]) => [key, merged(Object.hasOwn(base, key) ? base[key] : undefined, value)])),
  };
}

const maxOperations = 10_000;

/** RFC 6902. All of it, or nothing. */
export function jsonPatchEdit(patch: Json): Edit {
  if (!isList(patch)) throw badRequest('a JSON patch is a list of operations');
  if (patch.length > maxOperations)
    throw new StatusError(413, 'RequestEntityTooLarge', `the patch has ${patch.length} operations; accepted: at most ${maxOperations}`);
  return (object) => {
    try {
      const copy = structuredClone(object);
      const { newDocument } = jsonPatch.applyPatch(copy, patch as unknown as jsonPatch.Operation[], true, true, true);
      const result = newDocument as Json;
      const trouble = hostility(result);
      if (!isObject(result) || trouble !== undefined) throw new Error(trouble ?? 'the result is no object');
      return result;
    } catch (reason) {
      const text = reason instanceof Error ? (reason.message.split('\n')[0] ?? '') : `${reason}`;
      throw new StatusError(422, 'Invalid', `the server rejected our request due to an error in our request: ${text}`);
    }
  };
}

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
  const words = Object.keys(patch).filter((key) => key.startsWith('$'));
  const entries = Object.entries(without(patch, ...words));
  const gone = entries.flatMap(([key, value]) => (value === null ? [key] : []));
  const set = entries
    .filter(([, value]) => value !== null)
    .map(([key, value]) => [key, strategic(Object.hasOwn(base, key) ? base[key] : undefined, value, key)] as const);
  return withoutPrimitives({ ...without(base, ...gone), ...Object.fromEntries(set) }, patch);
}

function strategicList(target: readonly Json[], patch: readonly JsonObject[], key: string): readonly Json[] {
  const kept = target.filter((item) => !patch.some((one) => isObject(item) && one[key] === item[key] && one['$patch'] === 'delete'));
  const wanted = patch.filter((one) => one['$patch'] !== 'delete');
  const updated = kept.map((item) => {
    const change = wanted.find((one) => isObject(item) && one[key] === item[key]);
    return change === undefined ? item : strategic(item, change, '');
  });
  return [...updated, ...wanted.filter((one) => !kept.some((item) => isObject(item) && item[key] === one[key]))];
}

/** `$deleteFromPrimitiveList/finalizers: [a]` */
function withoutPrimitives(object: JsonObject, patch: JsonObject): JsonObject {
  const removals = Object.entries(patch).filter(([key]) => key.startsWith('$deleteFromPrimitiveList/'));
  const lists = removals.flatMap(([key, items]) => {
    const name = key.slice('$deleteFromPrimitiveList/'.length);
    const list = object[name];
    return isList(list) && isList(items) ? [[name, list.filter((item) => !items.includes(item))] as const] : [];
  });
  return { ...object, ...Object.fromEntries(lists) };
}
