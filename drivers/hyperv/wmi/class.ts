import { encodeEmbedded } from '../wsman/embedded.js';
import type { Instance, Reference, Value } from '../wsman/instance.js';
import { classUri } from '../wsman/names.js';
import type { Fields, Read, Written } from './property.js';

/** Of Hyper-V's WMI: of Server 2008 and 2008 R2, and since 2012. */
export type Version = 'v1' | 'v2';

export const namespaces: Readonly<Record<Version, string>> = { v1: 'root/virtualization', v2: 'root/virtualization/v2' };

/**
 * A class that both versions have, and which is not the same in both: what is common is safe everywhere, and the rest is reached only by
 * asking for the version.
 */
export interface WmiClass<C extends Fields, V1 extends Fields, V2 extends Fields> {
  readonly name: Readonly<Record<Version, string>>;
  /** By which one of its objects is named. */
  readonly keys: readonly string[];
  readonly common: C;
  readonly v1: V1;
  readonly v2: V2;
}

export type WmiObject<C extends Fields, V1 extends Fields, V2 extends Fields> = {
  readonly reference: Reference;
  readonly common: Read<C>;
} & ({ readonly version: 'v1'; readonly v1: Read<V1> } | { readonly version: 'v2'; readonly v2: Read<V2> });

export type ObjectOf<K> = K extends WmiClass<infer C, infer V1, infer V2> ? WmiObject<C, V1, V2> : never;

interface Definition<C extends Fields, V1 extends Fields, V2 extends Fields> {
  readonly name: string | Readonly<Record<Version, string>>;
  readonly keys?: readonly string[];
  readonly common: C;
  readonly v1?: V1;
  readonly v2?: V2;
}

export function wmiClass<C extends Fields, V1 extends Fields = Record<never, never>, V2 extends Fields = Record<never, never>>({
  name,
  keys = ['InstanceID'],
  common,
  v1,
  v2,
}: Definition<C, V1, V2>): WmiClass<C, V1, V2> {
  const names = typeof name === 'string' ? { v1: name, v2: name } : name;
  // Left out means none, which is what their types say then.
  return { name: names, keys, common, v1: v1 ?? ({} as V1), v2: v2 ?? ({} as V2) };
}

/** @throws DriverError Internal for a value that is not of its type */
export function decodeObject<C extends Fields, V1 extends Fields, V2 extends Fields>(
  of: WmiClass<C, V1, V2>,
  version: Version,
  { properties }: Pick<Instance, 'properties'>,
): WmiObject<C, V1, V2> {
  const name = of.name[version];
  const first = (key: string): string => {
    const [value] = properties.get(key) ?? [];
    return typeof value === 'string' ? value : '';
  };
  const selectors = Object.fromEntries(of.keys.map((key) => [key, first(key)]));
  const reference: Reference = { kind: 'reference', resourceUri: classUri(namespaces[version], name), selectors };
  const read = <F extends Fields>(fields: F) => decodeFields(name, fields, properties);
  const common = read(of.common);
  return version === 'v1' ? { reference, common, version, v1: read(of.v1) } : { reference, common, version, v2: read(of.v2) };
}

function decodeFields<F extends Fields>(name: string, fields: F, properties: ReadonlyMap<string, readonly Value[]>): Read<F> {
  const entries = Object.entries(fields).map(([key, field]) => [key, field.read(properties.get(key) ?? [], `${name}.${key}`)]);
  return Object.fromEntries(entries) as Read<F>;
}

/** An object as a method takes it. What a version does not know cannot be given to it. */
export function embedObject<C extends Fields, V1 extends Fields, V2 extends Fields>(
  of: WmiClass<C, V1, V2>,
  values: { readonly common?: Written<C> } & (
    | { readonly version: 'v1'; readonly v1?: Written<V1> }
    | { readonly version: 'v2'; readonly v2?: Written<V2> }
  ),
): string {
  const own = values.version === 'v1' ? encodeFields(of.v1, values.v1 ?? {}) : encodeFields(of.v2, values.v2 ?? {});
  return encodeEmbedded(of.name[values.version], [...encodeFields(of.common, values.common ?? {}), ...own]);
}

function encodeFields(fields: Fields, values: Readonly<Record<string, unknown>>) {
  return Object.entries(fields).flatMap(([name, { type, isArray, write }]) => {
    const value = values[name];
    return value === undefined ? [] : [{ name, type, isArray, values: write(value) }];
  });
}
