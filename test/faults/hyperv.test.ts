import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadAll } from 'js-yaml';
import t from 'tap';
import type { VirtualMachine } from '#crds/types.js';
import { connect, credentialKeys } from '#drivers/connect.js';
import { newSwitch } from '#simulators/hyperv/model/switch.js';
import { Simulator } from '#simulators/hyperv/simulator.js';
import { condition, useWorld } from '#test/cluster/world.js';
import { isReady } from './lab.js';

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec?: object;
}

t.setTimeout(10 * 60_000);

const namespace = 'virtwright-system';
const user = { name: 'Administrator', password: 'p ä"ss\\w0rd' };
const folder = await mkdtemp(join(tmpdir(), 'vw-hyperv-'));
t.teardown(() => rm(folder, { recursive: true }));
const world = await useWorld(t);
await world.kubectl('create', 'namespace', namespace);

// Seen from `dist/test/faults/`.
const examples = new URL('../../../manifests/examples/hyperv/', import.meta.url);
const texts = await Promise.all(['host', 'machine', 'volumes'].map((name) => readFile(new URL(`${name}.yaml`, examples), 'utf8')));
const manifests = texts.flatMap((text) => loadAll(text)) as readonly Manifest[];

/** The examples as they are, but for where this host is, and what lets us in. */
const examplesFor = ({ port }: Simulator): readonly Manifest[] =>
  manifests.map((one) => {
    if (one.kind === 'Secret') return { ...one, stringData: { username: user.name, password: user.password } };
    if (one.kind !== 'Hypervisor') return one;
    return { ...one, spec: { ...one.spec, uri: `hyperv://127.0.0.1:${port}/?transport=http` } };
  });

const patch = (spec: object) => world.kubectl('patch', 'virtualmachine', 'mail', '--type=merge', '-p', JSON.stringify({ spec }));
const until = (isSo: (machine: VirtualMachine) => boolean) =>
  world.until('VirtualMachine', 'mail', (seen) => isReady(seen) && isSo(seen), { timeoutMs: 120_000 });
const isIn = (state: string) => (machine: VirtualMachine) => machine.status?.power?.state === state;

for (const mode of ['v2', 'v1'] as const)
  await t.test(`${mode}: the examples go from apply to running, stay true, change, stop, and go`, async (t) => {
    const drives = join(folder, mode);
    await mkdir(join(drives, 'D/Hyper-V'), { recursive: true });
    const files = async () => (await readdir(join(drives, 'D/Hyper-V'))).map((name) => name.replace(/-[0-9a-f]{8}/, '')).sort();
    await using simulator = await Simulator.start({ mode, folder: drives, users: [user], jobMs: 20 });
    const lan = newSwitch({ ElementName: 'LAN' });
    simulator.host.switches.set(lan.id, lan);
    const changes = () => simulator.host.asked.filter((what) => /\.(Define|Modify|Destroy|Add|Remove|Request)/.test(what));
    await using operator = await world.start({ connect, credentialKeys, hypervisors: ['hv1'], namespace });
    await world.apply(...examplesFor(simulator));
    // Nobody waits for what a guest says, which is told once it was looked for.
    const isKnown = (seen: VirtualMachine) => condition(seen, 'AddressKnown') !== undefined && seen.status?.power?.reason === 'Booted';
    const ready = await until((seen) => isIn('Running')(seen) && isKnown(seen));
    t.match(ready.status, { uuid: ready.metadata.uid, nativeName: 'default.mail', hypervisor: 'hv1' });
    const native = () => simulator.machineNamed('default.mail');
    const has = () => {
      const machine = native();
      const number = (className: string) => machine?.number(className, 'VirtualQuantity');
      return [machine?.state, number('Msvm_ProcessorSettingData'), number('Msvm_MemorySettingData'), machine?.generation];
    };
    const count = (type: string) => native()?.devices.filter(({ values }) => values['ResourceType'] === type).length;
    const { types } = simulator.host.words;
    const parts = () => [types.diskDrive, types.dvdDrive, types.image, types.card].map(count);
    const ending = mode === 'v2' ? 'vhdx' : 'vhd';
    const generation = mode === 'v2' ? 2 : 1;
    t.same(has(), ['running', 2, 2048, generation]);
    const clones = ['mail-copy', 'mail-linked'];
    for (const name of ['mail-base', ...clones]) await world.until('StorageVolume', name, isReady, { timeoutMs: 120_000 });
    const made = ['mail-base', ...clones, 'mail-data', 'mail-root'].map((name) => `default.${name}.${ending}`);
    // What says that one is not whole yet is taken away a moment after it is.
    const whole = (await files()).filter((name) => !name.includes('.incomplete.'));
    t.same([parts(), whole], [[2, 1, 2, 1], made.sort()]);
    const format = mode === 'v2' ? 'Vhdx' : 'Vhd';
    t.match(await world.until('StorageVolume', 'mail-linked', isReady), { status: { format, virtualSize: '20Gi' } });
    t.match(await world.until('StorageVolume', 'mail-copy', isReady), { status: { format, virtualSize: '30Gi' } });
    t.match(await world.until('Hypervisor', 'hv1', isReady), { status: { hypervisor: 'Hyper-V' } });

    const [asked, writes] = [changes().length, operator.writes.length];
    await world.kubectl('annotate', 'virtualmachine,hypervisor', '--all', 'a=b');
    await sleep(1_000);
    t.same(changes().slice(asked), [], 'another pass changes nothing on the host');
    t.same(operator.writes.slice(writes), [], 'nor any object');

    await patch({ cpu: { count: 4 } });
    await world.until('VirtualMachine', 'mail', (now) => condition(now, 'RestartRequired')?.status === 'True');
    t.same(has(), ['running', 2, 2048, generation], 'the running machine is as it was');
    await patch({ runStrategy: 'Halted' });
    await until(isIn('Stopped'));
    await world.kubectl('patch', 'storagevolume', 'mail-data', '--type=merge', '-p', '{"spec":{"size":"60Gi"}}');
    await world.until('StorageVolume', 'mail-data', (seen) => isReady(seen) && seen.status?.virtualSize === '60Gi');
    await patch({ interfaces: [], disks: ready.spec.disks?.filter(({ name }) => name !== 'discs') });
    await until((now) => isIn('Stopped')(now) && isReady(now));
    await patch({ runStrategy: 'Always' });
    await until((now) => isIn('Running')(now) && condition(now, 'RestartRequired')?.status === 'False');
    t.same(has(), ['running', 4, 2048, generation]);
    t.same(parts(), [2, 0, 2, 0]);

    await world.delete('VirtualMachine', 'mail');
    await world.untilGone('VirtualMachine', 'mail');
    t.equal(simulator.host.machines.size, 0);
    for (const name of ['mail-root', 'mail-data', ...clones, 'mail-base']) {
      await world.delete('StorageVolume', name);
      await world.untilGone('StorageVolume', name);
    }
    t.same(await files(), [`default.mail-base.${ending}`, `default.mail-data.${ending}`], 'what is retained is there');
    for (const [kind, name] of [
      ['StoragePool', 'hyper-v'],
      ['VirtualNetwork', 'hyperv-lan'],
    ] as const) {
      await world.delete(kind, name);
      await world.untilGone(kind, name);
    }
    await world.delete('Hypervisor', 'hv1');
    await world.untilGone('Hypervisor', 'hv1');
    t.notMatch(JSON.stringify(operator.writes), /w0rd/);
  });
