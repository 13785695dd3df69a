import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { connect, credentialKeys } from '#drivers/connect.js';
import type { Simulator } from '#simulators/hyperv/simulator.js';
import { useWorld } from '#test/cluster/world.js';
import { skipWhereMissing } from '#test/peers/build.js';
import { ChangeTable, checkWhole, type Spec } from './change-table.js';
import { hypervChanges, hypervSpec, hypervV1Changes, hypervV1Spec } from './hyperv-changes.js';
import { HypervLab, namespace } from './hyperv-lab.js';

const world = await useWorld(t);
t.setTimeout(15 * 60_000);
await world.kubectl('create', 'namespace', namespace);

const volume = (name: string, spec: object) => ({
  kind: 'StorageVolume',
  metadata: { name, namespace: 'default' },
  spec: { poolRef: { name: 'hyper-v' }, size: '8Mi', reclaimPolicy: 'Delete', ...spec },
});

const adopted = (file: string, { metadata, ...object }: ReturnType<typeof volume>) => ({
  ...object,
  metadata: { ...metadata, annotations: { 'virtwright.io/adopt': file } },
});

/** What the host has of a machine, part by part, without what we have noted of it. */
function shownOf(simulator: Simulator): string {
  const machine = simulator.machineNamed('default.fields');
  if (machine === undefined) throw new Error('the host has no machine default.fields');
  const { Notes: _, ...settings } = machine.settings;
  return JSON.stringify([
    settings,
    machine.devices.map(({ className, values }) => ({ className, ...values })),
    [...machine.features.values()],
    Object.fromEntries(machine.hostItems),
    [...simulator.host.switches.values()].flatMap(({ ports }) =>
      ports.map(({ values }) => simulator.host.wiring.vlan(String(values['Name']))),
    ),
  ]);
}

for (const { mode, spec: first, changes } of [
  { mode: 'v2', spec: hypervSpec, changes: hypervChanges },
  { mode: 'v1', spec: hypervV1Spec, changes: hypervV1Changes },
] as const)
  await t.test(`${mode}: on Hyper-V a machine is restarted exactly where the class of a change says so, and it was allowed`, async (t) => {
    await using lab = await HypervLab.open({ mode, files: true }).catch((reason) => skipWhereMissing(t, reason));
    const { simulator } = lab;
    await writeFile(join(lab.folder, 'D/Hyper-V/disc.iso'), Buffer.alloc(1 << 20));
    await using operator = await world.start({ connect, credentialKeys, hypervisors: ['hv1'], namespace });
    const grants = [{ name: 'all', namespaces: { from: 'All' }, networks: ['LAN'], vlans: [40], volumes: ['*'] }];
    const stringData = { one: 'x', two: 'version: 1', config: '{"ignition":{"version":"3.3.0"}}' };
    await world.apply(
      { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'told', namespace: 'default' }, stringData },
      lab.secret(),
      lab.hypervisor({ grants }),
      ...['StoragePool', 'VirtualNetwork'].flatMap((kind) => lab.example(kind)),
      ...['data', 'more'].map((name) => volume(name, {})),
      adopted('disc.iso', volume('disc', { size: '1Mi', format: 'Raw', reclaimPolicy: 'Retain' })),
    );
    const peer = {
      ...{ world, namespace, hypervisor: 'hv1', name: 'fields' },
      machine: (spec: Spec) => ({
        kind: 'VirtualMachine',
        metadata: { name: 'fields', namespace: 'default' },
        spec: { stop: { mode: 'Hard' }, ...spec },
      }),
      run: async () => simulator.machineNamed('default.fields')?.startedAt,
      shown: async () => shownOf(simulator),
    };
    await ChangeTable.try(t, peer, first, changes);
    await checkWhole(t, peer, changes);
    t.same(operator.troubles, []);
    await world.remove('VirtualMachine', 'fields');
    await world.remove('StorageVolume', 'data', 'more', 'disc');
    await world.remove('StoragePool', 'hyper-v');
    await world.remove('VirtualNetwork', 'hyperv-lan', 'hyperv-rear', 'hyperv-outside');
    await world.remove('Hypervisor', 'hv1');
  });
