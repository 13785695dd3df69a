import { createHash } from 'node:crypto';

/**
 * What of many fields was asked, small enough for a machine's mark: two characters of a digest of each path, four of one of what was asked there.
 * Two that are taken for one would make a change of the manifest look like one by another hand, once in 16 million times.
 */
const keyLength = 2;
const valueLength = 4;
const entryLength = keyLength + valueLength;
const mostEntries = 150;

export type Fields = readonly (readonly [path: string, value: unknown])[];

const digest = (text: string): string => createHash('sha256').update(text).digest('base64url');

export const keyOf = (path: string): string => digest(path).slice(0, keyLength);

const entryOf = (path: string, value: unknown): string =>
  keyOf(path) + digest(`${path}=${JSON.stringify(value ?? null)}`).slice(0, valueLength);

/** The first of very many; nothing is known of the others. */
export const digestsOf = (fields: Fields, most = mostEntries): string =>
  fields
    .slice(0, most)
    .map(([path, value]) => entryOf(path, value))
    .join('');

export const keysOf = (paths: readonly string[]): string => [...new Set(paths.map(keyOf))].slice(0, mostEntries).join('');

const split = (text: string, length: number): readonly string[] =>
  Array.from({ length: Math.floor(text.length / length) }, (_, at) => text.slice(at * length, (at + 1) * length));

export const hasEntry = (digests: string, path: string, value: unknown): boolean =>
  split(digests, entryLength).includes(entryOf(path, value));

/** Something was asked there, whatever it was: what was not has an entry, too. */
export const isAskedFor = (digests: string, path: string): boolean =>
  split(digests, entryLength).some((entry) => entry.startsWith(keyOf(path)) && entry !== entryOf(path, undefined));

export const hasKey = (keys: string, path: string): boolean => split(keys, keyLength).includes(keyOf(path));

/** Something else was asked of one of these. What nothing is known of is not news. */
export function isStale(digests: string, fields: Fields): boolean {
  const entries = split(digests, entryLength);
  const known = new Set(entries.map((entry) => entry.slice(0, keyLength)));
  return fields.some(([path, value]) => {
    const entry = entryOf(path, value);
    return known.has(entry.slice(0, keyLength)) && !entries.includes(entry);
  });
}
