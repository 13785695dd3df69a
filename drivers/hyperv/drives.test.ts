import t from 'tap';
import { addDevice } from '#simulators/hyperv/model/resources.js';
import { definition, hypervHost, mark, soon } from '#test/peers/hyperv-host.js';

t.setTimeout(300_000);

for (const mode of ['v2', 'v1'] as const)
  t.test(`${mode}: a disk of the host's that others put at a place of ours is theirs, and stays`, async (t) => {
    const { simulator, driver, disk, read } = await hypervHost(t, mode);
    const format = mode === 'v2' ? 'Vhdx' : 'Vhd';
    const root = { name: 'root', location: (await disk('root', format)).location, format } as const;
    const id = await driver.machines.define({ ...definition, disks: [root] }, mark, soon());
    const native = simulator.machineNamed('shop.web');
    const { types, subType } = simulator.host.words;
    const drive = native?.devices.find(({ values }) => values['ResourceType'] === types.diskDrive);
    if (native === undefined || drive === undefined) throw new Error('no drive');
    native.devices = native.devices.filter(({ values }) => values['ResourceType'] !== types.image && values !== drive.values);
    const disks = { ResourceSubType: subType('Physical Disk Drive'), HostResource: ['Msvm_DiskDrive.DeviceID="0"'] };
    const theirs = await addDevice(simulator.host, native, { ...drive, values: { ...drive.values, ...disks } });
    t.match(await read(id), { configured: { disks: [] } });
    await driver.machines.define({ ...definition, disks: [root] }, mark, soon());
    t.match(await read(id), { configured: { disks: [root] } }, 'ours is made elsewhere');
    const has = () => [types.diskDrive, types.image].map((type) => native.devices.filter(({ values }) => values['ResourceType'] === type));
    t.match(has(), [[theirs, {}], [{}]]);
    await driver.machines.define(definition, mark, soon());
    t.same(has(), [[theirs], []], 'and theirs is not taken out');
    await driver.adoption?.release(id, mark.owner, soon());
    t.match((await read(id))?.found, { kept: [/^disk (ide|scsi)0-0 [(]a disk of the host's[)]$/] });
  });

t.test("a drive for discs that others put at a place of a disk's is theirs, and stays", async (t) => {
  const { simulator, driver, disk } = await hypervHost(t, 'v2');
  const root = { name: 'root', location: (await disk('root', 'Vhdx')).location, format: 'Vhdx' } as const;
  await driver.machines.define({ ...definition, disks: [root] }, mark, soon());
  const native = simulator.machineNamed('shop.web');
  const drive = native?.devices.find(({ values }) => values['ResourceType'] === '17');
  if (native === undefined || drive === undefined) throw new Error('no drive');
  native.devices = native.devices.filter(({ values }) => values['ResourceType'] !== '31' && values['ResourceType'] !== '17');
  const theirs = { className: drive.className, values: { ...drive.values, ResourceType: '16', ResourceSubType: '' } };
  await addDevice(simulator.host, native, theirs);
  await driver.machines.define({ ...definition, disks: [root] }, mark, soon());
  const count = (type: string) => native.devices.filter(({ values }) => values['ResourceType'] === type).length;
  t.same(['16', '17', '31'].map(count), [1, 1, 1], 'ours is made elsewhere');
  await driver.machines.define(definition, mark, soon());
  t.same(['16', '17', '31'].map(count), [1, 0, 0], 'and theirs is not taken out');
});
