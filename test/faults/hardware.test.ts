import { readFileSync } from 'node:fs';
import { loadAll } from 'js-yaml';
import t from 'tap';
import type { VirtualMachine } from '#crds/types.js';
import type { MachineId } from '#drivers/driver.js';
import { condition } from '#test/cluster/world.js';
import { useLab } from './lab.js';
import { linesThatDiffer, macs, places } from './native.js';

const lab = await useLab(t);
const { world, daemon } = lab;

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: Readonly<Record<string, unknown>>;
}

const manifests = loadAll(
  readFileSync(new URL('../../../manifests/examples/libvirt/hardware.yaml', import.meta.url), 'utf8'),
) as Manifest[];
const machine = manifests.find(({ kind }) => kind === 'VirtualMachine') as Manifest;
const { disks, interfaces } = machine.spec as Record<'disks' | 'interfaces', readonly { readonly name: string }[]>;
const without = (named: readonly { readonly name: string }[], name: string) => named.filter((one) => one.name !== name);

/** The example's machine with the test guest in it, which knows nothing of firmware's order, and with these changes. */
const bench = (change: object = {}) => {
  const { boot, devices, stop } = lab.guest('bench').spec as Record<string, unknown>;
  return { ...machine, spec: { ...machine.spec, boot, devices, stop, ...change } };
};

/** What the example of saving has of that verb, for this machine. */
function actionOf(verb: 'Save' | 'Start'): Manifest & { readonly metadata: { readonly namespace: string } } {
  const text = readFileSync(new URL('../../../manifests/examples/libvirt/save.yaml', import.meta.url), 'utf8');
  const found = (loadAll(text.replaceAll('wiki', 'bench')) as Manifest[]).find(({ spec }) => spec['verb'] === verb);
  if (found === undefined) throw new Error(`no example of ${verb}`);
  return { ...found, metadata: { ...found.metadata, namespace: 'default' } };
}

/** A CPU that was plugged in stays: few guests let go of one. */
const plugged = { cpu: { count: 2, maxCount: 2 } };

const settled = (seen: VirtualMachine) =>
  seen.status?.observedGeneration === seen.metadata.generation && (seen.status?.pendingChanges ?? []).length === 0;

async function applied(change: object): Promise<VirtualMachine> {
  const before = (await world.get('VirtualMachine', 'bench'))?.metadata.generation ?? 0;
  await world.apply(bench(change));
  return lab.untilReady('bench', (seen) => settled(seen) && (seen.metadata.generation ?? 0) > before);
}

/** What the guest answers to a command on its console. */
async function ask({ status }: VirtualMachine, command: string): Promise<string> {
  const signal = AbortSignal.timeout(60_000);
  await using driver = await lab.driver();
  await using line = await (driver.consoles as NonNullable<typeof driver.consoles>).open(status?.uuid as MachineId, signal);
  await line.write(Buffer.from(`${command}; echo th''e end\n`), signal);
  let heard = '';
  for await (const chunk of line.output) {
    heard += Buffer.from(chunk).toString();
    if (heard.includes('the end')) return heard;
  }
  throw new Error(`the console ended after ${JSON.stringify(heard)}`);
}

const dump = async (...flags: readonly string[]) => daemon.virsh('dumpxml', 'default.bench', ...flags);
await t.test('a machine’s hardware changes while it runs, and is where it was after a restart', async (t) => {
  await using operator = await lab.start();
  await lab.furnish();
  await world.apply(...manifests.filter(({ kind }) => kind !== 'VirtualMachine'));
  await world.apply(bench({ disks: without(disks, 'data'), interfaces: without(interfaces, 'san') }));
  const first = await lab.untilReady('bench', settled);
  await lab.banner(first);
  const pid = await lab.qemu('default.bench');

  await t.test('a disk, an interface, a CPU and memory come', async (t) => {
    const grown = await applied({ ...plugged, memory: { size: '400Mi', maxSize: '512Mi' } });
    t.match(condition(grown, 'RestartRequired'), { status: 'False' });
    const seen = await ask(grown, 'ls /sys/block /sys/class/net /sys/devices/system/cpu; cat /sys/class/net/eth*/address');
    for (const word of ['vda', 'sda', 'eth1', 'cpu1']) t.match(seen, word);
    for (const mac of macs(await dump())) t.match(seen, mac);
    t.equal(await lab.qemu('default.bench'), pid, 'without a restart');
  });

  await t.test('an edit of the definition changes its own lines, and no other', async (t) => {
    /** Without the mark, which says what was last asked. */
    const own = async () => (await dump('--inactive')).replace(/<virtwright:machine[\s\S]*?<\/virtwright:machine>/, '');
    const before = await own();
    await applied({ ...plugged, memory: { size: '300Mi', maxSize: '512Mi' } });
    t.same(linesThatDiffer(before, await own()), {
      gone: [`<currentMemory unit='KiB'>${400 * 1024}</currentMemory>`],
      come: [`<currentMemory unit='KiB'>${300 * 1024}</currentMemory>`],
    });
  });

  await t.test('the disc is taken out and put back, and a cable is plugged in', async (t) => {
    const emptied = disks.map((one) => (one.name === 'disc' ? { ...one, cdrom: { tray: 'Empty' } } : one));
    await applied({ ...plugged, disks: emptied });
    await lab.until('the tray is empty', async () => !/bench-disc/.test(await dump()));
    await applied({ ...plugged, interfaces: interfaces.map((one) => ({ ...one, linkState: 'Up' })) });
    await lab.until('the cable is plugged in', async () => !/link state='down'/.test(await dump()));
    t.match(await dump(), 'bench-disc', 'and the disc is back');
    t.match(await dump(), /<iotune>/);
    await applied({ ...plugged, disks: disks.map(({ limits: _, ...one }: { readonly name: string; readonly limits?: object }) => one) });
    t.notMatch(await dump(), /<iotune>/, 'limits go with the words that asked for them');
    t.notMatch(await dump('--inactive'), /<iotune>/);
    t.equal(await lab.qemu('default.bench'), pid);
  });

  await t.test('after a restart everything is where it was', async (t) => {
    const whole = await applied(plugged);
    const before = await dump();
    await world.apply({
      kind: 'VirtualMachineAction',
      metadata: { name: 'again', namespace: 'default' },
      spec: { machineRef: { name: 'bench' }, verb: 'Restart', mode: 'Hard' },
    });
    const again = await lab.untilReady('bench', (seen) => seen.status?.run?.bootId !== whole.status?.run?.bootId && settled(seen));
    await lab.banner(again);
    const after = await dump();
    t.same(places(after), places(before));
    t.same(macs(after), macs(before));
    t.not(await lab.qemu('default.bench'), pid);
  });

  await t.test('saved by the example it is off, and goes on with what its guest had in memory', async (t) => {
    const running = await applied({ ...plugged, runStrategy: 'Manual' });
    await ask(running, 'echo what-was-there >/kept');
    await world.apply(actionOf('Save'));
    const saved = await lab.untilReady('bench', ({ status }) => status?.printableStatus === 'Saved');
    t.match(saved.status?.power, { state: 'Stopped' });
    await world.until('VirtualMachineAction', 'bench-save-1', ({ status }) => status?.outcome === 'Succeeded');
    await world.apply(actionOf('Start'));
    const again = await lab.untilReady('bench', ({ status }) => status?.power?.state === 'Running');
    t.match(await ask(again, 'cat /kept'), 'what-was-there', 'it did not boot');
  });

  await t.test('a disk and an interface go, and what only a restart changes says so', async (t) => {
    const less = await applied({ ...plugged, disks: without(disks, 'data'), interfaces: without(interfaces, 'san') });
    const seen = await ask(less, 'ls /sys/block /sys/class/net');
    t.notMatch(seen, /vda|eth1/);
    await world.until('StorageVolume', 'bench-data', (volume) => volume.status?.claim === undefined);
    await world.apply(bench({ cpu: { count: 1, maxCount: 2 }, disks: without(disks, 'data'), interfaces: without(interfaces, 'san') }));
    const started = /1 given, it has 2; CPUs that it was started with go only with the machine off/;
    await lab.untilReady('bench', ({ status }) => started.test(status?.pendingChanges?.[0]?.reason ?? ''));
    await world.apply(bench({ cpu: { count: 3, maxCount: 4 }, disks: without(disks, 'data'), interfaces: without(interfaces, 'san') }));
    const pending = await lab.untilReady('bench', ({ status }) => (status?.pendingChanges ?? []).length > 1);
    t.match(pending.status?.pendingChanges, [
      { field: 'spec.cpu.count', class: 'Restart', reason: /restart it to apply/ },
      { field: 'spec.cpu.maxCount' },
    ]);
    t.match(condition(pending, 'RestartRequired'), { status: 'True', message: /spec.cpu.count/ });
  });

  await lab.remove('bench');
  t.same(operator.troubles, []);
});

await t.test('CPU time that this daemon cannot share out is told of, and nobody is restarted for it', async (t) => {
  await using _operator = await lab.start();
  await world.apply(lab.machine('weighed'));
  await lab.untilReady('weighed');
  const pid = await lab.qemu('default.weighed');
  await world.apply(lab.machine('weighed', { cpu: { shares: 50 }, updatePolicy: { allow: ['Live', 'Hotplug', 'Restart'] } }));
  const told = await lab.untilReady('weighed', ({ status }) => /no cgroups/.test(status?.pendingChanges?.[0]?.reason ?? ''));
  t.match(told.status?.pendingChanges, [{ field: 'spec.cpu.shares', class: 'Live', reason: /nor start the machine with it/ }]);
  t.match(condition(told, 'RestartRequired'), { status: 'False' });
  t.equal(await lab.qemu('default.weighed'), pid);
  await lab.remove('weighed');
});
