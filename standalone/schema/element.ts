import { isObject, type Json } from '../json.js';
import type { Schema } from './schema.js';

/** How an item of a list is known among the others. A key that is not said has its default. */
export function elementOf(item: Json, schema: Schema): string {
  if (schema.listType === 'set' || !isObject(item)) return `v:${JSON.stringify(item)}`;
  const keys = [...schema.listKeys].sort().map((key) => [key, item[key] ?? schema.items?.properties.get(key)?.default] as const);
  return `k:${JSON.stringify(Object.fromEntries(keys.filter(([, value]) => value !== undefined)))}`;
}
