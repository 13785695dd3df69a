import t from 'tap';
import type { VirtualMachine } from '#crds/types.js';
import { connect, credentialKeys } from '#drivers/connect.js';
import { condition, useWorld } from '#test/cluster/world.js';
import { HypervLab, namespace } from './hyperv-lab.js';
import { isReady } from './lab.js';

t.setTimeout(20 * 60_000);

const world = await useWorld(t);
await world.kubectl('create', 'namespace', namespace);

const isIn = (state: string) => (machine: VirtualMachine) => machine.status?.power?.state === state;

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

    await world.remove('VirtualMachine', 'core');
    await world.remove('StorageVolume', 'core-root', 'mail-base');
    await world.remove('StoragePool', 'hyper-v');
    await world.remove('VirtualNetwork', 'hyperv-lan');
    // Whoever lives with a host tells when it is deleted.
    t.same(operator.troubles, []);
    await world.remove('Hypervisor', 'hv1');
    t.notMatch(JSON.stringify(operator.writes), /secret /);
  });
