import t from 'tap';
import { Jobs } from '#controllers/host/jobs.js';
import { Locks } from '#controllers/host/locks.js';
import { HostView } from '#controllers/host/view.js';
import { createStore } from '#controllers/kubernetes/store.js';
import { storageVolumeKind } from '#controllers/storage-volume/kind.js';
import { Uploads } from '#controllers/storage-volume/uploads.js';
import { definition, hypervHost, mark, soon } from './peers/hyperv-host.js';

t.setTimeout(300_000);

const scope = { name: 'hv1', cluster: 'c', hypervisor: undefined, capabilities: [] };
const performersOf = () => {
  const stores = {
    instances: createStore(),
    pools: createStore(),
    volumes: createStore(),
    machines: createStore(),
    namespaces: createStore(),
  };
  return storageVolumeKind(scope, stores as never, new Jobs(() => {}), new Locks(), new Uploads(() => {})).performers;
};

/** No event is heard here: one may come late, or never. */
for (const mode of ['v1', 'v2'] as const)
  t.test(`${mode}: a volume that a machine was given while it is off is not deleted beneath it`, async (t) => {
    const format = mode === 'v2' ? ('Vhdx' as const) : ('Vhd' as const);
    const { driver, disk } = await hypervHost(t, mode);
    const { id, location } = await disk('gold', format);
    const machine = await driver.machines.define(definition, mark, soon());
    const view = new HostView(driver, () => {}, soon());
    await view.resync(soon());
    const remove = () => performersOf().delete.run({ driver, view, clock: Date.now }, { kind: 'delete', id, location }, soon());
    const disks = [{ name: 'root', location, format }];
    await driver.machines.define({ ...definition, disks }, mark, soon());
    await t.rejects(remove(), { code: 'Busy', message: 'a machine was given it just now' });
    t.match(view.machines, [{ id: machine, configured: { disks } }]);
    await driver.machines.define(definition, mark, soon());
    await remove();
    t.same(await driver.volumes?.list(id.pool, { refresh: true }, soon()), []);
  });

t.test('a volume that a machine was given while it runs is not grown beneath it', async (t) => {
  const { driver, disk, facet } = await hypervHost(t, 'v2');
  const { id, location } = await disk('gold');
  const others = await Promise.all([disk('root'), disk('first')]);
  const disks = others.map((each) => ({ name: each.id.nativeName, location: each.location, format: 'Vhd' as const }));
  const machine = await driver.machines.define({ ...definition, disks }, mark, soon());
  await driver.power.start(machine, { paused: false }, soon());
  const view = new HostView(driver, () => {}, soon());
  await view.resync(soon());
  await driver.machines.define({ ...definition, disks: [...disks, { name: 'gold', location, format: 'Vhd' }] }, mark, soon());
  await facet('live').apply(machine, mark.owner, { kind: 'disk', name: 'gold' }, soon());
  const sizeBytes = 8 << 20;
  const grown = performersOf().grow.run({ driver, view, clock: Date.now }, { kind: 'grow', id, location, sizeBytes }, soon());
  await t.rejects(grown, { code: 'Busy', message: 'a machine runs with it since just now' });
});

t.test('nothing is linked to a volume that a machine was given while it is off', async (t) => {
  const { driver, disk } = await hypervHost(t, 'v2');
  const { id, location } = await disk('gold', 'Vhdx');
  await driver.machines.define(definition, mark, soon());
  const view = new HostView(driver, () => {}, soon());
  await view.resync(soon());
  await driver.machines.define({ ...definition, disks: [{ name: 'root', location, format: 'Vhdx' }] }, mark, soon());
  const source = { kind: 'clone', how: 'Linked', name: 'gold', from: { id, format: 'Vhdx' }, location } as const;
  const of = { ...id, nativeName: 'clone' };
  const action = {
    kind: 'fill',
    uid: 'v',
    id: of,
    definition: { ...of, format: 'Vhdx', sizeBytes: 4 << 20 },
    grows: true,
    resumes: false,
    source,
  } as const;
  const filled = performersOf().fill.run({ driver, view, clock: Date.now }, action, soon());
  await t.rejects(filled, { code: 'Busy', message: 'a machine was given volume "gold" just now' });
});
