import { isJson, list, text } from '../json.js';

/** Who set fields of an object, when, and which. */
export interface Setter {
  readonly manager: string;
  /** `Apply` or `Update`. */
  readonly operation: string;
  /** As the server wrote it; empty when it did not. */
  readonly at: string;
  /** Empty for the object itself. */
  readonly subresource: string;
  /** As `spec.disks[root].size`, in order. */
  readonly fields: readonly string[];
}

/** From `metadata.managedFields`, the newest first. Pure. */
export function settersOf(raw: unknown): readonly Setter[] {
  const metadata = isJson(raw) && isJson(raw['metadata']) ? raw['metadata'] : {};
  return list(metadata['managedFields'])
    .map((one) => ({
      manager: text(one['manager']),
      operation: text(one['operation']),
      at: text(one['time']),
      subresource: text(one['subresource']),
      fields: fieldsIn(one['fieldsV1'], '').sort(),
    }))
    .sort((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : 0));
}

/** `f:` a field, `k:` an item by its keys, `v:` an item by itself, `.` the thing as a whole. */
function fieldsIn(set: unknown, path: string): string[] {
  if (!isJson(set)) return [];
  const parts = Object.entries(set).filter(([key]) => key !== '.');
  if (parts.length === 0) return path === '' ? [] : [path];
  return parts.flatMap(([key, below]) => fieldsIn(below, path + stepOf(key, path === '')));
}

function stepOf(key: string, isFirst: boolean): string {
  const [, kind, rest = ''] = /^([fkv]):([\s\S]*)$/.exec(key) ?? [];
  if (kind === 'f') return /^[\w-]+$/.test(rest) ? `${isFirst ? '' : '.'}${rest}` : `[${rest}]`;
  const value = parsed(rest);
  return `[${isJson(value) ? Object.values(value).join(',') : (value ?? rest)}]`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
