import type { CimClass, Classes } from './class.js';

/** As written on the wire; a property without a value is null. */
export type Values = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface CimObject {
  readonly className: string;
  readonly values: Values;
}

/** One property of an object, by a name in whatever case. */
export function propertyOf({ values }: CimObject, name: string): string | readonly string[] | undefined {
  if (Object.hasOwn(values, name)) return values[name];
  const found = Object.keys(values).find((each) => each.toLowerCase() === name.toLowerCase());
  return found === undefined ? undefined : values[found];
}

export function textOfValue(of: CimObject, name: string): string | undefined {
  const value = propertyOf(of, name);
  return typeof value === 'string' ? value : value?.[0];
}

/** Where an object lies: `\\HOST\root\virtualization\v2:Msvm_ComputerSystem.CreationClassName="…",Name="…"`. */
export function pathOf(of: CimObject, classes: Classes, server: string, namespace: string): string {
  const keys = keysOf(of, classes).map(([name, value]) => `${name}="${escaped(value)}"`);
  return `\\\\${server}\\${namespace.replaceAll('/', '\\')}:${of.className}.${keys.join(',')}`;
}

export function keysOf(of: CimObject, classes: Classes): readonly (readonly [name: string, value: string])[] {
  return (classes.find(of.className)?.keys ?? []).map((name) => [name, textOfValue(of, name) ?? ''] as const);
}

const escaped = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"');

export interface ObjectPath {
  readonly className: string;
  readonly keys: readonly (readonly [name: string, value: string])[];
}

/**
 * A path, or the part of one after the namespace: `Class.Key='v',Key2="w"`. Within the quotes a backslash makes what follows mean itself, except
 * where clients forget to double it.
 */
export function parsePath(text: string): ObjectPath | undefined {
  const inner = /^(?:\\\\[^\\]*\\[^:]*:)?([A-Za-z_]\w*)(?:\.(.*))?$/s.exec(text.trim());
  if (inner?.[1] === undefined) return undefined;
  const pairs = [...(inner[2] ?? '').matchAll(/(\w+)\s*=\s*(?:"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'|(\w+))/gs)];
  return {
    className: inner[1],
    keys: pairs.map(([, name = '', double, single, bare]) => [name, unescaped(double ?? single ?? bare ?? '')]),
  };
}

export const unescaped = (text: string): string => text.replaceAll(/\\([\\"'])/g, '$1');

/** Whether a path, which may lack keys, leads to the object. Windows compares in whatever case. */
export function leadsTo({ className, keys }: ObjectPath, of: CimObject, classes: Classes): boolean {
  return classes.isA(of.className, className) && keys.every(([name, value]) => same(textOfValue(of, name), value));
}

export const same = (one: string | undefined, other: string): boolean => one?.toLowerCase() === other.toLowerCase();

/** Values as that class writes them: clients give numbers and truths in whatever way. */
export function typedValues(of: CimClass, given: Values): Values {
  const typed = of.properties.flatMap(({ name, type }) => {
    const value = propertyOf({ className: of.name, values: given }, name);
    if (value === undefined) return [];
    return [[name, typeof value === 'string' ? lexical(type, value) : value.map((each) => lexical(type, each))] as const];
  });
  return Object.fromEntries(typed);
}

function lexical(type: string, text: string): string {
  if (type === 'boolean') return /^(true|1)$/i.test(text.trim()) ? 'true' : 'false';
  return /int/.test(type) ? text.trim() : text;
}
