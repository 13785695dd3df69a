import fc from 'fast-check';
import t from 'tap';
import type { Json, JsonObject } from '../json.js';
import { withDefaults } from './default.js';
import { parseAddress, parseNetwork } from './network.js';
import { prune } from './prune.js';
import { parseQuantity } from './quantity.js';
import { compile } from './rules.js';
import { readSchema } from './schema.js';
import { validator } from './validate.js';

const text = { type: 'string' };
const errorsOf = (raw: JsonObject, value: Json, old?: Json) =>
  validator(readSchema(raw))(value, old).map(({ field, message }) => `${field}: ${message}`);

t.test('what is not known goes, with its path', async (t) => {
  const schema = readSchema({
    type: 'object',
    properties: {
      a: { type: 'array', items: { type: 'object', properties: { b: text } } },
      free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
      map: { type: 'object', additionalProperties: { type: 'object', properties: { b: text } } },
    },
  });
  const { value, unknown } = prune({ a: [{ b: '1', c: 2 }], free: { x: { y: 1 } }, map: { k: { b: '', z: 1 } }, q: 1 }, schema);
  t.same(value, { a: [{ b: '1' }], free: { x: { y: 1 } }, map: { k: { b: '' } } });
  t.same(unknown, ['a[0].c', 'map.k.z', 'q']);
});

t.test('defaults are filled in, within what is there', async (t) => {
  const schema = readSchema({
    type: 'object',
    properties: {
      a: { ...text, default: 'x' },
      b: { type: 'object', properties: { c: { type: 'integer', default: 1 } } },
      d: { type: 'object', default: {}, properties: { e: { ...text, default: 'y' } } },
      n: { ...text, nullable: true, default: 'z' },
      o: text,
    },
  });
  t.same(withDefaults({ a: null, b: {}, n: null, o: null }, schema), { n: null, a: 'x', b: { c: 1 }, d: { e: 'y' } });
});

t.test('what is wrong with a value is told by its path', async (t) => {
  const raw = {
    type: 'object',
    required: ['name'],
    properties: {
      name: { ...text, pattern: '^[a-z]+$', maxLength: 3 },
      size: { 'x-kubernetes-int-or-string': true },
      kind: { ...text, enum: ['A', 'B'] },
      list: {
        type: 'array',
        maxItems: 1,
        items: { type: 'object', properties: { name: text } },
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['name'],
      },
      port: { type: 'integer', minimum: 1, format: 'int32' },
    },
  };
  t.same(errorsOf(raw, { name: 'abc', size: '1Gi', kind: 'A', list: [{ name: 'a' }], port: 5 }), []);
  t.same(errorsOf(raw, { size: 5 }), ['name: Required value']);
  t.match(errorsOf(raw, { name: 'A' }), [/^name: Invalid value: "A": name in body should match '\^\[a-z\]\+\$'$/]);
  t.match(errorsOf(raw, { name: 'abcd' }), [/^name: Too long: may not be more than 3 bytes$/]);
  t.match(errorsOf(raw, { name: 'a', kind: 'C' }), [/^kind: Unsupported value: "C": supported values: "A", "B"$/]);
  t.match(errorsOf(raw, { name: 'a', size: true }), [
    /^size: Invalid value: true: size in body must be of type integer,string: "boolean"$/,
  ]);
  t.match(
    errorsOf(
      { ...raw, properties: { ...raw.properties, list: { ...raw.properties.list, maxItems: 9 } } },
      { name: 'a', list: [{ name: 'x' }, { name: 'x' }] },
    ),
    [/^list\[1\]: Duplicate value: \{"name":"x"\}$/],
  );
  t.match(errorsOf(raw, { name: 'a', port: 0 }), [/greater than or equal to 1/]);
});

t.test('rules see old and new, whole numbers and odd names; what was wrong before and is not touched is let be', async (t) => {
  const rules = (...given: readonly JsonObject[]) => ({ 'x-kubernetes-validations': given });
  const raw = {
    type: 'object',
    properties: {
      a: { type: 'integer', ...rules({ rule: 'self >= oldSelf', message: 'grows only' }) },
      'b-c': { ...text, ...rules({ rule: "self != 'bad'", messageExpression: "'not ' + self" }) },
      size: { ...text, ...rules({ rule: "quantity(self).isGreaterThan(quantity('1Gi'))" }) },
    },
    ...rules({ rule: '!has(self.a) || !has(self.b__dash__c) || self.a < 10', message: 'both', fieldPath: '.a' }),
  };
  t.same(errorsOf(raw, { a: 1 }), [], 'no old one, no rule about it');
  t.match(errorsOf(raw, { a: 1 }, { a: 2 }), [/^a: Invalid value: 1: grows only$/]);
  t.match(errorsOf(raw, { 'b-c': 'bad' }), [/^b-c: Invalid value: "bad": not bad$/]);
  t.same(errorsOf(raw, { 'b-c': 'bad', a: 3 }, { 'b-c': 'bad', a: 2 }), []);
  t.match(errorsOf(raw, { a: 11, 'b-c': 'x' }), [/^a: Invalid value: both$/]);
  t.match(errorsOf(raw, { size: '1Mi' }), [/failed rule: quantity/]);
  t.match(errorsOf(raw, { size: 'much' }), [/"much" is no quantity/]);
});

t.test('no pattern and no rule takes for ever', async (t) => {
  t.equal(compile("self.matches('^(a+)+$')").evaluate({ self: `${'a'.repeat(50_000)}b` }), false);
  const list = Array.from({ length: 300 }, (_, at) => BigInt(at));
  const nested = compile('self.all(a, self.all(b, self.all(c, self.all(d, a + b + c + d >= 0))))');
  t.throws(() => nested.evaluate({ self: list }), { message: /more than 1000000 items/ });
  t.equal(compile('self.all(a, self.exists(b, a == b))').evaluate({ self: list }), true, 'the next one counts anew');
  t.same(errorsOf({ ...text, pattern: '^(a+)+$' }, `${'a'.repeat(50_000)}b`).length, 1);
  t.throws(() => compile('self.nonsense('));
  t.throws(() => compile('nosuch(self)'));
});

t.test('quantities and networks are read exactly, or not at all', async (t) => {
  for (const [given, nanos] of [
    ['1', 10n ** 9n],
    ['1.5Gi', ((3n * 10n ** 9n) << 30n) / 2n],
    ['-2k', -2n * 10n ** 12n],
    ['1e3', 10n ** 12n],
    ['100m', 10n ** 8n],
    ['0.1n', 1n],
  ] as const)
    t.equal(parseQuantity(given)?.nanos, nanos, given);
  for (const wrong of ['', 'Gi', '1gi', '1 Gi', '1e999', '0x1', '1'.repeat(80)]) t.equal(parseQuantity(wrong), undefined, wrong);
  const net = (given: string) => parseNetwork(given);
  const holds = (network: string, address: string) => {
    const found = parseAddress(address);
    return found !== undefined && net(network)?.holds(found) === true;
  };
  t.ok(holds('10.0.0.0/8', '10.255.0.1'));
  t.notOk(holds('fd00::/64', 'fd00:0:0:1::1'));
  t.equal(net('10.1.2.3/16')?.masked.address.text, '10.1.0.0');
  t.equal(net('fd00:1:2:3:4::5/64')?.masked.address.text, 'fd00:1:2:3::');
  for (const wrong of ['10.0.0.0', '10.0.0.0/33', '10.0.0/8', 'fe80::1%eth0/64', '10.0.0.0/08']) t.equal(net(wrong), undefined, wrong);
  fc.assert(fc.property(fc.ipV6(), (address) => t.ok(holds(`${address}/128`, address))));
});
