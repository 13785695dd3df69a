import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import type { VirtualMachine } from '#crds/types.js';
import { useLab } from './lab.js';
import { linesThatDiffer, macs, places } from './native.js';

const lab = await useLab(t);
const { world, daemon, images } = lab;
const built = (await promisify(execFile)('test/peers/guest/build.sh')).stdout.trim();
const url = images.put('disk.qcow2', { bytes: await readFile(join(built, 'disk.qcow2')) });
const MiB = 2 ** 20;

const network = {
  kind: 'VirtualNetwork',
  metadata: { name: 'home', namespace: 'default' },
  spec: { forward: { mode: 'NAT' }, ipv4: { address: '10.60.0.1/24', dhcp: { ranges: [{ start: '10.60.0.100', end: '10.60.0.200' }] } } },
};
const root = { name: 'root', volumeTemplate: { size: '64Mi', source: { url, format: 'Qcow2' }, whenDeleted: 'Delete' } };
const lan = { name: 'lan', networkRef: { name: 'home' } };
const machine = (change: object = {}) =>
  lab.machine('life', {
    memory: { size: '128Mi', maxSize: '192Mi' },
    stop: { mode: 'TrySoft' },
    disks: [root],
    interfaces: [lan],
    devices: { serial: {} },
    ...change,
  });

const addresses = ({ status }: VirtualMachine) => status?.interfaces?.flatMap(({ addresses: its = [] }) => its.map(({ ip }) => ip)) ?? [];
const dump = (...flags: readonly string[]) => daemon.virsh('dumpxml', 'default.life', ...flags);
const answers = async (ip: string) => (await daemon.inside('busybox', 'nc', '-w', '5', ip, '7').catch(() => '')) !== '';

async function applied(change: object): Promise<VirtualMachine> {
  const before = (await world.get('VirtualMachine', 'life'))?.metadata.generation ?? 0;
  await world.apply(machine(change));
  return lab.untilReady(
    'life',
    ({ metadata, status }) =>
      (metadata.generation ?? 0) > before &&
      status?.observedGeneration === metadata.generation &&
      (status?.pendingChanges ?? []).length === 0,
  );
}

await t.test('one life: imported, addressed, reached, grown, changed while it runs, rebooted, and still the same machine', async (t) => {
  await using operator = await lab.start({ pace: { guests: { firstMs: 300, mostMs: 2_000, settledMs: 2_000 } } });
  await world.apply(lab.hypervisor(), lab.pool(), network, machine());
  const first = await lab.untilReady('life', (seen) => addresses(seen).length > 0);
  const [ip = ''] = addresses(first);
  t.match(ip, /^10\.60\.0\.1\d\d$/);
  await lab.until('it is reached by TCP', () => answers(ip));
  const [definition, pid] = [await dump('--inactive'), await lab.qemu('default.life')];
  const [mac = ''] = macs(definition);

  await t.test('its disk grows, and the guest sees it', async (t) => {
    await world.kubectl('patch', 'storagevolume', 'life-root', '--type=merge', '-p', '{"spec":{"size":"96Mi"}}');
    await lab.told(first, 'cat /sys/block/vda/size', new RegExp(`^${(96 * MiB) / 512}\\s`, 'm'));
    t.equal(await dump('--inactive'), definition, 'its definition says nothing of that');
  });

  const grown = { ...root, volumeTemplate: { ...root.volumeTemplate, size: '96Mi' } };
  const data = { name: 'data', volumeTemplate: { size: '8Mi', format: 'Raw', whenDeleted: 'Delete' } };
  const more = { disks: [grown, data], interfaces: [lan, { name: 'san', networkRef: { name: 'home' } }] };
  await t.test('a disk and an interface come, its balloon lets go, and the guest sees all of it', async (t) => {
    const changed = await applied({ ...more, memory: { size: '160Mi', maxSize: '192Mi' } });
    await lab.told(changed, 'ls /sys/block /sys/class/net', /eth1[\s\S]*ready/);
    await lab.told(changed, 'cat /sys/block/vdb/size', new RegExp(`^${(8 * MiB) / 512}\\s`, 'm'));
    t.match(await daemon.virsh('dommemstat', 'default.life'), `actual ${160 * 1024}`);
    t.equal(await lab.qemu('default.life'), pid, 'without a restart');
  });

  await t.test('after a reboot it has its addresses and its places, and is reached again', async (t) => {
    const before = await dump();
    await world.apply({
      kind: 'VirtualMachineAction',
      metadata: { name: 'again', namespace: 'default' },
      spec: { machineRef: { name: 'life' }, verb: 'Restart' },
    });
    const again = await lab.untilReady('life', (seen) => seen.status?.run?.bootId === '2' && addresses(seen).includes(ip));
    t.match(again.status?.run?.lastStop, { cause: 'Requested' });
    await lab.until('it is reached again', () => answers(ip));
    const after = await dump();
    t.same([places(after), macs(after)], [places(before), macs(before)]);
    t.not(await lab.qemu('default.life'), pid);
  });

  await t.test('the disk and the interface go while it runs', async (t) => {
    const before = places(await dump());
    const less = await applied({ disks: [grown], memory: { size: '144Mi', maxSize: '192Mi' } });
    const now = places(await dump());
    t.same(Object.keys(now).sort(), ['ua-net_lan', 'ua-root', 'ua-seed_cloudinit'].filter((alias) => alias in before).sort());
    for (const [alias, place] of Object.entries(now)) t.equal(place, before[alias], `${alias} is where it was`);
    t.same(addresses(less), [ip]);
    t.same(macs(await dump()), [mac]);
  });

  // What we note of it is ours to change.
  const [was, is] = [definition, await dump('--inactive')].map((xml) => xml.replace(/<virtwright:machine.*<\/virtwright:machine>/, ''));
  t.same(linesThatDiffer(was ?? '', is ?? ''), {
    gone: [`<currentMemory unit='KiB'>${128 * 1024}</currentMemory>`],
    come: [`<currentMemory unit='KiB'>${144 * 1024}</currentMemory>`],
  });
  await lab.remove('life');
  // Also the one that was taken out of it: it was to go with the machine.
  for (const name of ['life-root', 'life-data']) await lab.untilGone('StorageVolume', name);
  t.same(await lab.stored(), []);
  t.same(operator.troubles, []);
});
