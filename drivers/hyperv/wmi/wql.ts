import type { Reference } from '../wsman/instance.js';

/** A text within single quotes. */
export const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

/** All of these hold. */
export function where(wanted: Readonly<Record<string, string | number>>): string {
  const all = Object.entries(wanted).map(([name, value]) => `${name} = ${typeof value === 'number' ? value : quoted(value)}`);
  return all.length === 0 ? '' : ` WHERE ${all.join(' AND ')}`;
}

/** One of these, by the property. Identifiers of Hyper-V's have nothing in them that `LIKE` means otherwise. */
export const among = (name: string, texts: readonly string[]): string => texts.map((text) => `${name} = ${quoted(text)}`).join(' OR ');
export const beginning = (name: string, texts: readonly string[]): string =>
  texts.map((text) => `${name} LIKE ${quoted(`${text}%`)}`).join(' OR ');

/** `Class.Key="…"`, as texts name an object within its own namespace. */
export function relativePath({ resourceUri, selectors }: Reference): string {
  const className = resourceUri.slice(resourceUri.lastIndexOf('/') + 1);
  const keys = Object.entries(selectors).map(([name, value]) => `${name}="${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`);
  return `${className}.${keys.join(',')}`;
}

/** The same from everywhere on that host, as `Parent` and `HostResource` have it. */
export function objectPath(server: string, namespace: string, of: Reference): string {
  return `\\\\${server}\\${namespace.replaceAll('/', '\\')}:${relativePath(of)}`;
}

/** The keys of the object that a path leads to. Some hosts double the backslashes within the quotes, and some forget to. */
export function keysIn(path: string): Readonly<Record<string, string>> {
  const pairs = [...path.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/gs)];
  return Object.fromEntries(pairs.map(([, name = '', value = '']) => [name, value.replaceAll('\\\\', '\\').replaceAll('\\"', '"')]));
}
