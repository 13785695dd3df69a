import { meaningOf } from '#drivers/words.js';
import { attribute, element, elements, isElement, textOf, type XmlElement } from '#drivers/xml/tree.js';
import { typed, typeOf } from './names.js';
import { nonsense } from './nonsense.js';

/** How a value stands in a message: as the child elements of one name. */
export interface Type<T> {
  write(name: string, value: T): readonly XmlElement[];
  /** From all children of that name; `where` names them in errors. */
  read(found: readonly XmlElement[], where: string): T;
}

export interface Optional<T> extends Type<T | undefined> {
  readonly optional: true;
}

/** A managed object, by its type and the number that the host gave it. */
export interface Ref {
  readonly type: string;
  readonly value: string;
}

function leaf<T>(print: (value: T) => string, parse: (text: string, where: string) => T): Type<T> {
  return {
    write: (name, value) => [element(name, {}, print(value))],
    read: (found, where) => parse(textOf(one(found, where)) ?? '', where),
  };
}

function one(found: readonly XmlElement[], where: string): XmlElement {
  const [only, second] = found;
  if (only === undefined) throw nonsense(`${where} is missing`);
  if (second !== undefined) throw nonsense(`${where} is there ${found.length} times`);
  return only;
}

export const text: Type<string> = leaf(
  (value) => value,
  (found) => found,
);

/** A whole number, of 64 bits on the wire; beyond 2^53 it would not be exact. */
export const integer: Type<number> = leaf(
  (value) => {
    if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is no whole number that can be sent`);
    return `${value}`;
  },
  (found, where) => {
    const number = Number(found);
    if (!/^\s*[-+]?\d+\s*$/.test(found) || !Number.isSafeInteger(number))
      throw nonsense(`${where} is ${quoted(found)}, not a whole number`);
    return number;
  },
);

export const boolean: Type<boolean> = leaf(String, (found, where) => {
  const value = meaningOf({ true: true, '1': true, false: false, '0': false }, found.trim());
  if (value === undefined) throw nonsense(`${where} is ${quoted(found)}, not true or false`);
  return value;
});

export const ref: Type<Ref> = {
  write: (name, { type, value }) => [element(name, { type }, value)],
  read: (found, where) => {
    const only = one(found, where);
    const type = attribute(only, 'type');
    if (type === undefined) throw nonsense(`${where} refers to an object without saying its type`);
    return { type, value: textOf(only) ?? '' };
  },
};

/** As it is: for what is looked into elsewhere, or handed back with all that it holds. Only the name is ours. */
export const raw: Type<XmlElement> = {
  write: (name, value) => [{ ...value, name }],
  read: one,
};

export const nothing: Type<void> = { write: () => [], read: () => {} };

export function optional<T>(type: Type<T>): Optional<T> {
  return {
    optional: true,
    write: (name, value) => (value === undefined ? [] : type.write(name, value)),
    read: (found, where) => (found.length === 0 ? undefined : type.read(found, where)),
  };
}

export function list<T>(type: Type<T>): Type<readonly T[]> {
  return {
    write: (name, values) => values.flatMap((value) => type.write(name, value)),
    read: (found, where) => found.map((each, at) => type.read([each], `${where}[${at}]`)),
  };
}

/** An array as the value of a property, whose members stand under a name of their own: `<val><ManagedObjectReference/>…</val>`. */
export function arrayOf<T>(type: Type<T>): Type<readonly T[]> {
  return {
    write: () => {
      throw new TypeError('arrays of this kind are only read');
    },
    read: (found, where) => elements(one(found, where)).map((each, at) => type.read([each], `${where}[${at}]`)),
  };
}

export type Fields = Readonly<Record<string, Type<unknown>>>;
type ValueOf<T> = T extends Type<infer V> ? V : never;
type OptionalKeys<F extends Fields> = { [K in keyof F]: F[K] extends Optional<unknown> ? K : never }[keyof F];
export type Struct<F extends Fields> = { readonly [K in Exclude<keyof F, OptionalKeys<F>>]: ValueOf<F[K]> } & {
  readonly [K in OptionalKeys<F>]?: Exclude<ValueOf<F[K]>, undefined>;
};

/** Fields in the order of the schema, which is the order they are sent in, however a value was put together. What else is found is skipped. */
export function struct<F extends Fields>(fields: F, type?: string): Type<Struct<F>> {
  const all = Object.entries(fields);
  return {
    write: (name, value) => {
      const given = value as Readonly<Record<string, unknown>>;
      const made = element(name, {}, ...all.flatMap(([field, each]) => each.write(field, given[field])));
      return [type === undefined ? made : typed(made, type)];
    },
    read: (found, where) => {
      const parent = one(found, where);
      const read = all.map(([field, each]) => [field, each.read(childrenOf(parent, field), `${where}.${field}`)] as const);
      // Each field was read by its own type.
      return Object.fromEntries(read.filter(([, value]) => value !== undefined)) as Struct<F>;
    },
  };
}

/** Without a look at all the others, which `elements` would make into an array each time. */
function childrenOf(parent: XmlElement, name: string): readonly XmlElement[] {
  return parent.children.filter((node): node is XmlElement => isElement(node, name));
}

/** A value of any type, as extraConfig holds it: read as text, whatever it is. */
export const anyText: Type<string> = {
  write: (name, value) => [typed(element(name, {}, value), 'xsd:string')],
  read: (found, where) => textOf(one(found, where)) ?? '',
};

export function isOfType(of: XmlElement, ...types: readonly string[]): boolean {
  return types.includes(typeOf(of) ?? '');
}

function quoted(found: string): string {
  return JSON.stringify(found.length > 40 ? `${found.slice(0, 40)}…` : found);
}
