import fc from 'fast-check';
import t from 'tap';
import { compareVersions, keyOf, type ObjectMeta, refOf } from '#controllers/kubernetes/resource.js';
import { type Change, createStore } from '#controllers/kubernetes/store.js';

interface Thing {
  readonly metadata: ObjectMeta;
  readonly host?: string;
}

const thing = (name: string, resourceVersion: string, host?: string, uid = name): Thing => ({
  metadata: { name, namespace: 'ns', uid, resourceVersion, creationTimestamp: '2026-01-01T00:00:00Z' },
  ...(host !== undefined && { host }),
});

const hosts = (object: Thing): string[] => (object.host === undefined ? [] : [object.host]);
const summary = (change: Change<Thing>): string => `${change.kind} ${change.key}`;

t.test('changes are told once, in order, with the store already showing them', async (t) => {
  const store = createStore<Thing>();
  const told: string[] = [];
  const end = store.subscribe((change) => {
    told.push(summary(change));
    t.equal(store.get(change.key) === undefined, change.kind === 'deleted');
  });
  store.set(thing('a', '1'));
  store.set(thing('a', '1'));
  store.set(thing('a', '2'));
  store.delete('ns/a');
  store.delete('ns/a');
  end();
  store.set(thing('b', '3'));
  t.same(told, ['added ns/a', 'updated ns/a', 'deleted ns/a']);
});

t.test('a subscription ends with its signal, and is none where that has ended before', async (t) => {
  const store = createStore<Thing>();
  const told: string[] = [];
  const end = new AbortController();
  store.subscribe((change) => told.push(summary(change)), end.signal);
  store.set(thing('a', '1'));
  end.abort();
  store.subscribe((change) => told.push(summary(change)), end.signal);
  store.set(thing('b', '2'));
  t.same(told, ['added ns/a']);
});

t.test('a namesake with another uid is another object', async (t) => {
  const store = createStore<Thing>();
  store.set(thing('a', '1', undefined, 'first'));
  const told: string[] = [];
  store.subscribe((change) => told.push(summary(change)));
  store.replace([thing('a', '9', undefined, 'second')]);
  t.same(told, ['deleted ns/a', 'added ns/a']);
});

t.test('listeners and index functions that throw stop nothing', async (t) => {
  const errors: unknown[] = [];
  const store = createStore<Thing, 'host'>({
    indexes: {
      host: (object) => {
        if (object.host === 'bad') throw new Error('index');
        return hosts(object);
      },
    },
    onError: (error) => errors.push((error as Error).message),
  });
  const told: string[] = [];
  store.subscribe(() => {
    throw new Error('listener');
  });
  store.subscribe((change) => told.push(summary(change)));
  store.set(thing('a', '1', 'bad'));
  store.set(thing('a', '2', 'good'));
  t.same(errors, ['index', 'listener', 'listener']);
  t.same(told, ['added ns/a', 'updated ns/a']);
  t.same(store.byIndex('host', 'good'), [thing('a', '2', 'good')]);
});

const someThing = fc.record({
  name: fc.constantFrom('a', 'b', 'c', 'd'),
  version: fc.integer({ min: 1, max: 5 }),
  host: fc.option(fc.constantFrom('x', 'y'), { nil: undefined }),
  uid: fc.constantFrom('1', '2'),
});
const toThing = (some: { name: string; version: number; host: string | undefined; uid: string }): Thing =>
  thing(some.name, `${some.uid}${some.name.charCodeAt(0)}${some.version}${some.host ?? ''}`, some.host, `${some.name}${some.uid}`);
const step = fc.oneof(
  fc.record({ verb: fc.constant('set' as const), some: someThing }),
  fc.record({ verb: fc.constant('delete' as const), some: someThing }),
  fc.record({ verb: fc.constant('replace' as const), all: fc.uniqueArray(someThing, { selector: ({ name }) => name }) }),
);

t.test('indexes and told changes always agree with the objects', async (t) => {
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const store = createStore<Thing, 'host'>({ indexes: { host: hosts } });
      const follower = new Map<string, Thing>();
      store.subscribe((change) => {
        if (change.kind === 'deleted') follower.delete(change.key);
        else follower.set(change.key, change.object);
      });
      for (const one of steps) {
        if (one.verb === 'set') store.set(toThing(one.some));
        else if (one.verb === 'delete') store.delete(`ns/${one.some.name}`);
        else store.replace(one.all.map(toThing));
      }
      const byKey = (a: Thing, b: Thing): number => a.metadata.name.localeCompare(b.metadata.name);
      const sorted = (things: Iterable<Thing>): string => JSON.stringify([...things].sort(byKey));
      const indexed = ['x', 'y'].every(
        (host) => sorted(store.byIndex('host', host)) === sorted(store.list().filter((object) => object.host === host)),
      );
      return indexed && sorted(follower.values()) === sorted(store.list()) && store.size === store.keys().length;
    }),
  );
  t.pass('the follower and the indexes agree');
});

t.test('keys and versions', async (t) => {
  t.equal(keyOf({ name: 'a' }), 'a');
  t.same(refOf(keyOf({ namespace: 'n', name: 'a' })), { namespace: 'n', name: 'a' });
  t.same(refOf('a'), { name: 'a' });
  t.ok(compareVersions('99', '100') < 0);
  t.ok(compareVersions('18446744073709551615', '18446744073709551614') > 0);
  t.equal(compareVersions('opaque', '5'), 0);
});
