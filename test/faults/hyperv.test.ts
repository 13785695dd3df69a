import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import type { VirtualMachine } from '#crds/types.js';
import { connect, credentialKeys } from '#drivers/connect.js';
import type { Simulator } from '#simulators/hyperv/simulator.js';
import { runProgram } from '#test/cluster/program.js';
import { condition, useWorld } from '#test/cluster/world.js';
import { HypervLab, isChange, namespace, user } from './hyperv-lab.js';
import { strangersMachine } from './hyperv-stranger.js';
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

    await world.delete('VirtualMachine', 'mail');
    await world.untilGone('VirtualMachine', 'mail');
    t.equal(simulator.host.machines.size, 0);
    for (const name of ['mail-root', 'mail-data', ...clones, 'mail-base']) {
      await world.delete('StorageVolume', name);
      await world.untilGone('StorageVolume', name);
    }
    t.same(await lab.files(), [`default.mail-base.${ending}`, `default.mail-data.${ending}`], 'what is retained is there');
    t.same(reaches(simulator), [device, 'default.hyperv-outside']);
    for (const [kind, name] of [
      ['StoragePool', 'hyper-v'],
      ['VirtualNetwork', 'hyperv-lan'],
      ['VirtualNetwork', 'hyperv-rear'],
      ['VirtualNetwork', 'hyperv-outside'],
    ] as const) {
      await world.delete(kind, name);
      await world.untilGone(kind, name);
    }
    t.same(switches(), ['Default Switch', 'LAN'], 'what others made is there');
    t.same(reaches(simulator), [], 'and no adapter of the host is bound, nor one of ours left');
    await world.delete('Hypervisor', 'hv1');
    await world.untilGone('Hypervisor', 'hv1');
    t.notMatch(JSON.stringify(operator.writes), /w0rd/);
  });

for (const mode of ['v2', 'v1'] as const)
  await t.test(`${mode}: a guest is told by Ignition's own way, before it first runs, and again what was taken away`, async (t) => {
    await using lab = await HypervLab.open({ mode });
    const { simulator } = lab;
    await using operator = await world.start({ connect, credentialKeys, hypervisors: ['hv1'], namespace });
    const base = lab.example('StorageVolume').filter(({ metadata }) => metadata.name === 'mail-base');
    const host = ['Secret', 'Hypervisor', 'StoragePool', 'VirtualNetwork'].flatMap((kind) => lab.example(kind));
    await world.apply(...host, ...base, ...(await lab.more('ignition')));
    const native = () => simulator.machineNamed('default.core');
    const told = () => [...(native()?.hostItems.values() ?? [])].join('');
    const is = (state: string) => (seen: VirtualMachine) => isReady(seen) && isIn(state)(seen);
    const ready = await world.until('VirtualMachine', 'core', is('Running'), { timeoutMs: 120_000 });
    t.match(JSON.parse(told()), { passwd: { users: [{ name: 'core' }] } });
    t.match(ready.status, { hardware: { seed: 'KVP' }, pendingChanges: undefined });
    const calls = simulator.host.asked.filter((what) => what.includes('KvpItems') || what.endsWith('.RequestStateChange'));
    t.match(calls.slice(0, 2), [/AddKvpItems$/, /RequestStateChange$/], 'first told, then started');

    const core = (spec: object) => world.kubectl('patch', 'virtualmachine', 'core', '--type=merge', '-p', JSON.stringify({ spec }));
    await core({ runStrategy: 'Halted', stop: { mode: 'Hard' } });
    await world.until('VirtualMachine', 'core', is('Stopped'), { timeoutMs: 120_000 });
    const whole = told();
    const machine = native();
    if (machine !== undefined) machine.hostItems = new Map([['theirs', 'x']]);
    await core({ runStrategy: 'Always' });
    await world.until('VirtualMachine', 'core', is('Running'), { timeoutMs: 120_000 });
    t.equal(told(), `x${whole}`, 'what somebody took away is there before the next start');

    const other = JSON.stringify({ ignition: { version: '3.4.0' }, rest: 'secret '.repeat(1_000) });
    await core({ ignition: { config: other } });
    const changed = await world.until('VirtualMachine', 'core', (seen) => seen.status?.pendingChanges !== undefined);
    t.match(changed.status?.pendingChanges, [{ field: 'spec.ignition', class: 'NextBoot' }]);
    t.equal(told(), `x${whole}`);
    native()?.enter('off');
    await world.until('VirtualMachine', 'core', (seen) => is('Running')(seen) && seen.status?.pendingChanges === undefined);
    t.same(JSON.parse(told().slice(1)), JSON.parse(other), 'the next start has it');

    // So long a one version 2 takes.
    if (mode === 'v1') {
      await core({ ignition: { config: `{"rest":"${'x'.repeat(65_000)}"}` } });
      const unfit = await world.until('VirtualMachine', 'core', (seen) => condition(seen, 'ComputeSynced')?.reason === 'Unfit');
      t.match(condition(unfit, 'ComputeSynced')?.message, /spec\.ignition: 65011 given|spec\.ignition: 63\.\d+Ki/);
    }
    await core({ ignition: null });
    await world.until('VirtualMachine', 'core', (seen) => isReady(seen) && seen.status?.pendingChanges !== undefined);
    native()?.enter('off');
    await world.until('VirtualMachine', 'core', (seen) => is('Running')(seen) && seen.status?.pendingChanges === undefined);
    t.equal(told(), 'x', 'and takes away what was ours');

    for (const [kind, name] of [
      ['VirtualMachine', 'core'],
      ['StorageVolume', 'core-root'],
      ['StorageVolume', 'mail-base'],
      ['StoragePool', 'hyper-v'],
      ['VirtualNetwork', 'hyperv-lan'],
      ['Hypervisor', 'hv1'],
    ] as const) {
      await world.delete(kind, name);
      await world.untilGone(kind, name);
    }
    t.notMatch(JSON.stringify(operator.writes), /secret /);
    t.same(operator.troubles, []);
  });

for (const mode of ['v2', 'v1'] as const)
  await t.test(`${mode}: what others made is imported, planned, adopted while it runs, changed, and given back`, async (t) => {
    await using lab = await HypervLab.open({ mode });
    const { asked } = lab.simulator.host;
    const stranger = await strangersMachine(lab);
    const { native } = stranger;
    const folder = await mkdtemp(join(tmpdir(), 'vw-import-'));
    t.teardown(() => rm(folder, { recursive: true, force: true }));
    const [credentials, out] = [join(folder, 'credentials'), join(folder, 'out')];
    await mkdir(credentials);
    for (const [key, value] of Object.entries({ username: user.name, password: user.password }))
      await writeFile(join(credentials, key), value);
    const before = stranger.seen();
    const from = asked.length;
    const kubeconfig = world.cluster.kubeconfigPath;
    const ran = await runProgram(
      { kubeconfig },
      'import',
      '--host',
      lab.uri,
      '--credentials',
      credentials,
      '--hypervisor',
      'hv1',
      '-o',
      out,
    );
    t.match(ran, { code: 0, out: /^1 machine of 1 in / });
    t.strictSame((await readdir(out)).sort(), ['hypervisor.yaml', 'machines', 'networks.yaml', 'pools.yaml', 'volumes.yaml']);
    const written = await Promise.all(
      (await readdir(out, { recursive: true, withFileTypes: true }))
        .filter((one) => one.isFile())
        .map((one) => readFile(join(one.parentPath, one.name), 'utf8')),
    );
    for (const text of written) t.notMatch(text, /w0rd/);
    t.same(asked.slice(from).filter(isChange), []);
    const secret = join(folder, 'secret.json');
    await writeFile(secret, JSON.stringify({ apiVersion: 'v1', ...lab.secret(), metadata: { name: 'hv1', namespace } }));
    const plan = await runProgram({ kubeconfig }, 'plan', '-R', '-f', out, '-f', secret, '--host', lab.uri, '-o', 'json');
    const { steps, troubles } = JSON.parse(plan.out) as {
      readonly steps: readonly { readonly name: string; readonly because: string }[];
      readonly troubles: unknown;
    };
    t.same(
      [plan.code, troubles, steps.map(({ name, because }) => [name, because])],
      [
        2,
        [],
        [
          ['root', 'adopted: root, as annotated'],
          ['web-server', 'adopted, as annotated'],
        ],
      ],
    );
    t.same(asked.slice(from).filter(isChange), []);

    await using operator = await world.start({ connect, credentialKeys, hypervisors: ['hv1'], namespace });
    await world.kubectl('apply', '-f', secret, '-f', out, '-R');
    const ready = await world.until('VirtualMachine', 'web-server', isReady, { timeoutMs: 120_000 });
    t.match(ready.status, { power: { state: 'Running' }, nativeName: 'Web Server' });
    t.equal(ready.status?.pendingChanges, undefined);
    t.same(stranger.seen(), before, 'it runs as it did, and nothing but its notes has changed');
    t.same(
      new Set(
        asked
          .slice(from)
          .filter(isChange)
          .map((what) => what.replace(/^.*\./, '')),
      ),
      new Set([mode === 'v2' ? 'ModifySystemSettings' : 'ModifyVirtualSystem']),
    );

    await world.kubectl(
      'patch',
      'virtualmachine',
      'web-server',
      '--type=merge',
      '-p',
      '{"spec":{"runStrategy":"Halted","memory":{"size":"96Mi"}}}',
    );
    await world.until(
      'VirtualMachine',
      'web-server',
      (seen) => isReady(seen) && isIn('Stopped')(seen) && native.number('Msvm_MemorySettingData', 'VirtualQuantity') === 96,
      { timeoutMs: 120_000 },
    );
    t.same(stranger.seen().parts, before.parts);
    const released = await runProgram({ kubeconfig }, 'release', 'web-server');
    t.match(released, { code: 0, out: /web-server released/ });
    t.same([native.settings['Notes'], native.settings['AutomaticStartupAction']], stranger.theirs, 'to the letter');
    // What others have as a disk is nobody else's to let go of.
    lab.simulator.host.machines.clear();
    for (const kind of ['StorageVolume', 'VirtualNetwork', 'StoragePool', 'Hypervisor'] as const) {
      const names = (await world.kubectl('get', kind, '-o', 'name', '-A')).split('\n').flatMap((line) => line.split('/')[1] ?? []);
      for (const name of names) await world.delete(kind, name);
      for (const name of names) await world.untilGone(kind, name);
    }
    t.same(await lab.files(), [mode === 'v2' ? 'root.vhdx' : 'root.vhd']);
    t.notMatch(JSON.stringify(operator.writes), /w0rd/);
  });
