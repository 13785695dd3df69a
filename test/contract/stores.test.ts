import t from 'tap';
import { connect } from '#drivers/connect.js';
import type { PoolSource } from '#drivers/driver.js';
import { skipWhereMissing } from '#test/peers/build.js';
import { type Stores, startStores } from '#test/peers/stores.js';
import { storesContract } from './contract.js';

// A whole host is emulated, and its tools take their time.
t.setTimeout(900_000);

const stores = await startStores().catch((reason) => skipWhereMissing(t, reason));
t.teardown(() => stores[Symbol.asyncDispose]());

const loop = (name: string, bytes: string) =>
  `mkdir -p /srv/images; truncate --size ${bytes} /srv/images/${name}; losetup --find --show /srv/images/${name}`;

/** How a store of each kind is got, as whoever runs the host would. */
const makers: Readonly<Record<string, (stores: Stores, name: string) => Promise<PoolSource>>> = {
  'a pool of a file system': async ({ shell }, name) => {
    const device = (await shell(loop(name, '400M'))).trim();
    await shell(`mkfs.ext4 -q ${device}`);
    return { kind: 'filesystem', device, format: 'Ext4', path: `/mnt/${name}` };
  },
  'a pool of an NFS export': async ({ shell }, name) => {
    await shell(`mkdir -p /srv/nfs/${name}`);
    return { kind: 'nfs', server: '127.0.0.1', export: `/srv/nfs/${name}`, path: `/mnt/${name}` };
  },
  'a pool of a volume group': async ({ shell }, name) => {
    const device = (await shell(loop(name, '600M'))).trim();
    await shell(`vgcreate ${name} ${device}`);
    return { kind: 'lvm', volumeGroup: name };
  },
};

// Under emulation every command of LVM takes its time: less of what nobody needs here.
await stores.shell(`
  printf '%s\\n' 'activation { monitoring = 0 }' 'backup { backup = 0 archive = 0 }' 'global { use_lvmpolld = 0 }' >/etc/lvm/lvmlocal.conf
  echo '/srv/nfs 127.0.0.1(rw,no_root_squash,no_subtree_check)' >/etc/exports
  rpc.nfsd 4
  exportfs -r
  rpc.mountd`);

for (const [what, make] of Object.entries(makers))
  await storesContract(t, {
    name: `libvirt with ${what}`,
    connect: () => connect({ uri: stores.uri }, AbortSignal.timeout(60_000)),
    peer: {},
    shape: { memoryBytes: 32 << 20 },
    directory: '/srv/directories',
    source: (name) => make(stores, name),
  });
