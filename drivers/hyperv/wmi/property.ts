import { meaningOf } from '#drivers/words.js';
import type { CimType } from '../wsman/embedded.js';
import { isReference, type Reference, type Value } from '../wsman/instance.js';
import { nonsense } from '../wsman/nonsense.js';

/** A property of a class: how its values are read, and written. `what` names it in errors. */
export interface Property<T> {
  readonly type: CimType;
  readonly isArray: boolean;
  read(values: readonly Value[], what: string): T;
  write(value: T): readonly string[];
}

export type Fields = Readonly<Record<string, Property<unknown>>>;
export type TypeOf<P> = P extends Property<infer T> ? T : never;
export type Read<F> = { readonly [K in keyof F]: TypeOf<F[K]> };
/** What is given of it; the rest stays as it is. */
export type Written<F> = { readonly [K in keyof F]?: TypeOf<F[K]> | undefined };

interface Codec<T> {
  readonly parse: (text: string) => T | undefined;
  readonly print: (value: T) => string;
}

/** Null is undefined: of any property a host may have none. */
function scalar<T>(type: CimType, { parse, print }: Codec<T>): Property<T | undefined> {
  return {
    type,
    isArray: false,
    read: ([first], what) => (first === undefined ? undefined : parsed(parse, type, first, what)),
    write: (value) => (value === undefined ? [] : [print(value)]),
  };
}

function parsed<T>(parse: Codec<T>['parse'], type: CimType, value: Value, what: string): T {
  const found = typeof value === 'string' ? parse(value) : undefined;
  if (found === undefined) throw nonsense(`${what} is ${JSON.stringify(value).slice(0, 100)}, where ${type} was expected`);
  return found;
}

const whole: Codec<number> = {
  parse: (text) => (/^-?\d+$/.test(text.trim()) && Number.isSafeInteger(Number(text)) ? Number(text) : undefined),
  print: String,
};
const verbatim: Codec<string> = { parse: (text) => text, print: (value) => value };
const truth: Codec<boolean> = {
  parse: (text) => meaningOf({ true: true, false: false }, text.trim().toLowerCase()),
  print: String,
};

export const text = scalar('string', verbatim);
/** As ISO 8601 has it. */
export const datetime = scalar('datetime', verbatim);
export const flag = scalar('boolean', truth);
export const uint16 = scalar('uint16', whole);
export const uint32 = scalar('uint32', whole);
/** Sizes; none of Hyper-V's is beyond what a number holds. */
export const uint64 = scalar('uint64', whole);

/** Another object; of associations, which we write none of. */
export const reference: Property<Reference | undefined> = {
  type: 'string',
  isArray: false,
  read([first], what) {
    if (first === undefined || isReference(first)) return first;
    throw nonsense(`${what} is ${JSON.stringify(first).slice(0, 100)}, where an object was expected`);
  },
  write: () => [],
};

/** One that every object has, as its keys. @throws on reading DriverError Internal when it is null */
export function required<T>(property: Property<T | undefined>): Property<T> {
  return {
    ...property,
    read(values, what) {
      const value = property.read(values, what);
      if (value === undefined) throw nonsense(`${what} is missing`);
      return value;
    },
  };
}

/** Null and empty are the same. */
export function list<T>(property: Property<T | undefined>): Property<readonly T[]> {
  const one = required(property);
  return {
    type: property.type,
    isArray: true,
    read: (values, what) => values.map((value) => one.read([value], what)),
    write: (values) => values.flatMap((value) => property.write(value)),
  };
}
