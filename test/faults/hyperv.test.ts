import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadAll } from 'js-yaml';
import t from 'tap';
import type { VirtualMachine } from '#crds/types.js';
import { connect, credentialKeys } from '#drivers/connect.js';
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
const texts = await Promise.all(['host', 'machine'].map((name) => readFile(new URL(`${name}.yaml`, examples), 'utf8')));
const manifests = texts.flatMap((text) => loadAll(text)) as readonly Manifest[];

/** The examples as they are, but for where this host is, and what lets us in. */
const examplesFor = ({ port }: Simulator): readonly Manifest[] =>
  manifests.map((one) => {
    if (one.kind === 'Secret') return { ...one, stringData: { username: user.name, password: user.password } };
    if (one.kind !== 'Hypervisor') return one;
    return { ...one, spec: { ...one.spec, uri: `hyperv://127.0.0.1:${port}/?transport=http` } };
  });

const patch = (spec: object) => world.kubectl('patch', 'virtualmachine', 'bare', '--type=merge', '-p', JSON.stringify({ spec }));
const until = (isSo: (machine: VirtualMachine) => boolean) =>
  world.until('VirtualMachine', 'bare', (seen) => isReady(seen) && isSo(seen), { timeoutMs: 120_000 });
const isIn = (state: string) => (machine: VirtualMachine) => machine.status?.power?.state === state;

for (const mode of ['v2', 'v1'] as const)
  await t.test(`${mode}: the examples go from apply to running, stay true, change, stop, and go`, async (t) => {
    await using simulator = await Simulator.start({ mode, folder, users: [user], jobMs: 20 });
    const changes = () => simulator.host.asked.filter((what) => /\.(Define|Modify|Destroy|Add|Remove|Request)/.test(what));
    await using operator = await world.start({ connect, credentialKeys, hypervisors: ['hv1'], namespace });
    await world.apply(...examplesFor(simulator));
    const ready = await until(isIn('Running'));
    t.match(ready.status, { uuid: ready.metadata.uid, nativeName: 'default.bare', hypervisor: 'hv1' });
    const native = () => simulator.machineNamed('default.bare');
    const has = () => {
      const machine = native();
      const number = (className: string) => machine?.number(className, 'VirtualQuantity');
      return [machine?.state, number('Msvm_ProcessorSettingData'), number('Msvm_MemorySettingData'), machine?.generation];
    };
    const generation = mode === 'v2' ? 2 : 1;
    t.same(has(), ['running', 2, 2048, generation]);
    t.match(await world.until('Hypervisor', 'hv1', isReady), { status: { hypervisor: 'Hyper-V' } });

    const [asked, writes] = [changes().length, operator.writes.length];
    await world.kubectl('annotate', 'virtualmachine,hypervisor', '--all', 'a=b');
    await sleep(1_000);
    t.same(changes().slice(asked), [], 'another pass changes nothing on the host');
    t.same(operator.writes.slice(writes), [], 'nor any object');

    await patch({ cpu: { count: 4 } });
    await world.until('VirtualMachine', 'bare', (now) => condition(now, 'RestartRequired')?.status === 'True');
    t.same(has(), ['running', 2, 2048, generation], 'the running machine is as it was');
    await patch({ runStrategy: 'Halted' });
    await until(isIn('Stopped'));
    await patch({ runStrategy: 'Always' });
    await until((now) => isIn('Running')(now) && condition(now, 'RestartRequired')?.status === 'False');
    t.same(has(), ['running', 4, 2048, generation]);

    await world.delete('VirtualMachine', 'bare');
    await world.untilGone('VirtualMachine', 'bare');
    t.equal(simulator.host.machines.size, 0);
    await world.delete('Hypervisor', 'hv1');
    await world.untilGone('Hypervisor', 'hv1');
    t.notMatch(JSON.stringify(operator.writes), /w0rd/);
  });
