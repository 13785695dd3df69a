import { equal, isList, isObject, type Json, type JsonObject } from '../json.js';
import { elementOf } from '../schema/element.js';
import { itemsOf, type Schema, schemaOf } from '../schema/schema.js';
import { type FieldSet, isEmpty, nothing, whole } from './field-set.js';

/** What of a value is merged one by one: the elements of a map, of a list by key, of a set. Undefined for what is one thing. */
export type Parts = ReadonlyMap<string, { readonly value: Json; readonly schema: Schema; readonly isProperty: boolean }>;

export function partsOf(value: Json | undefined, schema: Schema): Parts | undefined {
  if (schema.isAtomic) return undefined;
  if (isObject(value) && (schema.kind === 'map' || schema.kind === 'any')) return mapParts(value, schema);
  return isList(value) && schema.kind === 'list' ? listParts(value, schema) : undefined;
}

function mapParts(value: JsonObject, schema: Schema): Parts {
  return new Map(
    Object.entries(value).map(([key, child]) => {
      const of = schemaOf(schema, key);
      return [`f:${key}`, { value: child, schema: of ?? itemsOf(schema), isProperty: schema.properties.has(key) }] as const;
    }),
  );
}

function listParts(list: readonly Json[], schema: Schema): Parts {
  return new Map(list.map((value) => [elementOf(value, schema), { value, schema: itemsOf(schema), isProperty: false }] as const));
}

/** All fields of a value. A list that is empty has none; a map that is empty is one itself. */
export function fieldsOf(value: Json | undefined, schema: Schema): FieldSet {
  const parts = partsOf(value, schema);
  if (parts === undefined) return whole;
  if (parts.size === 0) return isList(value) ? nothing : whole;
  const children = new Map<string, FieldSet>();
  for (const [element, part] of parts) {
    const beneath = fieldsOf(part.value, part.schema);
    keep(children, element, beneath, !part.isProperty);
  }
  return { self: false, children };
}

export interface Comparison {
  /** What only the new one has, and what is another there. */
  readonly changed: FieldSet;
  /** What only the old one has. */
  readonly removed: FieldSet;
}

export function compare(old: Json | undefined, now: Json | undefined, schema: Schema): Comparison {
  if (equal(old, now)) return { changed: nothing, removed: nothing };
  const [was, is] = [partsOf(old, schema), partsOf(now, schema)];
  if (now === undefined) return { changed: nothing, removed: was === undefined ? whole : fieldsOf(old, schema) };
  if (is === undefined) return { changed: whole, removed: was === undefined ? nothing : fieldsOf(old, schema) };
  if (was === undefined) return { changed: fieldsOf(now, schema), removed: old === undefined ? nothing : whole };
  return compareParts(was, is);
}

function compareParts(was: Parts, is: Parts): Comparison {
  const [changed, removed] = [new Map<string, FieldSet>(), new Map<string, FieldSet>()];
  for (const element of new Set([...was.keys(), ...is.keys()])) {
    const [before, after] = [was.get(element), is.get(element)];
    const part = after ?? before;
    if (part === undefined) continue;
    const beneath = compare(before?.value, after?.value, part.schema);
    const isItem = !part.isProperty;
    keep(changed, element, beneath.changed, before === undefined && (isItem || isEmpty(beneath.changed)));
    keep(removed, element, beneath.removed, after === undefined && (isItem || isEmpty(beneath.removed)));
  }
  return { changed: { self: false, children: changed }, removed: { self: false, children: removed } };
}

function keep(into: Map<string, FieldSet>, element: string, set: FieldSet, isMember: boolean): void {
  const kept = isMember ? { ...set, self: true } : set;
  if (!isEmpty(kept)) into.set(element, kept);
}
