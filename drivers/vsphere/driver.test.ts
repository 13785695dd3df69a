import { randomUUID } from 'node:crypto';
import t from 'tap';
import type { Driver, MachineDefinition, MachineId } from '#drivers/driver.js';
import { Onlooker } from '#test/peers/vsphere/onlooker.js';
import { credentialsOf, useVcsim, type Vcsim } from '#test/peers/vsphere/vcsim.js';
import { cuts, startProxy } from '#test/servers/vsphere-proxy.js';
import { connectVsphereDriver } from './driver.js';

const soon = () => AbortSignal.timeout(30_000);
const esx = await useVcsim(t, { mode: 'esx', machines: 1, datastores: 2 });
const vcenter = await useVcsim(t, { mode: 'vcenter', machines: 1 });

const uris = (port: { readonly esx: number; readonly vcenter: number }) => ({
  esx: `esx://127.0.0.1:${port.esx}`,
  cluster: `vpx://127.0.0.1:${port.vcenter}/DC0/DC0_C0`,
  host: `vpx://127.0.0.1:${port.vcenter}/DC0/DC0_C0/DC0_C0_H1`,
  alone: `vpx://127.0.0.1:${port.vcenter}/DC0/DC0_H0`,
});
const uri = uris({ esx: esx.port, vcenter: vcenter.port });
const secretOf = ({ username, password, ca }: Vcsim) => ({ username, password, 'ca.crt': ca });
const connect = (which: keyof typeof uri, to = uri[which]) =>
  connectVsphereDriver(to, credentialsOf(secretOf(which === 'esx' ? esx : vcenter)), { signal: soon() });

const mark = { owner: { cluster: 'c', namespace: 'shop', name: 'web', uid: 'u' }, record: '' };
const definition = (change: Partial<MachineDefinition> = {}): MachineDefinition => {
  const uuid = randomUUID();
  const shape = { cpuCount: 1, memoryBytes: 64 << 20, disks: [], interfaces: [], serial: false, rng: false };
  return { uuid, nativeName: `shop.${uuid.slice(0, 8)}`, ...shape, ...change };
};
const look = async (driver: Driver, id: MachineId) => (await driver.machines.read([id], soon())).machines[0];

for (const which of Object.keys(uri) as (keyof typeof uri)[])
  t.test(`${which}: a machine is made, run, changed and forgotten`, async (t) => {
    await using driver = await connect(which);
    const description = await driver.host.describe(soon());
    t.match(description, { hypervisor: which === 'esx' ? 'ESXi' : 'vCenter', cpuCount: Number, memoryBytes: Number });
    const [pool] = (await driver.pools?.list(soon())) ?? [];
    if (pool === undefined || driver.volumes === undefined) throw new Error('no datastore');
    const root = await driver.volumes.create({ pool: pool.id, nativeName: `root-${which}`, format: 'Vmdk', sizeBytes: 1 << 20 }, soon());
    const wanted = definition({
      disks: [{ name: 'root', location: root.location, format: 'Vmdk' }],
      interfaces: [{ name: 'lan', network: 'VM Network' }],
    });
    const { uuid, nativeName, ...shape } = wanted;
    const id = await driver.machines.define(wanted, mark, soon());
    t.match(await look(driver, id), {
      uuid,
      nativeName,
      mark,
      configured: shape,
      power: { state: 'Off' },
    });
    await driver.power.start(id, { paused: false }, soon());
    t.match(await look(driver, id), { power: { state: 'On' }, live: shape });
    await driver.machines.define({ ...wanted, cpuCount: 2 }, mark, soon());
    t.match(await look(driver, id), { live: { cpuCount: 1 }, configured: { cpuCount: 2 } });
    await driver.power.cut(id, mark.owner, soon());
    await driver.power.start(id, { paused: false }, soon());
    t.match(await look(driver, id), { live: { cpuCount: 2 } });
    await driver.power.cut(id, mark.owner, soon());
    await driver.machines.undefine(id, mark.owner, { keepState: false }, soon());
    t.equal(await look(driver, id), undefined);
    t.match(await driver.volumes.list(pool.id, { refresh: false }, soon()), [{ id: root.id, sizeBytes: 1 << 20 }]);
    await driver.volumes.grow(root.id, 3 << 20, soon());
    t.match(await driver.volumes.list(pool.id, { refresh: true }, soon()), [{ id: root.id, sizeBytes: 3 << 20 }]);
    await driver.volumes.delete(root.id, soon());
    t.same(await driver.volumes.list(pool.id, { refresh: false }, soon()), []);
  });

for (const which of ['esx', 'cluster'] as const)
  t.test(`${which}: what the firmware wrote down is kept, where it is to be kept`, async (t) => {
    await using driver = await connect(which);
    await using onlooker = await Onlooker.open(which === 'esx' ? esx : vcenter);
    const stored = async (end: string) => (await onlooker.files('LocalDS_0')).filter((path) => path.endsWith(end));
    for (const keepState of [true, false]) {
      const wanted = definition({ firmware: 'UEFI' });
      const id = await driver.machines.define(wanted, mark, soon());
      t.match(await stored(`/${wanted.nativeName}.nvram`), [new RegExp(`/${wanted.nativeName}/`)]);
      await driver.machines.undefine(id, mark.owner, { keepState }, soon());
      const left = (await stored(`/${wanted.nativeName}.nvram`)).map((path) => path.includes('virtwright/'));
      t.same(left, keepState ? [true] : []);
      await driver.machines.undefine(id, mark.owner, { keepState }, soon());
    }
  });

for (const which of ['esx', 'cluster'] as const)
  t.test(`${which}: a machine that was adopted goes, and its disks stay, its own and our volumes`, async (t) => {
    const host = which === 'esx' ? esx : vcenter;
    await using proxy = await startProxy(host);
    await using driver = await connect(which, uris({ esx: proxy.port, vcenter: proxy.port })[which]);
    await using onlooker = await Onlooker.open(host);
    const theirs = (await driver.machines.list(soon())).find(({ nativeName }) => nativeName.endsWith('VM0'));
    if (theirs === undefined) throw new Error('the simulator has no machine of its own');
    const { id, uuid, nativeName } = theirs;
    const own = (await onlooker.machine(nativeName))?.disks.map(({ file }) => file) ?? [];
    t.match(own, [/^\[.*] .*\.vmdk$/]);
    t.match(
      own,
      own.filter((file) => !file.includes('] virtwright/')),
      'in a folder of its own',
    );
    await onlooker.power(nativeName, 'off');
    const [pool] = (await driver.pools?.list(soon())) ?? [];
    const data =
      pool && (await driver.volumes?.create({ pool: pool.id, nativeName: `data-${which}`, format: 'Vmdk', sizeBytes: 1 << 20 }, soon()));
    const shape = (await look(driver, id))?.found?.shape;
    if (data === undefined || shape === undefined) throw new Error('no datastore, or not found');
    await driver.adoption?.adopt(id, mark, soon());
    const disks = [{ name: 'data', location: data.location, format: 'Vmdk' as const }];
    await driver.machines.define({ ...shape, uuid, nativeName, disks }, mark, soon());
    t.same(
      (await onlooker.machine(nativeName))?.disks.map(({ file }) => file),
      [...own, data.location],
    );
    const folder = (own[0] ?? '').replace(/[^/]+$/, '');
    const stored = async () => (await onlooker.files('LocalDS_0')).map((path) => path.replace(']/', '] '));
    const rest = async () => (await stored()).filter((file) => file.startsWith(folder) && !file.endsWith('.vmdk'));
    const all = await rest();
    t.same(
      all,
      [`${nativeName}.nvram`, `${nativeName}.vmx`, 'vmware.log'].map((name) => folder + name),
    );
    // The agent dies once the volume was taken out.
    proxy.trouble('UnregisterVM', cuts, 1);
    await t.rejects(driver.machines.undefine(id, mark.owner, { keepState: false }, soon()), { code: 'Unavailable' });
    t.same(await rest(), all, 'a machine that is there still is whole');
    await driver.machines.undefine(id, mark.owner, { keepState: false }, soon());
    t.equal(await look(driver, id), undefined);
    const left = await stored();
    for (const file of [...own, data.location]) t.ok(left.includes(file), file);
    t.same(await rest(), [], 'and nothing else of it');
  });
