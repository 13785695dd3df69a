import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadAll } from 'js-yaml';
import t from 'tap';
import type { VirtualMachine } from '#crds/types.js';
import { connect } from '#drivers/connect.js';
import type { MachineId } from '#drivers/driver.js';
import { useWorld } from '#test/cluster/world.js';
import { demoLife } from '#test/demo/life.js';
import { skipWhereMissing } from '#test/peers/build.js';
import { bootSector } from '#test/peers/xen/boot-sector.js';
import { idleKernel } from '#test/peers/xen/idle.js';
import { startXen } from '#test/peers/xen.js';
import { ChangeTable, checkWhole, type Spec } from './change-table.js';
import { ImageServer } from './images.js';
import { isReady } from './lab.js';
import { OperatorProcess } from './operator-process.js';
import { pvChanges, pvhChanges, pvhSpec, pvSpec } from './xen-changes.js';
import { adoptStrangers } from './xen-strangers.js';

// PV and PVH from manifests to guests, on a host whose files the agent does not see.
t.setTimeout(1_800_000);
const host = await startXen().catch((reason) => skipWhereMissing(t, reason));
const world = await useWorld(t);
// Again, as a world has its own idea of how long a file takes.
t.setTimeout(1_800_000);
const images = await ImageServer.start();
t.teardown(async () => {
  await images[Symbol.asyncDispose]();
  await host[Symbol.asyncDispose]();
});

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: { readonly [field: string]: unknown; readonly boot?: { readonly kernel: { readonly commandLine: string } } };
}

const { here, words } = host.guest;
const urls = {
  vmlinuz: images.put('vmlinuz', { bytes: await readFile(here.kernel) }),
  initrd: images.put('initrd', { bytes: await readFile(here.initrd) }),
  idle: images.put('idle', { bytes: idleKernel() }),
  sector: images.put('sector', { bytes: Buffer.concat([bootSector('virtwright guest ready: pc'), Buffer.alloc(2 ** 20 - 512)]) }),
};
const grants = [{ name: 'images', namespaces: { from: 'All' }, addresses: ['127.0.0.0/8'] }];
const slow = { timeoutMs: 300_000 };

/** The examples as they stand, but for where the host and the images are, and what the guest is told. */
function example(name: string): readonly Manifest[] {
  const text = readFileSync(new URL(`../../../manifests/examples/xen/${name}.yaml`, import.meta.url), 'utf8')
    .replace('xen:///system', host.uri)
    .replace('https://images.example.org/vmlinuz', urls.vmlinuz)
    .replace('https://images.example.org/initrd', urls.initrd);
  return (loadAll(text) as readonly Manifest[]).map((one) => {
    if (one.kind === 'Hypervisor') return { ...one, spec: { ...one.spec, grants } };
    // The guest's is small, and so are its machines.
    if (one.metadata.name === 'xen-initrd') return { ...one, spec: { ...one.spec, size: '4Mi' } };
    const kernel = one.spec.boot?.kernel;
    if (kernel === undefined) return one;
    const commandLine = `${words} vw.name=${one.metadata.name} vw.dhcp vw.seed vw.write=/dev/xvda`;
    return { ...one, spec: { ...one.spec, boot: { kernel: { ...kernel, commandLine } } } };
  });
}

const machine = (name: string, change: object = {}): Manifest => {
  const found = example('machine').find((one) => one.kind === 'VirtualMachine' && one.metadata.name === name);
  if (found === undefined) throw new Error(`no example of ${name}`);
  return { ...found, spec: { ...found.spec, stop: { mode: 'TrySoft', timeoutSeconds: 120 }, ...change } };
};
const process = (): OperatorProcess => new OperatorProcess('operator', ['xen1'], world.cluster.kubeconfigPath, host.directory);

const untilReady = (name: string, isSo: (seen: VirtualMachine) => boolean = () => true) =>
  world.until('VirtualMachine', name, (seen) => isReady(seen) && isSo(seen), slow);
const addresses = ({ status }: VirtualMachine) => status?.interfaces?.flatMap(({ addresses: its = [] }) => its.map(({ ip }) => ip)) ?? [];
const isCurrent = ({ metadata, status }: VirtualMachine) =>
  status?.observedGeneration === metadata.generation && (status?.pendingChanges ?? []).length === 0;
const left = async () => (await world.kubectl('get', 'virtualmachines', '-o', 'name')).split('\n').filter(Boolean);
const dump = (name: string, ...flags: readonly string[]) => host.virsh('dumpxml', `default.${name}`, ...flags);

/**
 * Types a command on a guest's console, again and again, until an answer like this one was heard. A PVH guest may boot in vain first, and is then
 * heard on another console; see test/contract/xen-peer.ts.
 */
async function told({ metadata, status }: VirtualMachine, command: string, answer: RegExp): Promise<string> {
  const signal = AbortSignal.timeout(180_000);
  await using driver = await connect({ uri: host.uri }, signal);
  let heard = '';
  while (!signal.aborted) {
    await using line = await driver.consoles?.open(status?.uuid as MachineId, signal).catch(() => undefined);
    const end = () => line?.[Symbol.asyncDispose]();
    signal.addEventListener('abort', end);
    const asking = setInterval(() => line?.write(Buffer.from(`${command}\n`), signal).catch(() => {}), 1_000);
    try {
      for await (const chunk of line?.output ?? []) {
        heard += Buffer.from(chunk).toString();
        if (answer.test(heard)) return heard;
      }
    } finally {
      clearInterval(asking);
      signal.removeEventListener('abort', end);
    }
    await sleep(500);
  }
  throw new Error(`the console of ${metadata.name} told only ${JSON.stringify(heard)}`);
}

/** A guest gives up after 20 seconds, within which a bridge that is emulated on a busy machine may not pass on anything yet. */
const asksAgain = (machine: VirtualMachine) => told(machine, 'udhcpc -i eth0 -n -q -t 20 -T 2 -s /bin/dhcp', /guest address eth0: 10\./);

await t.test('from kubectl apply to a PV guest and a PVH guest, changed, restarted, deleted; the operator dies in between', async (t) => {
  await using operator = process();
  await world.apply(...example('host'));
  await world.until('Hypervisor', 'xen1', isReady, slow);
  await world.apply(...example('machine').filter(({ kind }) => kind === 'StorageVolume'), machine('para'), machine('contained'));

  await t.test('both boot what was streamed to the host, and are what was asked for', async (t) => {
    const [para, contained] = [await untilReady('para'), await untilReady('contained')];
    t.match(para.status?.hardware, { mode: 'PV', machine: 'xenpv' });
    t.match(contained.status?.hardware, { mode: 'PVH', machine: 'xenpvh' });
    await told(para, 'cat /sys/hypervisor/guest_type', /^PV\s/m);
    await told(contained, 'cat /sys/hypervisor/guest_type', /^PVH\s/m);
    await told(para, 'cat /sys/block/xvda/size', new RegExp(`^${(64 << 20) / 512}\\s`, 'm'));
  });

  await t.test('the PV guest has an address from its network, and is reached there', async (t) => {
    await asksAgain(await untilReady('para'));
    const [ip = ''] = addresses(await untilReady('para', (seen) => addresses(seen).length > 0));
    t.match(ip, /^10\.40\.0\.1\d\d$/);
    await host.shell(`busybox ping -c 1 -W 20 ${ip}`);
  });

  await t.test('the operator dies, and its next one writes nothing', async (t) => {
    const before = await dump('para', '--inactive');
    await operator.kill9();
    await operator.restart();
    await world.kubectl('annotate', 'virtualmachine', '--all', 'a=b');
    await sleep(5_000);
    t.equal(await dump('para', '--inactive'), before);
    t.match(await host.virsh('list', '--name'), /default\.para[\s\S]*default\.contained|default\.contained[\s\S]*default\.para/);
  });

  await t.test('memory, a CPU and a disk change while the PV guest runs', async (t) => {
    const more = {
      cpu: { count: 2, maxCount: 2 },
      memory: { size: '144Mi', maxSize: '160Mi' },
      disks: [
        ...(machine('para').spec['disks'] as readonly object[]),
        { name: 'more', volumeTemplate: { poolRef: { name: 'xen-disks' }, size: '8Mi', format: 'Raw', whenDeleted: 'Delete' } },
      ],
    };
    const id = (await host.virsh('domid', 'default.para')).trim();
    await world.apply(machine('para', more));
    const changed = await untilReady('para', isCurrent);
    t.equal((await host.virsh('domid', 'default.para')).trim(), id, 'without a restart');
    await told(changed, 'cat /sys/block/xvdb/size', new RegExp(`^${(8 << 20) / 512}\\s`, 'm'));
    await world.apply(machine('para'));
    await untilReady('para', isCurrent);
    t.notMatch(await dump('para'), /xvdb/);
  });

  await t.test('restarted while the operator dies, it boots exactly once more, from the same disk', async (t) => {
    const seen = await untilReady('para');
    await world.apply({
      kind: 'VirtualMachineAction',
      metadata: { name: 'again', namespace: 'default' },
      spec: { machineRef: { name: 'para' }, verb: 'Restart' },
    });
    await sleep(1_000);
    await operator.kill9();
    await operator.restart();
    const again = await untilReady('para', ({ status }) => status?.run?.bootId === '2');
    t.equal(again.status?.uuid, seen.status?.uuid);
    await world.until('VirtualMachineAction', 'again', ({ status }) => status?.outcome === 'Succeeded', slow);
    const sector = 'head -c 64 /dev/xvda | tr -d "\\0"';
    t.match(await told(again, sector, /virtwright-boots \d/), /virtwright-boots 2/);
  });

  await t.test('a guest that starts anew by itself goes on, also where it is to run but once', async (t) => {
    await world.apply(machine('para', { runStrategy: 'Once' }));
    const before = await untilReady('para', isCurrent);
    const id = await host.virsh('domid', 'default.para');
    await told(before, '(sleep 3; reboot -f) & echo "restarts soon"', /^restarts soon/m);
    for (const end = Date.now() + 120_000; (await host.virsh('domid', 'default.para')) === id && Date.now() < end; await sleep(500));
    const after = await untilReady('para', ({ status }) => status?.power?.state === 'Running');
    await told(after, 'cat /sys/hypervisor/guest_type', /^PV\s/m);
    t.not(await host.virsh('domid', 'default.para'), id);
    t.same([after.status?.run?.bootId, after.status?.run?.lastStop], [before.status?.run?.bootId, before.status?.run?.lastStop]);
    await world.apply(machine('para'));
    await untilReady('para', isCurrent);
  });

  await t.test('a machine that Xen cannot run is refused by its fields', async (t) => {
    await world.apply({
      ...machine('para'),
      metadata: { name: 'wrong', namespace: 'default' },
      spec: { memory: { size: '64Mi' }, devices: { rng: {} } },
    });
    const wrong = await world.until('VirtualMachine', 'wrong', (seen) => /rng/.test(JSON.stringify(seen.status ?? {})), slow);
    t.match(JSON.stringify(wrong.status), /spec\.devices\.rng/);
    await world.delete('VirtualMachine', 'wrong');
    await world.untilGone('VirtualMachine', 'wrong');
  });

  await t.test('each is restarted exactly where the class of a change says so, and it was allowed', async (t) => {
    const named = (kind: string, name: string, spec: object) => ({ kind, metadata: { name, namespace: 'default' }, spec });
    const idle = {
      poolRef: { name: 'xen-disks' },
      size: '1Mi',
      format: 'Raw',
      source: { url: urls.idle, format: 'Raw' },
      reclaimPolicy: 'Delete',
    };
    await world.apply(
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'told', namespace: 'default' },
        stringData: { one: '#cloud-config', two: 'version: 2' },
      },
      named('StorageVolume', 'xen-idle', idle),
      named('VirtualNetwork', 'xen-rear', { forward: { mode: 'None' } }),
    );
    const peer = (name: string) => ({
      ...{ world, hypervisor: 'xen1', name, ...slow },
      machine: (spec: Spec) => machine(name, { ...spec, stop: { mode: 'Hard' } }),
      run: () => host.virsh('domid', `default.${name}`),
      shown: () => dump(name),
    });
    const its = (name: string) => `${words} vw.name=${name} vw.dhcp vw.seed`;
    await ChangeTable.try(t, peer('para'), pvSpec, pvChanges(its('para')));
    await ChangeTable.try(t, peer('contained'), pvhSpec, pvhChanges(its('contained')));
    await checkWhole(t, peer('para'), pvChanges(''));
  });

  await t.test('deleted, nothing of them is left', async (t) => {
    for (const name of ['para', 'contained']) await world.delete('VirtualMachine', name);
    for (const end = Date.now() + 180_000; (await left()).length > 0 && Date.now() < end; await sleep(500));
    t.same(await left(), []);
    t.notMatch(await host.virsh('list', '--all', '--name'), /default\./);
    t.notMatch(await host.shell('ls /var/lib/virtwright/disks'), /para|contained/);
  });

  await t.test('a PC of the example needs no kernel, and has what only a PC has', async (t) => {
    await world.apply(pc({}));
    const seen = await untilReady('pc', ({ status }) => status?.power?.state === 'Running');
    t.match(seen.status?.hardware, { mode: 'HVM', machine: 'xenfv', firmware: 'BIOS' });
    const running = await dump('pc');
    t.match(running, /<model type='e1000e'\/>/);
    await world.apply(pc({ xen: { mode: 'PVH' } }));
    const words = /spec\.boot\.kernel: left out, .* accepts anything \(PV and PVH begin with a kernel\)/;
    await world.until('VirtualMachine', 'pc', (wrong) => words.test(JSON.stringify(wrong.status)), slow);
    await world.apply(pc({}));
    await untilReady('pc', isCurrent);
    t.equal(
      (await dump('pc')).match(/<domain type='xen' id='\d+'>/)?.[0],
      running.match(/<domain type='xen' id='\d+'>/)?.[0],
      'it ran all the while',
    );
    await world.delete('VirtualMachine', 'pc');
    await world.untilGone('VirtualMachine', 'pc');
    t.notMatch(await host.virsh('list', '--all', '--name'), /default\./);
  });

  await t.test('what others made is imported, adopted as it is, and given back', (t) =>
    adoptStrangers(t, { world, host, words, isReady: (name) => untilReady(name) }),
  );
});

/** The example's, small, with a disk that says that it was booted. */
function pc(change: object): Manifest {
  const [found] = example('pc');
  const { disks } = (found as Manifest).spec as { readonly disks: readonly { readonly volumeTemplate: object }[] };
  const source = { url: urls.sector, format: 'Raw' };
  const small = disks.map((disk) => ({ ...disk, volumeTemplate: { ...disk.volumeTemplate, size: '1Mi', format: 'Raw', source } }));
  const spec = { ...(found as Manifest).spec, memory: { size: '32Mi' }, disks: small, stop: { mode: 'Hard' }, ...change };
  return { ...(found as Manifest), spec };
}

for (const block of ['xen-pv', 'xen-pvh'] as const)
  await t.test(`the demo on Xen: ${block}`, async (t) => {
    await using _operator = process();
    await world.apply(
      ...example('host'),
      ...example('machine')
        .filter(({ kind }) => kind === 'StorageVolume')
        .map(forDemo),
    );
    await demoLife(t, { world, block, words: `${words} vw.name=demo`, told, asksAgain });
  });

function forDemo(volume: Manifest): Manifest {
  const { name } = volume.metadata;
  return { ...volume, metadata: { ...volume.metadata, name: name.replace('xen-', 'demo-') } };
}
