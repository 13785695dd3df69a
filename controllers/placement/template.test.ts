import t from 'tap';
import type { StorageVolume, VirtualMachine } from '#crds/types.js';
import { type Disk, volumesOf } from '../stores.js';
import { machineLabel, ownerMachines, templateSteps } from './template.js';

const meta = { namespace: 'shop', uid: 'db-uid', resourceVersion: '1', generation: 1, creationTimestamp: '2030-01-01T00:00:00Z' };
const apiVersion = 'virtwright.io/v1alpha1';
const source = { url: 'https://images.example.org/a.qcow2', format: 'Qcow2' } as const;
type Template = NonNullable<Disk['volumeTemplate']>;
const machineWith = (template: Partial<Template> = {}): VirtualMachine => ({
  apiVersion,
  kind: 'VirtualMachine',
  metadata: { ...meta, name: 'db' },
  spec: {
    runStrategy: 'Always',
    stop: { mode: 'TrySoft', timeoutSeconds: 120 },
    cpu: { count: 1 },
    memory: { size: '1Gi' },
    disks: [
      { name: 'root', volumeTemplate: { size: '10Gi', whenDeleted: 'Retain', ...template } },
      { name: 'data', volumeRef: { name: 'elsewhere' } },
    ],
  },
});
const owner = { apiVersion, kind: 'VirtualMachine', name: 'db', uid: 'db-uid' };
const volumeWith = (spec: Partial<StorageVolume['spec']> = {}, metadata: Partial<StorageVolume['metadata']> = {}): StorageVolume => ({
  apiVersion,
  kind: 'StorageVolume',
  metadata: { ...meta, name: 'db-root', uid: 'v', labels: { [machineLabel]: 'db' }, ...metadata },
  spec: { size: '10Gi', reclaimPolicy: 'Retain', ...spec },
});
const stepsOf = (template: Partial<Template>, volume?: StorageVolume) =>
  templateSteps(machineWith(template), (name) => (name === 'db-root' ? volume : undefined));

t.test('a volume that is not there is made as its template says, with an owner only if it goes with the machine', async (t) => {
  const labels = { [machineLabel]: 'db' };
  t.strictSame(stepsOf({ source, poolRef: { name: 'fast' } }), [
    {
      kind: 'create',
      manifest: {
        metadata: { name: 'db-root', namespace: 'shop', labels },
        spec: { size: '10Gi', source, poolRef: { name: 'fast' }, reclaimPolicy: 'Retain' },
      },
    },
  ]);
  t.strictSame(stepsOf({ whenDeleted: 'Delete' }), [
    {
      kind: 'create',
      manifest: {
        metadata: { name: 'db-root', namespace: 'shop', labels, ownerReferences: [owner] },
        spec: { size: '10Gi', reclaimPolicy: 'Delete' },
      },
    },
  ]);
  t.same(volumesOf(machineWith()).disks, ['db-root', 'elsewhere']);
});

t.test('a volume that is as its template says is left alone', async (t) => {
  t.same(stepsOf({}, volumeWith()), []);
  t.same(stepsOf({ size: '10240Mi' }, volumeWith()), []);
  t.same(stepsOf({}, volumeWith({ size: '20Gi' })), [], 'one that was made larger');
  t.same(stepsOf({ source }, volumeWith()), [], 'what an earlier machine of this name left is used as it is');
  t.same(stepsOf({ whenDeleted: 'Delete' }, volumeWith({ reclaimPolicy: 'Delete' }, { ownerReferences: [owner] })), []);
  t.same(stepsOf({ size: '20Gi' }, volumeWith({}, { deletionTimestamp: meta.creationTimestamp })), []);
});

t.test('what may change in a template changes in its volume, and other owners stay', async (t) => {
  const patchOf = (template: Partial<Template>, volume: StorageVolume) =>
    stepsOf(template, volume).map((step) => 'patch' in step && step.patch);
  const stranger = { apiVersion: 'v1', kind: 'ConfigMap', name: 'c', uid: 'c' };
  t.same(patchOf({ size: '20Gi' }, volumeWith()), [{ spec: { size: '20Gi' } }]);
  t.same(patchOf({ whenDeleted: 'Delete' }, volumeWith({}, { ownerReferences: [stranger] })), [
    { metadata: { ownerReferences: [stranger, owner] }, spec: { reclaimPolicy: 'Delete' } },
  ]);
  t.same(patchOf({}, volumeWith({ reclaimPolicy: 'Delete' }, { ownerReferences: [owner, stranger] })), [
    { metadata: { ownerReferences: [stranger] }, spec: { reclaimPolicy: 'Retain' } },
  ]);
});

t.test('a volume of the name that is not this machine’s is not taken', async (t) => {
  t.match(stepsOf({}, volumeWith({}, { labels: {} })), [{ kind: 'wait', because: /"db-root" was not made from spec.disks\[root\]/ }]);
  t.match(stepsOf({}, volumeWith({}, { labels: { [machineLabel]: 'd' } })), [{ kind: 'wait' }], 'machine d, disk b-root');
  const earlier = volumeWith({}, { ownerReferences: [{ ...owner, uid: 'earlier' }] });
  t.match(stepsOf({}, earlier), [{ kind: 'wait', because: 'StorageVolume "db-root" goes with the earlier machine of this name' }]);
  t.same(ownerMachines(earlier), [{ ...owner, uid: 'earlier' }]);
});
