import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { XdrError } from './bytes.js';
import { encodeFrame, type Frame, FrameCutter, type Header, maxMessageBytes } from './frame.js';
import type { Procedure, StreamProcedure } from './procedure.js';
import * as procedures from './procedures.js';
import { domainHandle, limits, paramsByField, remoteError, statsRecord, type TypedValue, typedParam, uuid, volumeHandle } from './types.js';
import {
  always,
  array,
  bool,
  type Codec,
  decodeFromBytes,
  double,
  encodeToBytes,
  fixedOpaque,
  hyper,
  int,
  nothing,
  opaque,
  optional,
  size,
  string,
  struct,
  uhyper,
  uint,
  vector,
} from './xdr.js';

const record = <T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record(fields, { noNullPrototype: true });
const text = fc.string({ unit: 'grapheme', maxLength: 40 }).filter((value) => !value.includes('\0'));
const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const present = (fields: Record<string, fc.Arbitrary<unknown>>, required: string[]) =>
  fc.record(fields, { requiredKeys: required, noNullPrototype: true });
const domain = record({ name: text, uuid: fc.uuid(), id: int32 });
const typedValue: fc.Arbitrary<TypedValue> = fc.oneof(
  record({ kind: fc.constant('int' as const), value: int32 }),
  record({ kind: fc.constant('uint' as const), value: uint32 }),
  record({ kind: fc.constant('llong' as const), value: int64 }),
  record({ kind: fc.constant('ullong' as const), value: uint64 }),
  record({ kind: fc.constant('double' as const), value: fc.double() }),
  record({ kind: fc.constant('boolean' as const), value: fc.boolean() }),
  record({ kind: fc.constant('string' as const), value: text }),
);
const param = record({ field: text, value: typedValue });
const error = present(
  {
    code: int32,
    domain: int32,
    message: text,
    level: int32,
    machine: domain,
    str1: text,
    str2: text,
    str3: text,
    int1: int32,
    int2: int32,
    network: record({ name: text, uuid: fc.uuid() }),
  },
  ['code', 'domain', 'level', 'int1', 'int2'],
);

/** Each codec with values of all its shapes. */
const shapes: readonly (readonly [string, Codec<unknown>, fc.Arbitrary<unknown>])[] = [
  ['int', int, int32],
  ['uint', uint, uint32],
  ['hyper', hyper, int64],
  ['uhyper', uhyper, uint64],
  ['size', size, fc.maxSafeNat()],
  ['double', double, fc.double()],
  ['bool', bool, fc.boolean()],
  ['string', string(1_000), text],
  ['optional', optional(string(1_000)), fc.option(text, { nil: undefined })],
  ['opaque', opaque(50), fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes))],
  ['fixedOpaque', fixedOpaque(5), fc.uint8Array({ minLength: 5, maxLength: 5 }).map((bytes) => Buffer.from(bytes))],
  ['vector', vector(int, 3), fc.tuple(int32, int32, int32)],
  ['uuid', uuid, fc.uuid()],
  ['typed parameters', array(typedParam, 20), fc.array(param, { maxLength: 20 })],
  ['statistics', statsRecord, record({ domain, params: fc.array(param) })],
  ['remote error', remoteError, error],
  ['volume', volumeHandle, record({ pool: text, name: text, key: text })],
];

t.test('what is encoded is decoded to the same, in whole words', async (t) => {
  for (const [name, codec, values] of shapes) {
    const roundTrip = (value: unknown) => {
      const bytes = encodeToBytes(codec, value);
      assert.equal(bytes.length % 4, 0);
      assert.deepEqual(decodeFromBytes(codec, bytes), value, name);
    };
    t.doesNotThrow(() => fc.assert(fc.property(values, roundTrip)), name);
  }
});

t.test('the bytes are those of XDR', async (t) => {
  const hex = <T>(codec: Codec<T>, value: T) => encodeToBytes(codec, value).toString('hex');
  t.equal(hex(int, -2), 'fffffffe');
  t.equal(hex(uhyper, 2n ** 63n), '8000000000000000');
  t.equal(hex(double, 1), '3ff0000000000000');
  t.equal(hex(string(10), 'äb'), '00000003c3a46200');
  t.equal(hex(optional(int), undefined), '00000000');
  t.equal(hex(optional(int), 5), '0000000100000005');
  t.equal(hex(array(int, 2), [1, 2]), '000000020000000100000002');
  t.equal(
    hex(domainHandle, { name: 'a', uuid: '00112233-4455-6677-8899-aabbccddeeff', id: -1 }),
    '000000016100000000112233445566778899aabbccddeeffffffffff',
  );
  t.equal(hex(procedures.connectListAllDomains.args, { flags: 2 }), '0000000100000002', 'the elements are always wanted');
  t.equal(hex(typedParam, { field: 'f', value: { kind: 'boolean', value: true } }), '00000001660000000000000600000001');
});

t.test('what cannot be written down is refused, naming the field', async (t) => {
  const cases: readonly (readonly [() => unknown, RegExp])[] = [
    [() => encodeToBytes(int, 2 ** 31), /2147483648 given/],
    [() => encodeToBytes(uint, -1), /-1 given/],
    [() => encodeToBytes(int, 1.5), /1.5 given/],
    [() => encodeToBytes(size, 2 ** 53), /9007199254740992 given, a whole number from 0 to 9007199254740991/],
    [() => encodeToBytes(uhyper, -1n), /-1 given/],
    [() => encodeToBytes(string(3), 'four'), /byte string of 4 given, at most 3/],
    [() => encodeToBytes(string(9), 'a\0b'), /text without NUL/],
    [() => encodeToBytes(array(int, 1), [1, 2]), /list of 2 given, at most 1/],
    [() => encodeToBytes(vector(int, 1), []), /0 elements given, 1 expected/],
    [() => encodeToBytes(fixedOpaque(2), new Uint8Array(1)), /1 bytes given, 2 expected/],
    [() => encodeToBytes(uuid, 'no-uuid'), /"no-uuid" given, a UUID expected/],
    [() => encodeToBytes(struct({ outer: struct({ inner: int }) }), { outer: { inner: 0.5 } }), /^outer: inner: 0.5 given/],
  ];
  for (const [act, message] of cases) t.throws(act, { name: 'XdrError', message });
});

t.test('what makes no sense is refused before anything is allocated for it', async (t) => {
  const cases: readonly (readonly [Codec<unknown>, string, RegExp])[] = [
    [int, '000000', /4 bytes expected, 3 left/],
    [int, '0000000000000000', /4 bytes too many/],
    [string(limits.string), 'ffffffff', /byte string of 4294967295 announced, at most 4194304/],
    [string(limits.string), '00400000', /4194304 bytes expected, 0 left/],
    [array(domainHandle, limits.list), '00004001', /list of 16385 announced/],
    [array(domainHandle, limits.list), '00004000', /name: at byte 4: 4 bytes expected, 0 left/],
    [size, '0020000000000000', /9007199254740992 received/],
    [typedParam, '000000016600000000000008', /value: at byte 12: parameter type 8 received/],
  ];
  for (const [codec, bytes, message] of cases)
    t.throws(() => decodeFromBytes(codec, Buffer.from(bytes, 'hex')), { name: 'XdrError', message });
});

t.test('names that are no UTF-8 can be read', async (t) => {
  t.equal(decodeFromBytes(string(9), Buffer.from('00000002ff610000', 'hex')), '\ufffda');
});

t.test('a constant is written, and left out of what is read', async (t) => {
  const codec = struct({ version: always(int, 7), flags: uint });
  const bytes = encodeToBytes(codec, { flags: 1 });
  t.equal(bytes.toString('hex'), '0000000700000001');
  t.same(Object.keys(decodeFromBytes(codec, bytes)), ['flags']);
});

type AnyProcedure = Procedure<never, unknown> | StreamProcedure<never>;
const described = Object.values(procedures).filter((value): value is AnyProcedure => 'kind' in value);
const events = [
  ...Object.values(procedures.domainEvents),
  ...Object.values(procedures.poolEvents),
  ...Object.values(procedures.networkEvents),
];

t.test('every procedure has a number and a name of its own', async (t) => {
  // Trying whether there are consoles is the call that opens one, without the stream.
  const own = described.filter((procedure) => procedure !== procedures.domainTryConsole);
  t.ok(own.length > 50);
  t.equal(new Set(own.map(({ number }) => number)).size, own.length);
  t.equal(new Set(own.map(({ name }) => name)).size, own.length);
  t.equal(new Set(events.map(({ number }) => number)).size, events.length);
});

t.test('random bytes are read as an answer or refused as an XdrError, never otherwise', async () => {
  const codecs: readonly Codec<unknown>[] = [
    ...described.flatMap((procedure) => (procedure.kind === 'call' ? [procedure.result] : [])),
    ...events.map(({ body }) => body),
    remoteError,
  ];
  const word = fc.oneof(fc.integer({ min: 0, max: 9 }), uint32).map((value) => encodeToBytes(uint, value));
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 400 }),
    fc.array(word, { maxLength: 60 }).map((words) => Buffer.concat(words)),
  );
  const survives = (codec: Codec<unknown>, input: Uint8Array) => {
    try {
      decodeFromBytes(codec, input);
    } catch (error) {
      if (!(error instanceof XdrError)) throw error;
    }
  };
  fc.assert(fc.property(fc.constantFrom(...codecs), bytes, survives), { numRuns: 5_000 });
});

t.test('a damaged answer never decodes to something larger than itself', async () => {
  const damaged = record({
    records: fc.array(record({ domain, params: fc.array(param) }), { maxLength: 4 }),
    at: fc.nat(),
    to: fc.nat(255),
  });
  const codec = procedures.connectGetAllDomainStats.result;
  const survives = ({ records, at, to }: { records: unknown; at: number; to: number }) => {
    const bytes = Buffer.from(encodeToBytes(codec, records as never));
    bytes[at % bytes.length] = to;
    try {
      const decoded = decodeFromBytes(codec, bytes);
      assert.ok(decoded.length * 28 <= bytes.length);
    } catch (error) {
      if (!(error instanceof XdrError)) throw error;
    }
  };
  fc.assert(fc.property(damaged, survives), { numRuns: 500 });
});

t.test('parameters are found by name', async (t) => {
  const found = paramsByField([{ field: 'cpu.time', value: { kind: 'ullong', value: 5n } }]);
  t.equal(found.get('cpu.time'), 5n);
});

const header: Header = { program: 1, version: 1, procedure: 2, type: 1, serial: 3, status: 0 };

function cut(bytes: Buffer, sizes: readonly number[]): readonly Frame[] {
  const cutter = new FrameCutter();
  const frames: Frame[] = [];
  let start = 0;
  for (const length of [...sizes, bytes.length]) {
    frames.push(...cutter.push(bytes.subarray(start, start + length)));
    start += length;
  }
  return frames;
}

t.test('frames are found however the bytes arrive', async () => {
  const bodies = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 });
  const sizes = fc.array(fc.integer({ min: 0, max: 200 }), { maxLength: 40 });
  const found = (given: readonly Uint8Array[], chunks: readonly number[]) => {
    const bytes = Buffer.concat(given.map((body, serial) => encodeFrame({ ...header, serial }, body)));
    const expected = given.map((body, serial) => ({ header: { ...header, serial }, body: Buffer.from(body) }));
    assert.deepEqual(cut(bytes, chunks), expected);
  };
  fc.assert(fc.property(bodies, sizes, found), { numRuns: 200 });
});

t.test('a frame of impossible length is refused when its length is read', async (t) => {
  const announce = (length: number) => [...new FrameCutter().push(encodeToBytes(uint, length))];
  for (const length of [0, 4, 27, maxMessageBytes + 5, 0xffff_ffff]) t.throws(() => announce(length), { name: 'XdrError' }, `${length}`);
  for (const length of [28, maxMessageBytes + 4]) t.same(announce(length), [], `${length}`);
  t.throws(() => encodeFrame(header, Buffer.alloc(maxMessageBytes)), { name: 'XdrError' });
});

t.test('nothing is nothing', async (t) => {
  t.equal(encodeToBytes(nothing, undefined).length, 0);
});
