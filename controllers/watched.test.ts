import t from 'tap';
import type { KubernetesObject } from './kubernetes/resource.js';
import { createStore } from './kubernetes/store.js';
import { narrowed, type Watched } from './watched.js';

type One = Pick<KubernetesObject, 'metadata'> & { readonly host: string };
const one = (name: string, resourceVersion: string, host = 'a'): One => ({
  metadata: { name, uid: `uid-${name}`, resourceVersion, creationTimestamp: '2030-01-01T00:00:00Z' },
  host,
});

function rig(...first: readonly One[]) {
  const all = createStore<One>();
  all.replace(first);
  const end = new AbortController();
  const { store } = narrowed({ store: all } as unknown as Watched<One, string>, ({ host }) => host === 'a', {}, end.signal);
  const told: string[] = [];
  store.subscribe(({ kind, key }) => told.push(`${kind} ${key}`));
  const versions = () => store.list().map(({ metadata: { name, resourceVersion } }) => `${name}@${resourceVersion}`);
  return { all, store, end, told, versions };
}

t.test('it has what is meant, and follows until the signal', async (t) => {
  const { all, end, told, versions } = rig(one('x', '1'), one('y', '1', 'b'));
  t.same(versions(), ['x@1']);
  all.set(one('y', '2', 'a'));
  all.set(one('x', '3', 'b'));
  t.same(versions(), ['y@2'], 'what changes hands comes and goes');
  all.delete('y');
  t.same(told, ['added y', 'deleted x', 'deleted y']);
  end.abort();
  all.set(one('z', '4'));
  t.same(versions(), []);
});

t.test('what we wrote is known at once, and no older word takes it back', async (t) => {
  const { all, store, versions } = rig(one('x', '1'));
  store.set(one('x', '5'));
  t.same(versions(), ['x@5']);
  all.set(one('x', '3'));
  t.same(versions(), ['x@5']);
  store.delete('x');
  t.same([versions(), all.size], [[], 0]);
});

t.test('of a history that was restored, the older versions count', async (t) => {
  const { all, store, told, versions } = rig(one('x', '7'));
  store.set(one('x', '9'));
  all.replace([one('x', '4')]);
  t.same(versions(), ['x@4']);
  t.same(told, ['updated x', 'updated x']);
});
