import t from 'tap';
import type { StorageVolume, VirtualMachine } from '#crds/types.js';
import { keepsState } from './resolve.js';

const machine = (...disks: readonly object[]) =>
  ({ metadata: { namespace: 'shop', name: 'web' }, spec: { disks } }) as unknown as VirtualMachine;
const volumes = (policies: Readonly<Record<string, string>>) => ({
  volumes: {
    get: (key: string) => {
      const reclaimPolicy = policies[key];
      return reclaimPolicy === undefined ? undefined : ({ spec: { reclaimPolicy } } as unknown as StorageVolume);
    },
  },
});

t.test('what firmware and TPM wrote down outlives the machine as its first disk does', async (t) => {
  const root = { name: 'root', volumeRef: { name: 'a' } };
  const more = { name: 'more', volumeRef: { name: 'b' } };
  const stores = volumes({ 'shop/a': 'Delete', 'shop/b': 'Retain', 'shop/web-made': 'Retain' });
  t.equal(keepsState(machine(), stores), false, 'without a disk there is no system');
  t.equal(keepsState(machine(root, more), stores), false);
  t.equal(keepsState(machine(more, root), stores), true);
  t.equal(keepsState(machine(root), volumes({})), true, 'of a volume that is gone nobody knows');
  const made = (whenDeleted: string) => machine({ name: 'made', volumeTemplate: { size: '1Gi', whenDeleted } });
  t.equal(keepsState(made('Delete'), stores), false, 'the template says so, whatever its volume was told before');
  t.equal(keepsState(made('Retain'), volumes({})), true);
});
