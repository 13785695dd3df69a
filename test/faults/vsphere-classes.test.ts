import t from 'tap';
import { ChangeTable, checkWhole, type Spec } from './change-table.js';
import { vsphereChanges, vsphereSpec } from './vsphere-changes.js';
import { modes, namespace, useVsphereWorld, VsphereLab } from './vsphere-lab.js';

const world = await useVsphereWorld(t);

for (const mode of modes)
  await t.test(`${mode}: a machine is restarted exactly where the class of a change says so, and it was allowed`, async (t) => {
    await using lab = await VsphereLab.open(world, mode);
    await using operator = await lab.start();
    await lab.furnish();
    await world.apply(...['data', 'more'].map((name) => lab.volume(name)));
    const native = () => lab.native('default.fields');
    const peer = {
      ...{ world, namespace, hypervisor: 'esx1', name: 'fields' },
      machine: (spec: Spec) => lab.machine('fields', spec),
      // The simulator tells no time of a boot.
      run: async () => lab.changes().filter((operation) => operation === 'PowerOnVM_Task').length,
      shown: async () => {
        const { extra: _, ...seen } = await native();
        return JSON.stringify(seen);
      },
    };
    await ChangeTable.try(t, peer, vsphereSpec, vsphereChanges);
    await checkWhole(t, peer, vsphereChanges);
    await lab.remove('fields');
    await lab.removeVolumes('data', 'more');
    t.same(operator.troubles, []);
    await lab.clear();
    await operator.stop();
  });
