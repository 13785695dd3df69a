import t from 'tap';
import type { StorageVolume, VirtualMachine } from '#crds/types.js';
import type { HostScope } from '../host/scope.js';
import { keepsState, type MachineStores, resolveMachine } from './resolve.js';

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

t.test('a uuid is told as given where the manifest gives one', async (t) => {
  const uuid = '5c3a3b3e-1f0e-4a6e-9a7b-111111111111';
  const none = { get: () => undefined, by: () => [], list: () => [] };
  const stores = { volumes: none, actions: none, instances: none, networks: none, secretValues: none } as unknown as MachineStores;
  const host = { name: 'one', cluster: 'c', capabilities: [], hypervisor: { metadata: {}, spec: {} } } as unknown as HostScope;
  const resolved = (spec: object) => {
    const metadata = { namespace: 'shop', name: 'web', uid: uuid, deletionTimestamp: '2026-01-01T00:00:00Z' };
    const found = resolveMachine({ metadata, spec: { stop: {}, ...spec } } as unknown as VirtualMachine, host, stores);
    return found.kind === 'desired' ? found.desired : undefined;
  };
  t.match(resolved({ uuid }), { definition: { uuid }, givesUuid: true });
  t.match(resolved({}), { definition: { uuid }, givesUuid: undefined });
});
