import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { makeContainerRoot, packContainerRoot } from '#test/peers/containers.js';
import { ChangeTable, checkWhole, type Spec } from './change-table.js';
import { useLab } from './lab.js';
import { lxcChanges, lxcSpec } from './lxc-changes.js';

const lab = await useLab(t);
const { world, daemon } = lab;

const archive = join(daemon.directory, 'root.tar.gz');
await packContainerRoot(archive, daemon.directory);
const url = lab.images.put('root.tar.gz', { bytes: await readFile(archive) });
const [own, media] = [join(daemon.directory, 'own'), join(daemon.directory, 'media')];
await makeContainerRoot(own);
await mkdir(media);

const named = (kind: string, name: string, spec: object) => ({ kind, metadata: { name, namespace: 'default' }, spec });
const volume = (name: string, spec: object) => named('StorageVolume', name, { size: '64Mi', reclaimPolicy: 'Delete', ...spec });
const grants = [
  { name: 'images', namespaces: { from: 'All' }, addresses: ['127.0.0.0/8'] },
  { name: 'own', namespaces: { from: 'All' }, hostPaths: [own, media], privilegedContainers: true },
];

await t.test('on LXC a container is restarted exactly where the class of a change says so, and it was allowed', async (t) => {
  await using operator = await lab.start();
  const tree = { source: { url, format: 'Tar' } };
  await world.apply(
    { kind: 'Hypervisor', metadata: { name: 'one' }, spec: { uri: daemon.lxcUri, defaultPoolRef: { name: 'trees' }, grants } },
    { kind: 'StoragePool', metadata: { name: 'trees' }, spec: { directory: { path: join(daemon.directory, 'trees') } } },
    ...['quiet', 'rear'].map((name) => named('VirtualNetwork', name, { forward: { mode: 'None' } })),
    ...['root', 'root2'].map((name) => volume(name, tree)),
    volume('data', { format: 'Directory' }),
  );
  const virsh = (...words: readonly string[]) => daemon.inside('virsh', '--connect', 'lxc:///system', ...words);
  const peer = {
    ...{ world, hypervisor: 'one', name: 'fields' },
    machine: (spec: Spec) => named('VirtualMachine', 'fields', { stop: { mode: 'Hard' }, ...spec }),
    run: () => virsh('domid', 'default.fields'),
    shown: () => virsh('dumpxml', 'default.fields'),
  };
  const changes = lxcChanges(own, media);
  await ChangeTable.try(t, peer, lxcSpec, changes);
  await checkWhole(t, peer, changes);
  await lab.remove('fields');
  t.same(operator.troubles, []);
});
