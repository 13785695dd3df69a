import t from 'tap';
import type { StorageVolume, StorageVolumeSpec, VirtualMachine } from '#crds/types.js';
import { everything } from '#drivers/fake/capabilities.js';
import { misfitsOf } from './fit.js';

type Source = NonNullable<NonNullable<StorageVolumeSpec['source']>['format']>;

const metadata = {
  name: 'root',
  namespace: 'shop',
  uid: 'u',
  resourceVersion: '1',
  generation: 1,
  creationTimestamp: '2030-01-01T00:00:00Z',
};
const machine: VirtualMachine = {
  apiVersion: 'virtwright.io/v1alpha1',
  kind: 'VirtualMachine',
  metadata,
  spec: {
    runStrategy: 'Always',
    stop: { mode: 'TrySoft', timeoutSeconds: 120 },
    cpu: { count: 1 },
    memory: { size: '1Gi' },
    disks: [{ name: 'root', volumeRef: { name: 'root' } }],
  },
};
const imageOf = (source: Source, spec: Partial<StorageVolumeSpec> = {}, status?: StorageVolume['status']): StorageVolume => ({
  apiVersion: 'virtwright.io/v1alpha1',
  kind: 'StorageVolume',
  metadata,
  spec: { size: '1Gi', reclaimPolicy: 'Retain', source: { url: 'https://example.org/image', format: source }, ...spec },
  ...(status === undefined ? {} : { status }),
});

/** What a host says against a volume's format that has disks and volumes of these. */
const against = (disks: readonly string[], volumes: readonly string[]) => (volume: StorageVolume) => {
  const told: Readonly<Record<string, readonly string[]>> = { 'disks.format': disks, 'volumes.format': volumes };
  const capabilities = everything.map((one) => ({ ...one, ...(told[one.field] === undefined ? {} : { values: told[one.field] ?? [] }) }));
  return misfitsOf({ machine, volumes: [volume] }, 'web', capabilities).map(({ field, given, accepted }) => [field, given, accepted]);
};

t.test('an image is judged as what its host makes of it, and a volume as what it is', async (t) => {
  const filled = against(['Vhdx', 'Vhd'], ['Vhdx', 'Vhd', 'Raw']);
  const refused = (format: string) => [['disks.format', format, 'Vhdx, Vhd']];
  t.same(filled(imageOf('Qcow2')), [], 'it is made into a disk');
  t.same(filled(imageOf('Vhdx')), []);
  t.same(filled(imageOf('Raw')), refused('Raw'), 'a Raw image becomes a disc there');
  t.same(filled(imageOf('Raw', { format: 'Vhdx' })), [], 'unless it is said to be a disk');
  t.same(filled(imageOf('Qcow2', { format: 'Qcow2' })), refused('Qcow2'), 'what is asked for is not changed');
  t.same(filled(imageOf('Qcow2', {}, { format: 'Raw' })), refused('Raw'), 'nor what is there already');
});

t.test('an image is made into no disk where the host takes no content', async (t) => {
  t.same(against(['Vhdx', 'Vhd'], ['Vhdx', 'Vhd'])(imageOf('Qcow2')), [['disks.format', 'Qcow2', 'Vhdx, Vhd']]);
});

t.test('an image of any format becomes a volume where Raw or Qcow2 are disks', async (t) => {
  for (const format of ['Raw', 'Qcow2']) t.same(against([format], [format])(imageOf('Vhdx')), [], format);
});
