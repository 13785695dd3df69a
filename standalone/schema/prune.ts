import { isList, isObject, type Json, type JsonObject } from '../json.js';
import { itemsOf, type Schema, schemaOf } from './schema.js';

/** The value without what its schema does not know, and the paths of all that was left out (`spec.disks[0].colour`). */
export function prune(value: Json, schema: Schema, path = ''): { readonly value: Json; readonly unknown: readonly string[] } {
  const unknown: string[] = [];
  return { value: walk(value, schema, path, unknown), unknown };
}

/** What an embedded object always has. */
const embedded = new Set(['apiVersion', 'kind', 'metadata']);

function walk(value: Json, schema: Schema, path: string, unknown: string[]): Json {
  if (isList(value))
    return schema.kind === 'list' ? value.map((item, at) => walk(item, itemsOf(schema), `${path}[${at}]`, unknown)) : value;
  return isObject(value) ? walkObject(value, schema, path, unknown) : value;
}

function walkObject(value: JsonObject, schema: Schema, path: string, unknown: string[]): JsonObject {
  const kept = Object.entries(value).flatMap(([key, child]): readonly (readonly [string, Json])[] => {
    const at = path === '' ? key : `${path}.${key}`;
    const known = schemaOf(schema, key);
    if (known !== undefined) return [[key, walk(child, known, at, unknown)]];
    if (schema.isEmbedded && embedded.has(key)) return [[key, child]];
    unknown.push(at);
    return [];
  });
  return Object.fromEntries(kept);
}
