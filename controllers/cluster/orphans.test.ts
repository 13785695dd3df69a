import t from 'tap';
import type { Hypervisor, HypervisorStatus, VirtualMachine } from '#crds/types.js';
import { hypervisorDefaults } from '#test/hypervisor-spec.js';
import { mostNamed, type Orphan, orphanedMachine, withOrphans } from './orphans.js';

const orphan = (uid: number): Orphan => ({ kind: 'VirtualMachine', namespace: 'shop', name: `web-${uid}`, uid: `uid-${uid}` });
const some = (count: number, from = 0) => Array.from({ length: count }, (_, index) => orphan(from + index));
const host = (orphans?: HypervisorStatus['orphans']): Hypervisor => ({
  apiVersion: 'virtwright.io/v1alpha1',
  kind: 'Hypervisor',
  metadata: { name: 'one', uid: 'one-uid', resourceVersion: '1', generation: 1, creationTimestamp: '2030-01-01T00:00:00Z' },
  spec: { ...hypervisorDefaults, uri: 'fake:' },
  status: orphans === undefined ? {} : { orphans },
});

t.test('each orphan is named once, however often it is told', async (t) => {
  const first = withOrphans(host(), some(2));
  t.same(first, { count: 2, objects: some(2) });
  t.equal(withOrphans(host(first), some(2)), undefined);
  t.same(withOrphans(host(first), some(2, 1)), { count: 3, objects: some(3) });
});

t.test('what finds no room is not counted, and is no news at each look', async (t) => {
  const full = withOrphans(host(), some(mostNamed + 10));
  t.same(full, { count: mostNamed, objects: some(mostNamed) });
  t.equal(withOrphans(host(full), some(mostNamed + 10)), undefined);
  t.same(withOrphans(host({ count: mostNamed - 1, objects: some(mostNamed - 1) }), some(10, mostNamed))?.count, mostNamed);
});

t.test('a count that is not of what is named is put right', async (t) => {
  t.same(withOrphans(host({ count: 9, objects: some(2) }), []), { count: 2, objects: some(2) });
});

t.test('what was given back is no orphan, and what is only said to be one day is', async (t) => {
  const volumes = { volumes: { store: { get: () => undefined } } } as unknown as Parameters<typeof orphanedMachine>[1];
  const machine = (annotations: Record<string, string>, deleted: object = { deletionTimestamp: '2030-01-01T00:00:00Z' }) =>
    ({
      metadata: { namespace: 'shop', name: 'web', uid: 'u', annotations, ...deleted },
      spec: {},
      status: {},
    }) as unknown as VirtualMachine;
  const release = { 'virtwright.io/release': 'true' };
  t.equal(orphanedMachine(machine(release), volumes), undefined);
  t.match(orphanedMachine(machine({}), volumes), { uid: 'u' });
  t.match(orphanedMachine(machine(release, {}), volumes), { uid: 'u' }, 'it goes on elsewhere');
});
