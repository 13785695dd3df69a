/** What a JSON text holds. Never changed once it is made: whoever wants another one makes it. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const isList = (value: Json | undefined): value is readonly Json[] => Array.isArray(value);

export function equal(one: Json | undefined, other: Json | undefined): boolean {
  if (one === other) return true;
  if (isList(one) && isList(other)) return one.length === other.length && one.every((item, at) => equal(item, other[at]));
  if (!isObject(one) || !isObject(other)) return false;
  const keys = Object.keys(one);
  return keys.length === Object.keys(other).length && keys.every((key) => Object.hasOwn(other, key) && equal(one[key], other[key]));
}

/** The same without some of its keys. */
export function without(object: JsonObject, ...keys: readonly string[]): JsonObject {
  return withoutAll(object, new Set(keys));
}

/** As many as there may be. */
export function withoutAll(object: JsonObject, keys: ReadonlySet<string>): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.has(key)));
}

/** The same with that key, or without it where the value is undefined. */
export function withKey(object: JsonObject, key: string, value: Json | undefined): JsonObject {
  return value === undefined ? without(object, key) : { ...object, [key]: value };
}

export const objectAt = (object: JsonObject | undefined, key: string): JsonObject => {
  const value = object?.[key];
  return isObject(value) ? value : {};
};

export const textAt = (object: JsonObject | undefined, key: string): string => {
  const value = object?.[key];
  return typeof value === 'string' ? value : '';
};

export const listAt = (object: JsonObject | undefined, key: string): readonly Json[] => {
  const value = object?.[key];
  return isList(value) ? value : [];
};

export const objectsAt = (object: JsonObject | undefined, key: string): readonly JsonObject[] => listAt(object, key).filter(isObject);

export const textsAt = (object: JsonObject | undefined, key: string): readonly string[] =>
  listAt(object, key).filter((item) => typeof item === 'string');

/** Deeper than any object of ours, and shallow enough for what walks it. */
const maxDepth = 100;
/** More than fit into a body, unless its parts are the same ones again and again, as aliases of YAML make them. */
const maxValues = 2_000_000;

const texts = new WeakMap<object, string>();

/** As JSON. An object is written to disk, listed, and told to many watchers: its text is made once. */
export function textOf(object: JsonObject): string {
  const text = texts.get(object) ?? JSON.stringify(object);
  texts.set(object, text);
  return text;
}

/** Why a value is not taken, whatever it is to be; undefined for one that is fine. `__proto__` is no key of an honest object. */
export function hostility(value: Json): string | undefined {
  let left = maxValues;
  const walk = (part: Json, depth: number): string | undefined => {
    left -= 1;
    if (left < 0) return `more than ${maxValues} values`;
    if (typeof part !== 'object' || part === null) return undefined;
    if (depth === maxDepth) return `nested deeper than ${maxDepth}`;
    if (Object.hasOwn(part, '__proto__')) return 'a key "__proto__"';
    for (const child of isList(part) ? part : Object.values(part)) {
      const trouble = walk(child, depth + 1);
      if (trouble !== undefined) return trouble;
    }
    return undefined;
  };
  return walk(value, 0);
}
