import { isList, isObject, type Json } from '../json.js';
import { itemsOf, type Schema, schemaOf } from './schema.js';

/** A value as a rule sees it: whole numbers are CEL's `int`, and property names that CEL could not say are escaped. */
export function celValue(value: Json | undefined, schema: Schema): unknown {
  if (typeof value === 'number') return schema.raw['type'] === 'number' || !Number.isSafeInteger(value) ? value : BigInt(value);
  if (isList(value)) return value.map((item) => celValue(item, itemsOf(schema)));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => {
      const known = schemaOf(schema, key) ?? itemsOf(schema);
      return [schema.properties.has(key) ? escaped(key) : key, celValue(child, known)];
    }),
  );
}

const reserved = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(' '),
);
const signs: Readonly<Record<string, string>> = { __: '__underscores__', '.': '__dot__', '-': '__dash__', '/': '__slash__' };

const escaped = (key: string): string => (reserved.has(key) ? `__${key}__` : key.replace(/__|[./-]/g, (sign) => signs[sign] ?? sign));
