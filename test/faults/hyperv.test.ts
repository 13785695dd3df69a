import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import type { VirtualMachine } from '#crds/types.js';
import { connect, credentialKeys } from '#drivers/connect.js';
import type { Simulator } from '#simulators/hyperv/simulator.js';
import { condition, useWorld } from '#test/cluster/world.js';
import { HypervLab, isChange, namespace } from './hyperv-lab.js';
import { isReady } from './lab.js';

t.setTimeout(20 * 60_000);

const world = await useWorld(t);
await world.kubectl('create', 'namespace', namespace);

/** As the example has it. */
const device = 'Intel(R) 82574L Gigabit Network Connection #2';
const patch = (spec: object) => world.kubectl('patch', 'virtualmachine', 'mail', '--type=merge', '-p', JSON.stringify({ spec }));
const until = (isSo: (machine: VirtualMachine) => boolean) =>
  world.until('VirtualMachine', 'mail', (seen) => isReady(seen) && isSo(seen), { timeoutMs: 120_000 });
const isIn = (state: string) => (machine: VirtualMachine) => machine.status?.power?.state === state;

/** The tags that frames of machines have, as whoever sits at the host sees it. */
function tagsOf({ host }: Simulator): readonly string[] {
  const features = [...host.machines.values()].flatMap((machine) => [...machine.features.values()]);
  const ports = [...host.switches.values()].flatMap((each) => each.ports).map(({ values }) => host.wiring.vlan(String(values['Name'])));
  return [
    ...features.map(({ values }) => String(values['AccessVlanId'])),
    ...ports.map(({ access }) => access).filter((tag) => tag !== '0'),
  ];
}

/** Adapters of the host that switches lead to, and what the host has of its own for them. */
function reaches({ host }: Simulator): readonly string[] {
  const { wiring, switches, adapters } = host;
  const joined = [...switches.values()].flatMap(({ ports }) => ports).map(({ values }) => values);
  const isLed = (id: string) => wiring.bound.has(id) || joined.some((values) => String(values['HostResource']).includes(id));
  const own = joined
    .filter((values) => String(values['HostResource']).includes('Msvm_ComputerSystem.'))
    .map((values) => String(values['ElementName']));
  return [
    ...adapters.filter(({ id }) => isLed(id)).map(({ name }) => name),
    ...own,
    ...[...wiring.internal.values()].map((each) => each.friendlyName),
  ];
}

for (const mode of ['v2', 'v1'] as const)
  await t.test(`${mode}: the examples go from apply to running, stay true, change, stop, and go`, async (t) => {
    await using lab = await HypervLab.open({ mode });
    const { simulator } = lab;
    const changes = () => simulator.host.asked.filter(isChange);
    await using operator = await world.start({ connect, credentialKeys, hypervisors: ['hv1'], namespace });
    await world.apply(...lab.examples());
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
    const bounds = ['Reservation', 'Limit'].map((name) => native()?.number('Msvm_MemorySettingData', name));
    t.same(bounds, [1024, 4096], 'its memory is dynamic');
    const clones = ['mail-copy', 'mail-linked'];
    for (const name of ['mail-base', ...clones]) await world.until('StorageVolume', name, isReady, { timeoutMs: 120_000 });
    const made = ['mail-base', ...clones, 'mail-data', 'mail-root'].map((name) => `default.${name}.${ending}`);
    // What says that one is not whole yet is taken away a moment after it is.
    while ((await lab.files()).some((name) => name.includes('.incomplete.'))) await sleep(100);
    t.same([parts(), await lab.files()], [[2, 1, 2, 1], made.sort()]);
    const format = mode === 'v2' ? 'Vhdx' : 'Vhd';
    t.match(await world.until('StorageVolume', 'mail-linked', isReady), { status: { format, virtualSize: '20Gi' } });
    t.match(await world.until('StorageVolume', 'mail-copy', isReady), { status: { format, virtualSize: '30Gi' } });
    t.match(await world.until('Hypervisor', 'hv1', isReady), { status: { hypervisor: 'Hyper-V' } });

    const [asked, writes] = [changes().length, operator.writes.length];
    await world.kubectl('annotate', 'virtualmachine,hypervisor', '--all', 'a=b');
    await sleep(1_000);
    t.same(changes().slice(asked), [], 'another pass changes nothing on the host');
    t.same(operator.writes.slice(writes), [], 'nor any object');

    // A hand that the host tells nobody of: version 1 tells of none at all.
    native()?.enter('off');
    await world.until('VirtualMachine', 'mail', () => native()?.state === 'running', { timeoutMs: 120_000 });
    await until(isIn('Running'));

    await patch({ cpu: { count: 4 } });
    await world.until('VirtualMachine', 'mail', (now) => condition(now, 'RestartRequired')?.status === 'True');
    t.same(has(), ['running', 2, 2048, generation], 'the running machine is as it was');
    await patch({ runStrategy: 'Halted' });
    await until(isIn('Stopped'));
    await world.kubectl('patch', 'storagevolume', 'mail-data', '--type=merge', '-p', '{"spec":{"size":"60Gi"}}');
    await world.until('StorageVolume', 'mail-data', (seen) => isReady(seen) && seen.status?.virtualSize === '60Gi');
    const outside = { name: 'out', networkRef: { name: 'hyperv-outside' }, vlan: 40 };
    const grant = { name: 'outside', namespaces: { from: 'All' }, devices: [device], vlans: [40] };
    const more = JSON.stringify([{ op: 'add', path: '/spec/grants/-', value: grant }]);
    await world.kubectl('patch', 'hypervisor', 'hv1', '--type=json', '-p', more);
    await patch({
      interfaces: [{ name: 'lan', networkRef: { name: 'hyperv-rear' } }, outside],
      disks: ready.spec.disks?.filter(({ name }) => name !== 'discs'),
    });
    await until((now) => isIn('Stopped')(now) && isReady(now));
    await patch({ runStrategy: 'Always' });
    await until((now) => isIn('Running')(now) && condition(now, 'RestartRequired')?.status === 'False');
    t.same(has(), ['running', 4, 2048, generation]);
    t.same(parts(), [2, 0, 2, 2]);
    t.same(tagsOf(simulator), ['40']);
    const switches = () => [...simulator.host.switches.values()].map(({ settings }) => settings['ElementName']).sort();
    t.same(switches(), ['Default Switch', 'LAN', 'default.hyperv-outside', 'default.hyperv-rear']);

    await world.remove('VirtualMachine', 'mail');
    t.equal(simulator.host.machines.size, 0);
    await world.remove('StorageVolume', 'mail-root', 'mail-data', ...clones, 'mail-base');
    t.same(await lab.files(), [`default.mail-base.${ending}`, `default.mail-data.${ending}`], 'what is retained is there');
    t.same(reaches(simulator), [device, 'default.hyperv-outside']);
    await world.remove('StoragePool', 'hyper-v');
    await world.remove('VirtualNetwork', 'hyperv-lan', 'hyperv-rear', 'hyperv-outside');
    t.same(switches(), ['Default Switch', 'LAN'], 'what others made is there');
    t.same(reaches(simulator), [], 'and no adapter of the host is bound, nor one of ours left');
    await world.remove('Hypervisor', 'hv1');
    t.notMatch(JSON.stringify(operator.writes), /w0rd/);
  });
