import fc from 'fast-check';
import t from 'tap';
import type { KubernetesObject } from '../kubernetes/resource.js';
import { differing } from './differing.js';

const object = (fields: object, metadata: object = {}): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'X',
  metadata: { name: 'x', uid: 'u', resourceVersion: '1', creationTimestamp: '', ...metadata },
  ...fields,
});

t.test('fields are named, items by their names, and values are not told', async (t) => {
  const before = object({
    spec: { cpu: { count: 1 }, disks: [{ name: 'root', size: '1Gi' }, { name: 'old' }], tags: ['a'] },
    data: { key: 'geheim' },
  });
  const after = object({
    spec: { cpu: { count: 2 }, disks: [{ name: 'new' }, { name: 'root', size: '2Gi' }], tags: ['b'] },
    data: { key: 'anders' },
  });
  t.same(differing(before, after), [
    'spec.cpu.count',
    'spec.disks[root].size',
    'spec.disks[old]',
    'spec.disks[new]',
    'spec.tags',
    'data.key',
  ]);
  const turned = object({ spec: { disks: [{ name: 'b' }, { name: 'a' }] } });
  t.same(differing(object({ spec: { disks: [{ name: 'a' }, { name: 'b' }] } }), turned), ['spec.disks'], 'their order counts');
});

t.test('what the server keeps of an object is no difference, its labels are', async (t) => {
  const changed = object({ status: { a: 1 } }, { resourceVersion: '2', generation: 3, labels: { a: 'b' } });
  t.same(differing(object({}), changed), ['metadata.labels.a']);
});

t.test('the same is the same, whatever it is', async () => {
  fc.assert(
    fc.property(fc.object({ maxDepth: 4 }), (spec) => differing(object({ spec }), object({ spec: structuredClone(spec) })).length === 0),
  );
});
