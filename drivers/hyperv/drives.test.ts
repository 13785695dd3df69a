import t from 'tap';
import { addDevice } from '#simulators/hyperv/model/resources.js';
import { definition, hypervHost, mark, soon } from '#test/peers/hyperv-host.js';

t.setTimeout(300_000);

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
