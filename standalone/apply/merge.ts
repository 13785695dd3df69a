import { isList, isObject, type Json, type JsonObject } from '../json.js';
import { elementOf } from '../schema/element.js';
import { itemsOf, type Schema, schemaOf } from '../schema/schema.js';
import { childOf, type FieldSet } from './field-set.js';
import { partsOf } from './structure.js';

/** What is there with what is applied laid over it, part by part; what is one thing is replaced as a whole. */
export function merge(live: Json | undefined, applied: Json, schema: Schema): Json {
  if (partsOf(live, schema) === undefined || partsOf(applied, schema) === undefined) return applied;
  if (isObject(live) && isObject(applied)) return mergeObjects(live, applied, schema);
  return isList(live) && isList(applied) ? mergeLists(live, applied, schema) : applied;
}

function mergeObjects(live: JsonObject, applied: JsonObject, schema: Schema): JsonObject {
  const entries = Object.entries(applied).map(([key, value]) => {
    const before = Object.hasOwn(live, key) ? live[key] : undefined;
    return [key, merge(before, value, schemaOf(schema, key) ?? itemsOf(schema))] as const;
  });
  return { ...live, ...Object.fromEntries(entries) };
}

/** In the order of what is applied; what only the live list has keeps its place behind the item that it stood behind. */
function mergeLists(live: readonly Json[], applied: readonly Json[], schema: Schema): readonly Json[] {
  const [liveOnes, wanted] = [byElement(live, schema), byElement(applied, schema)];
  const behind = new Map<string, Json[]>();
  let last = '';
  for (const [element, item] of liveOnes) {
    if (wanted.has(element)) last = element;
    else {
      const items = behind.get(last) ?? [];
      items.push(item);
      behind.set(last, items);
    }
  }
  const merged = [...wanted].flatMap(([element, item]) => [
    merge(liveOnes.get(element), item, itemsOf(schema)),
    ...(behind.get(element) ?? []),
  ]);
  return [...(behind.get('') ?? []), ...merged];
}

const byElement = (list: readonly Json[], schema: Schema): ReadonlyMap<string, Json> =>
  new Map(list.map((item) => [elementOf(item, schema), item]));

/** The value without these fields, and without all that is beneath them. */
export function withoutFields(value: Json, fields: FieldSet, schema: Schema): Json | undefined {
  if (fields.self) return undefined;
  const parts = partsOf(value, schema);
  if (parts === undefined || fields.children.size === 0) return value;
  const kept = [...parts].flatMap(([element, part]) => {
    const left = withoutFields(part.value, childOf(fields, element), part.schema);
    return left === undefined ? [] : [[element, left] as const];
  });
  return isList(value) ? kept.map(([, item]) => item) : Object.fromEntries(kept.map(([element, item]) => [element.slice(2), item]));
}
