import { randomBytes, randomUUID } from 'node:crypto';
import t from 'tap';
import { connect } from '#drivers/connect.js';
import { Credentials } from '#drivers/credentials.js';
import type { Pool, PoolDefinition, VolumeId } from '#drivers/driver.js';
import { skipWhereMissing } from '#test/peers/build.js';
import { startStores } from '#test/peers/stores.js';
import { mustHave } from './pools.js';
import { refused, soon as soonIn } from './stage.js';

/** Stores whose volumes are there, and are not made: what others of their kind can is tried in `stores.test.ts`. */
t.setTimeout(600_000);

const soon = () => soonIn(120_000);
const stores = await startStores().catch((reason) => skipWhereMissing(t, reason));
t.teardown(() => stores[Symbol.asyncDispose]());
const driver = await connect({ uri: stores.uri }, soon());
t.teardown(() => driver[Symbol.asyncDispose]());
const [pools, volumes] = [mustHave(driver.pools), mustHave(driver.volumes)];

const find = async (uuid: string): Promise<Pool | undefined> => (await pools.list(soon())).find((pool) => pool.uuid === uuid);
const letIn = (password: string) =>
  new Credentials([
    ['username', Buffer.from('robot')],
    ['password', Buffer.from(password)],
  ]);

async function* once(content: Uint8Array): AsyncGenerator<Uint8Array> {
  yield content;
}

async function head(id: VolumeId, length: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of volumes.download(id, { offset: 0, length }, soon())) parts.push(part);
  return Buffer.concat(parts);
}

await t.test('LUNs of a target that asks who is there', async (t) => {
  const target = 'iqn.2030-01.org.example:luns';
  await stores.shell(`
    mkdir -p /srv/images
    truncate --size 64M /srv/images/lun
    tgtd
    tgtadm --lld iscsi --op new --mode target --tid 1 --targetname ${target}
    tgtadm --lld iscsi --op new --mode logicalunit --tid 1 --lun 1 --backing-store /srv/images/lun
    tgtadm --lld iscsi --op new --mode account --user robot --password right-password-0
    tgtadm --lld iscsi --op bind --mode account --tid 1 --user robot
    tgtadm --lld iscsi --op bind --mode target --tid 1 --initiator-address ALL
    iscsid`);
  const source = { kind: 'iscsi', server: '127.0.0.1', target } as const;
  const definition: PoolDefinition = { uuid: randomUUID(), nativeName: 'luns', source, credentials: letIn('wrong-password-0') };

  const id = await pools.define(definition, soon());
  const reason = await pools.start(id, soon()).catch((error: unknown) => error);
  t.match(reason, { name: 'DriverError', code: 'Denied' }, 'a wrong password is told from a host that is away');
  t.notMatch(JSON.stringify(reason, Object.getOwnPropertyNames(reason)), /wrong-password/, 'and is not repeated');
  t.match(await find(definition.uuid), { active: false, source });

  const right = { ...definition, credentials: letIn('right-password-0') };
  t.equal(await pools.define(right, soon()), id);
  await pools.start(id, soon());
  t.match(await find(definition.uuid), { active: true, source, formats: [], can: ['stream'] });
  await t.rejects(stores.virsh('secret-get-value', definition.uuid), 'nobody is given the password');
  t.notMatch(await stores.virsh('pool-dumpxml', 'luns'), /right-password/);

  const [lun] = (await volumes.list(id, { refresh: true }, soon())).filter(({ sizeBytes }) => sizeBytes === 64 << 20);
  const { id: of, location } = mustHave(lun);
  t.match(lun, { format: 'Raw', location: /^\/dev\/disk\/by-path\/.*lun-1$/ });
  await refused(t, volumes.create({ pool: id, nativeName: 'new', format: 'Raw', sizeBytes: 1 << 20 }, soon()), 'Unsupported');
  await refused(t, volumes.grow(of, 128 << 20, soon()), 'Unsupported');
  const content = randomBytes(100_000);
  await volumes.upload(of, once(content), soon());
  t.ok((await head(of, content.length)).equals(content));

  const shape = { cpuCount: 1, memoryBytes: 32 << 20, interfaces: [], serial: false, rng: false };
  const owner = { cluster: 'c', namespace: 'n', name: 'm', uid: 'u' };
  const disks = [{ name: 'root', location, format: 'Raw' }] as const;
  const machine = await driver.machines.define(
    { uuid: randomUUID(), nativeName: 'lun-user', ...shape, disks },
    { owner, record: '' },
    soon(),
  );
  await driver.power.start(machine, { paused: true }, soon());
  t.match(await stores.virsh('dumpxml', 'lun-user'), /<disk type='block' device='disk'>/, 'a machine has it as a device');
  await driver.power.cut(machine, owner, soon());
  await driver.machines.undefine(machine, owner, { keepState: false }, soon());

  await pools.undefine(id, soon());
  t.notMatch(await stores.virsh('secret-list'), definition.uuid, 'and the password goes with its pool');
  t.match(await stores.shell('iscsiadm --mode session || true'), /No active sessions/);
});

await t.test('partitions of a disk', async (t) => {
  const device = (
    await stores.shell(`
    truncate --size 64M /srv/images/disk
    parted --script /srv/images/disk mklabel gpt mkpart data 1MiB 33MiB
    losetup --find --show --partscan /srv/images/disk`)
  ).trim();
  const definition: PoolDefinition = { uuid: randomUUID(), nativeName: 'disk', source: { kind: 'disk', device, label: 'GPT' } };
  const id = await pools.define(definition, soon());
  await pools.start(id, soon());
  t.match(await find(definition.uuid), { active: true, source: definition.source, formats: [], can: ['stream'] });
  t.match(await volumes.list(id, { refresh: false }, soon()), [{ location: `${device}p1`, format: 'Raw', sizeBytes: 32 << 20 }]);
  await pools.undefine(id, soon());

  const blank = (await stores.shell('truncate --size 8M /srv/images/blank; losetup --find --show /srv/images/blank')).trim();
  const unlabelled = { ...definition, uuid: randomUUID(), source: { kind: 'disk', device: blank, label: 'GPT' } } as const;
  const other = await pools.define(unlabelled, soon());
  await t.rejects(pools.start(other, soon()), { name: 'DriverError' }, 'a disk without a partition table is not given one');
  t.match(await stores.shell(`head -c 4096 ${blank} | tr -d '\\0' | wc -c`), /^0$/m);
  await pools.undefine(other, soon());
});

await t.test('what is not there is not made', async (t) => {
  const lost: PoolDefinition = { uuid: randomUUID(), nativeName: 'lost', source: { kind: 'lvm', volumeGroup: 'nowhere' } };
  const id = await pools.define(lost, soon());
  await t.rejects(pools.start(id, soon()), { name: 'DriverError', message: /nowhere/ }, 'the volume group is named');
  await pools.undefine(id, soon());
});
