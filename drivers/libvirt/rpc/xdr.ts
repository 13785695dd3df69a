import { Reader, Writer, XdrError } from './bytes.js';

/**
 * How a value is written in XDR (RFC 4506). Decoding trusts nothing: every length has a limit and is checked against what was
 * really received before anything is allocated for it.
 */
export interface Codec<T> {
  encode(value: T, writer: Writer): void;
  decode(reader: Reader): T;
}

export type Decoded<C> = C extends Codec<infer T> ? T : never;

export function encodeToBytes<T>(codec: Codec<T>, value: T): Buffer {
  const writer = new Writer();
  codec.encode(value, writer);
  return writer.bytes();
}

/** The whole of `bytes` as one value: what is left over is an error, too. */
export function decodeFromBytes<T>(codec: Codec<T>, bytes: Uint8Array): T {
  const reader = new Reader(bytes);
  const value = codec.decode(reader);
  if (reader.remaining > 0) throw new XdrError(`at byte ${reader.offset}: ${reader.remaining} bytes too many`);
  return value;
}

/** Another view of a codec's values. */
export function mapped<Wire, T>(codec: Codec<Wire>, decode: (wire: Wire) => T, encode: (value: T) => Wire): Codec<T> {
  return {
    encode: (value, writer) => codec.encode(encode(value), writer),
    decode: (reader) => decode(codec.decode(reader)),
  };
}

/** No bytes at all. */
export const nothing: Codec<void> = { encode: () => {}, decode: () => {} };

function checkInteger(value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max)
    throw new XdrError(`${value} given, a whole number from ${min} to ${max} expected`);
}

function checkBigint(value: bigint, min: bigint, max: bigint): void {
  if (value < min || value > max) throw new XdrError(`${value} given, a whole number from ${min} to ${max} expected`);
}

export const int: Codec<number> = {
  encode(value, writer) {
    checkInteger(value, -0x8000_0000, 0x7fff_ffff);
    writer.int32(value);
  },
  decode: (reader) => reader.int32(),
};

export const uint: Codec<number> = {
  encode(value, writer) {
    checkInteger(value, 0, 0xffff_ffff);
    writer.uint32(value);
  },
  decode: (reader) => reader.uint32(),
};

export const hyper: Codec<bigint> = {
  encode(value, writer) {
    checkBigint(value, -(2n ** 63n), 2n ** 63n - 1n);
    writer.int64(value);
  },
  decode: (reader) => reader.int64(),
};

export const uhyper: Codec<bigint> = {
  encode(value, writer) {
    checkBigint(value, 0n, 2n ** 64n - 1n);
    writer.uint64(value);
  },
  decode: (reader) => reader.uint64(),
};

function toSafeNumber(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new XdrError(`${value} received, at most ${Number.MAX_SAFE_INTEGER} expected`);
  return Number(value);
}

function fromSafeNumber(value: number): bigint {
  checkInteger(value, 0, Number.MAX_SAFE_INTEGER);
  return BigInt(value);
}

/** An unsigned hyper as a number, where it counts bytes and the like; above 2^53 - 1 it is an error, never rounded. */
export const size: Codec<number> = mapped(uhyper, toSafeNumber, fromSafeNumber);

export const double: Codec<number> = {
  encode: (value, writer) => writer.double(value),
  decode: (reader) => reader.double(),
};

function toBool(wire: number): boolean {
  return wire !== 0;
}

/** An int that is used as a truth value: whatever is not 0 is true. */
export const bool: Codec<boolean> = mapped(int, toBool, Number);

function decodeLength(reader: Reader, limit: number, what: string): number {
  const length = uint.decode(reader);
  if (length > limit) throw new XdrError(`at byte ${reader.offset}: a ${what} of ${length} announced, at most ${limit} accepted`);
  return length;
}

function encodeLength(length: number, limit: number, what: string, writer: Writer): void {
  if (length > limit) throw new XdrError(`a ${what} of ${length} given, at most ${limit} accepted`);
  uint.encode(length, writer);
}

function paddingOf(length: number): number {
  return -length & 3;
}

function takePadded(reader: Reader, length: number): Buffer {
  const bytes = reader.take(length);
  reader.skip(paddingOf(length));
  return bytes;
}

/** Exactly `length` bytes. */
export function fixedOpaque(length: number): Codec<Uint8Array> {
  return {
    encode(value, writer) {
      if (value.length !== length) throw new XdrError(`${value.length} bytes given, ${length} expected`);
      writer.reserve(length + paddingOf(length)).set(value);
    },
    decode: (reader) => takePadded(reader, length),
  };
}

/** At most `limit` bytes. What is decoded is a view of the message. */
export function opaque(limit: number): Codec<Uint8Array> {
  return {
    encode(value, writer) {
      encodeLength(value.length, limit, 'byte string', writer);
      writer.reserve(value.length + paddingOf(value.length)).set(value);
    },
    decode: (reader) => takePadded(reader, decodeLength(reader, limit, 'byte string')),
  };
}

function fromText(text: string): Uint8Array {
  // The host is written in C and would silently stop reading at the NUL: half a name is another name.
  if (text.includes('\0')) throw new XdrError(`${JSON.stringify(text)} given, text without NUL expected`);
  return Buffer.from(text, 'utf8');
}

/** UTF-8 of at most `limit` bytes. What is none can be read all the same: one oddly named file must not make a whole pool unreadable. */
export function string(limit: number): Codec<string> {
  const bytes = opaque(limit);
  return {
    encode: (value, writer) => bytes.encode(fromText(value), writer),
    decode(reader) {
      const length = decodeLength(reader, limit, 'byte string');
      const text = reader.text(length, 'utf8');
      reader.skip(paddingOf(length));
      return text;
    },
  };
}

/** A value that may be absent. */
export function optional<T>(codec: Codec<T>): Codec<T | undefined> {
  return {
    encode(value, writer) {
      bool.encode(value !== undefined, writer);
      if (value !== undefined) codec.encode(value, writer);
    },
    decode: (reader) => (bool.decode(reader) ? codec.decode(reader) : undefined),
  };
}

/** At most `limit` elements. */
export function array<T>(codec: Codec<T>, limit: number): Codec<readonly T[]> {
  return {
    encode(values, writer) {
      encodeLength(values.length, limit, 'list', writer);
      for (const value of values) codec.encode(value, writer);
    },
    // Grows as elements really arrive: an announced length alone allocates nothing.
    decode(reader) {
      const length = decodeLength(reader, limit, 'list');
      const values: T[] = [];
      while (values.length < length) values.push(codec.decode(reader));
      return values;
    },
  };
}

/** Exactly `length` elements. */
export function vector<T>(codec: Codec<T>, length: number): Codec<readonly T[]> {
  return {
    encode(values, writer) {
      if (values.length !== length) throw new XdrError(`${values.length} elements given, ${length} expected`);
      for (const value of values) codec.encode(value, writer);
    },
    decode: (reader) => Array.from({ length }, () => codec.decode(reader)),
  };
}

/** A field whose value is always the same, and so is nobody's concern: in a struct it is left out. */
export function always<T>(codec: Codec<T>, value: T): Codec<undefined> {
  return mapped(
    codec,
    () => undefined,
    () => value,
  );
}

type Fields = Readonly<Record<string, Codec<unknown>>>;
type OptionalNames<F> = { [K in keyof F]: undefined extends Decoded<F[K]> ? K : never }[keyof F];
type StructOf<F> = { readonly [K in Exclude<keyof F, OptionalNames<F>>]: Decoded<F[K]> } & {
  readonly [K in OptionalNames<F>]?: Decoded<F[K]>;
};

/** Fields in the order they are written down here. */
export function struct<F extends Fields>(fields: F): Codec<StructOf<F>> {
  const names = Object.keys(fields);
  const codecs = Object.values(fields);
  // One net beneath all fields: a closure for each would cost more than most of them.
  const each = (act: (codec: Codec<unknown>, name: string) => void) => {
    let at = 0;
    try {
      for (; at < codecs.length; at += 1) act(codecs[at] as Codec<unknown>, names[at] as string);
    } catch (error) {
      throw error instanceof XdrError ? new XdrError(`${names[at]}: ${error.message}`) : error;
    }
  };
  return {
    encode: (value, writer) => each((codec, name) => codec.encode(value[name as keyof typeof value], writer)),
    // A field that is absent is not there, rather than there and undefined.
    decode(reader) {
      const decoded: Record<string, unknown> = {};
      each((codec, name) => {
        const field = codec.decode(reader);
        if (field !== undefined) decoded[name] = field;
      });
      return decoded as StructOf<F>;
    },
  };
}
