import fc from 'fast-check';
import t from 'tap';
import type { Json, JsonObject } from '../json.js';
import { withMetadata } from '../resources/metadata.js';
import { readSchema } from '../schema/schema.js';
import { apply } from './apply.js';
import { decodeSet, difference, encodeSet, intersection, members, pathText, sameSet, union } from './field-set.js';
import { afterUpdate, readManagers, withManagers } from './managers.js';
import { fieldsOf } from './structure.js';

const named = {
  type: 'object',
  properties: { name: { type: 'string' }, size: { type: 'string' }, bus: { type: 'string' } },
  required: ['name'],
};
const schema = readSchema(
  withMetadata({
    type: 'object',
    properties: {
      spec: {
        type: 'object',
        properties: {
          count: { type: 'integer' },
          disks: { type: 'array', items: named, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] },
          tags: { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'set' },
          words: { type: 'array', items: { type: 'string' } },
          whole: { type: 'object', 'x-kubernetes-map-type': 'atomic', properties: { a: { type: 'string' }, b: { type: 'string' } } },
          labels: { type: 'object', additionalProperties: { type: 'string' } },
        },
      },
    },
  }),
);
const object = (spec: JsonObject): JsonObject => ({ apiVersion: 'a/v1', kind: 'A', metadata: { name: 'x' }, spec });
const by = (manager: string, time = 't') => ({ manager, subresource: '', apiVersion: 'a/v1', time });
function applied(live: JsonObject | undefined, manager: string, spec: JsonObject, force = false): JsonObject {
  const made = apply({ live, applied: object(spec), schema, by: by(manager), force });
  if (made.kind === 'conflict') throw new Error(made.conflicts.flatMap((one) => members(one.fields).map(pathText)).join(' '));
  return made.object;
}
const owns = (live: JsonObject, manager: string): readonly string[] =>
  readManagers(live)
    .filter((one) => one.manager === manager)
    .flatMap(({ fields }) => members(fields).map(pathText))
    .sort();

t.test('who applies has just what it names, and what it names no more is gone', async (t) => {
  const first = applied(undefined, 'one', {
    count: 1,
    disks: [{ name: 'root', size: '1Gi' }],
    tags: ['x'],
    words: ['a'],
    whole: { a: '1' },
    labels: { k: 'v' },
  });
  t.same(owns(first, 'one'), [
    '.spec.count',
    '.spec.disks[name="root"]',
    '.spec.disks[name="root"].name',
    '.spec.disks[name="root"].size',
    '.spec.labels.k',
    '.spec.tags[="x"]',
    '.spec.whole',
    '.spec.words',
  ]);
  const second = applied(first, 'one', { count: 1, disks: [{ name: 'data' }] });
  t.same(second['spec'], { count: 1, disks: [{ name: 'data' }] });
});

t.test('two apply to one list by key, and one of them lets go', async (t) => {
  const one = applied(undefined, 'one', { disks: [{ name: 'root', size: '1Gi' }] });
  const two = applied(one, 'two', { disks: [{ name: 'data' }, { name: 'root', bus: 'b' }] });
  t.same(two['spec'], { disks: [{ name: 'data' }, { name: 'root', size: '1Gi', bus: 'b' }] });
  const left = applied(two, 'two', { disks: [] });
  t.same(left['spec'], { disks: [{ name: 'root', size: '1Gi' }] });
  t.same(owns(left, 'two'), []);
});

t.test('what another has is a conflict, unless it is the same, or is taken by force', async (t) => {
  const one = applied(undefined, 'one', { count: 1, words: ['a'] });
  t.throws(() => applied(one, 'two', { count: 2 }), { message: '.spec.count' });
  t.throws(() => applied(one, 'two', { words: ['a', 'b'] }), { message: '.spec.words' });
  const same = applied(one, 'two', { count: 1 });
  t.same(owns(same, 'one'), ['.spec.count', '.spec.words']);
  t.same(owns(same, 'two'), ['.spec.count']);
  const forced = applied(one, 'two', { count: 2 }, true);
  t.same(owns(forced, 'one'), ['.spec.words']);
  t.same(forced['spec'], { count: 2, words: ['a'] });
  t.same(applied(same, 'two', {})['spec'], { count: 1, words: ['a'] }, 'what another has too stays');
});

t.test('an update takes what it changes, and what is gone nobody has', async (t) => {
  const one = applied(undefined, 'one', { count: 1, labels: { a: '1', b: '2' } });
  const now = { ...one, spec: { count: 2, labels: { a: '1' } } };
  const after = withManagers(now, afterUpdate(readManagers(one), { old: one, now, schema }, { ...by('hand'), operation: 'Update' }));
  t.same(owns(after, 'one'), ['.spec.labels.a']);
  t.same(owns(after, 'hand'), ['.spec.count']);
  t.throws(() => applied(after, 'one', { count: 1, labels: { a: '1' } }), { message: '.spec.count' });
});

const text = fc.constantFrom('a', 'b', 'c');
/** Nothing is empty: an empty list has no field, and who applies one has nothing to let go of. */
const spec: fc.Arbitrary<JsonObject> = fc.record(
  {
    count: fc.nat(3),
    disks: fc.uniqueArray(fc.record({ name: text, size: text, bus: text }, { requiredKeys: ['name'] }), {
      minLength: 1,
      selector: ({ name }) => name,
    }),
    tags: fc.uniqueArray(text, { minLength: 1 }),
    words: fc.array(text, { maxLength: 2 }),
    whole: fc.dictionary(text, text, { minKeys: 1 }),
    labels: fc.dictionary(text, text, { minKeys: 1 }),
  },
  { requiredKeys: [] },
);

t.test('applying the same twice changes nothing, and all that is applied is there', async (t) => {
  fc.assert(
    fc.property(spec, spec, spec, (mine, theirs, again) => {
      const live = applied(applied(applied(undefined, 'one', mine), 'two', theirs, true), 'one', again, true);
      t.same(applied(live, 'one', again), live);
      // Whoever came last is heard: what it applied is what a third one sees.
      const wanted = fieldsOf({ spec: again }, schema);
      const isThere = members(difference(wanted, fieldsOf({ spec: live['spec'] as Json }, schema)));
      t.same(isThere, []);
    }),
  );
});

t.test('what is applied again after others came changes nothing, not even whose entry comes first', async (t) => {
  const mine = { labels: { k: 'v' } };
  const both = applied(applied(undefined, 'one', mine), 'two', { labels: { l: 'w' } });
  t.same(applied(both, 'one', mine), both);
  t.same(
    readManagers(applied(both, 'one', { labels: { k: 'x' } })).map(({ manager }) => manager),
    ['one', 'two'],
  );
});

t.test('a set is read back as it was written, and reckons as sets do', async (t) => {
  fc.assert(
    fc.property(spec, spec, (one, other) => {
      const [a, b] = [fieldsOf({ spec: one }, schema), fieldsOf({ spec: other }, schema)];
      if (members(a).length > 0) t.ok(sameSet(decodeSet(JSON.parse(JSON.stringify(encodeSet(a)))), a));
      t.ok(sameSet(union(difference(a, b), intersection(a, b)), a));
    }),
  );
  for (const hostile of [null, 1, [], { 'f:a': 1 }, { 'k:{': {} }, { 'k:null': {} }, { x: {} }])
    t.same(members(decodeSet(hostile as Json)), []);
});
