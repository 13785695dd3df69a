import { readFile } from 'node:fs/promises';
import { loadAll } from 'js-yaml';
import t from 'tap';
import { connect } from '#drivers/connect.js';
import { condition, useWorld } from '#test/cluster/world.js';
import { skipWhereMissing } from '#test/peers/build.js';
import { startStores } from '#test/peers/stores.js';
import { isReady } from './lab.js';

// The stores of manifests/examples/libvirt/pools.yaml, as far as an emulated host can have them, under the whole operator.
t.setTimeout(900_000);

const world = await useWorld(t);
const stores = await startStores().catch((reason) => skipWhereMissing(t, reason));
t.teardown(() => stores[Symbol.asyncDispose]());

const target = 'iqn.2030-01.org.example:machines';
const password = 'right-password-0';
const devices = await stores.shell(`
  printf '%s\\n' 'activation { monitoring = 0 }' 'backup { backup = 0 archive = 0 }' 'global { use_lvmpolld = 0 }' >/etc/lvm/lvmlocal.conf
  mkdir -p /srv/images /srv/machines
  cd /srv/images
  truncate --size 256M group; truncate --size 128M ssd; truncate --size 64M lun disk
  vgcreate vg_machines $(losetup --find --show group) >/dev/null
  ssd=$(losetup --find --show ssd); mkfs.ext4 -q $ssd
  parted --script disk mklabel gpt mkpart data 1MiB 33MiB
  disk=$(losetup --find --show --partscan disk)
  echo '/srv/machines 127.0.0.1(rw,no_root_squash,no_subtree_check)' >/etc/exports
  rpc.nfsd 4; exportfs -r; rpc.mountd
  tgtd
  tgtadm --lld iscsi --op new --mode target --tid 1 --targetname ${target}
  tgtadm --lld iscsi --op new --mode logicalunit --tid 1 --lun 1 --backing-store /srv/images/lun
  tgtadm --lld iscsi --op new --mode account --user robot --password ${password}
  tgtadm --lld iscsi --op bind --mode account --tid 1 --user robot
  tgtadm --lld iscsi --op bind --mode target --tid 1 --initiator-address ALL
  iscsid
  echo "ssd=$ssd disk=$disk"`);
const [, ssd = '', disk = ''] = /ssd=(\S+) disk=(\S+)/.exec(devices) ?? [];

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
}

/** The example as it stands, but for where its stores are. */
const text = (await readFile(new URL('../../../manifests/examples/libvirt/pools.yaml', import.meta.url), 'utf8'))
  .replaceAll(/\b(filer|san|gluster1)\.example\.org\b/g, '127.0.0.1')
  .replace('/dev/disk/by-label/machines', ssd)
  .replace('format: XFS', 'format: Ext4')
  .replace('/dev/disk/by-id/nvme-example-0001', disk)
  .replace('100Gi', '64Mi');
const manifests = loadAll(text) as readonly Manifest[];
/** What the host has neither the server nor the libvirt for. */
const without = ['spread', 'tank'];
const hypervisor = {
  kind: 'Hypervisor',
  metadata: { name: 'one', labels: { disk: 'ssd' } },
  spec: { uri: stores.uri, defaultPoolRef: { name: 'local' } },
};
const patient = { timeoutMs: 90_000 };
const virsh = (...words: readonly string[]) => stores.virsh(...words);

await t.test('a machine has its disks in a volume group, on NFS and on a LUN, and what was made goes with it', async (t) => {
  await using _operator = await world.start({
    connect,
    credentialKeys: () => ({ required: [], optional: [] }) as never,
    hypervisors: ['one'],
  });
  await world.kubectl('label', 'namespace', 'default', 'tier=infra');
  await world.kubectl('create', 'secret', 'generic', 'san', '--from-literal=username=robot', `--from-literal=password=${password}`);
  await world.apply(hypervisor, ...manifests.filter(({ metadata }) => !without.includes(metadata.name)));
  for (const { kind, metadata } of manifests)
    if (kind === 'StoragePool' && !without.includes(metadata.name))
      await world.until('StoragePoolInstance', `${metadata.name}.one`, isReady, patient);
  const ledger = await world.until('StorageVolume', 'ledger', isReady, patient);
  t.match(ledger.status, { format: 'Raw', virtualSize: '64Mi' });

  const inPool = (name: string) => ({ size: '8Mi', poolRef: { name }, whenDeleted: 'Delete' });
  await world.apply({
    kind: 'VirtualMachine',
    metadata: { name: 'stored', namespace: 'default' },
    spec: {
      memory: { size: '32Mi' },
      stop: { mode: 'Hard' },
      disks: [
        { name: 'group', volumeTemplate: inPool('groups') },
        { name: 'file', volumeTemplate: inPool('shared') },
        { name: 'mounted', volumeTemplate: inPool('ssd') },
        { name: 'lun', volumeRef: { name: 'ledger' } },
      ],
    },
  });
  await world.until('VirtualMachine', 'stored', (seen) => isReady(seen) && seen.status?.power?.state === 'Running', patient);
  const sources = [...(await virsh('dumpxml', 'default.stored')).matchAll(/<source (file|dev)='([^']*)'/g)].map(
    ([, kind, path]) => `${kind} ${path}`,
  );
  t.match(sources, [
    /^dev \/dev\/vg_machines\/default\.stored-group/,
    /^file \/var\/lib\/virtwright\/pools\/shared\/default\.stored-file/,
    /^file \/var\/lib\/virtwright\/pools\/ssd\/default\.stored-mounted/,
    /^dev \/dev\/disk\/by-path\/.*lun-1$/,
  ]);
  t.notMatch(JSON.stringify(await world.kubectl('get', 'storagepools,storagepoolinstances,events', '-A', '-o', 'yaml')), password);

  await world.kubectl('patch', 'storagevolume', 'stored-group', '--type=merge', '-p', '{"spec":{"size":"16Mi"}}');
  const whole = await world.until('StorageVolume', 'stored-group', (seen) => condition(seen, 'Ready')?.reason === 'CannotGrow', patient);
  t.match(condition(whole, 'Ready')?.message, /volumes in pool "groups.*" on one keep the size they were made with; clone it/);

  await world.delete('VirtualMachine', 'stored');
  for (const name of ['stored-group', 'stored-file', 'stored-mounted']) await world.untilGone('StorageVolume', name);
  t.notMatch(await stores.shell('lvs; ls /srv/machines'), /stored/);
  await world.delete('StorageVolume', 'ledger');
  await world.untilGone('StorageVolume', 'ledger');
  t.match(await virsh('vol-list', 'san'), /unit:0:0:1/, 'the LUN is not ours to delete');
});

await t.test('a store that the host cannot have is named, and a pool that goes leaves what is in it', async (t) => {
  await using _operator = await world.start({ connect, hypervisors: ['one'] });
  await world.apply(...manifests.filter(({ metadata }) => without.includes(metadata.name)));
  for (const name of without) {
    const says = (one: Parameters<typeof condition>[0]) => /gluster|zfs/i.test(condition(one, 'Ready')?.message ?? '');
    const seen = await world.until('StoragePoolInstance', `${name}.one`, says, patient);
    t.notOk(isReady(seen), condition(seen, 'Ready')?.message ?? '');
  }
  const pools = manifests.filter(({ kind }) => kind === 'StoragePool').map(({ metadata }) => metadata.name);
  for (const name of pools) await world.delete('StoragePool', name);
  for (const name of pools) await world.untilGone('StoragePool', name);
  t.equal((await virsh('pool-list', '--all', '--name')).trim(), '');
  t.equal((await virsh('secret-list')).match(/iscsi/g), null, 'the password went with its pool');
  t.match(await stores.shell('vgs --noheadings -o vg_name'), /vg_machines/);
});
