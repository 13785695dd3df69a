import { isList, isObject, type Json, type JsonObject } from '../json.js';
import { itemsOf, type Schema, schemaOf } from './schema.js';

/** The value with all that its schema gives where nothing is said. A null where none may be counts as nothing said. */
export function withDefaults(value: Json, schema: Schema): Json {
  if (isList(value)) return schema.kind === 'list' ? value.map((item) => withDefaults(item, itemsOf(schema))) : value;
  return isObject(value) ? objectWithDefaults(value, schema) : value;
}

function objectWithDefaults(value: JsonObject, schema: Schema): JsonObject {
  const said = Object.entries(value).filter(([key, child]) => child !== null || schema.properties.get(key)?.isNullable !== false);
  const names = new Set(said.map(([key]) => key));
  const given = [...schema.properties].flatMap(([key, { default: fallback }]) =>
    fallback === undefined || names.has(key) ? [] : [[key, fallback] as const],
  );
  const filled = [...said, ...given].map(([key, child]) => {
    const known = schemaOf(schema, key);
    return [key, known === undefined ? child : withDefaults(child, known)] as const;
  });
  return Object.fromEntries(filled);
}
