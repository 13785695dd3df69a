import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { Classes } from './cim/class.js';
import type { CimObject } from './cim/object.js';
import { defineMachine } from './model/definitions.js';
import { parentMark } from './model/device.js';
import { addDevice } from './model/resources.js';
import { Simulator } from './simulator.js';
import { classes as texts } from './wmi/v1/classes.js';
import { V2Objects } from './wmi/v2/objects.js';

type Properties = Readonly<Record<string, string>>;

interface Recorded {
  readonly whole: Readonly<Record<string, Properties>>;
  readonly some: Readonly<Record<string, Properties>>;
  readonly parts: readonly { readonly class: string; readonly values: Properties; readonly suffix: string }[];
}

const file = new URL('../../../test/golden/hyperv/recorded-v1.json', import.meta.url);
const { whole, some, parts } = JSON.parse(await readFile(file, 'utf8')) as Recorded;
const classes = new Classes(texts);
const propertiesOf = (name: string): Properties =>
  Object.fromEntries((classes.find(name)?.properties ?? []).map(({ name, type, isArray }) => [name, isArray ? `${type}[]` : type]));

t.test('v1: classes have the properties that a real host showed, of the same types, and no others', async (t) => {
  for (const [name, recorded] of Object.entries(whole)) t.same(propertiesOf(name), recorded, name);
  for (const [name, recorded] of Object.entries(some)) t.match(propertiesOf(name), recorded, name);
});

t.test('v1: parts of a machine say what a real host said of them, and lie where they lay', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'vw-recorded-'));
  t.teardown(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, 'C/vms'), { recursive: true });
  const simulator = await Simulator.start({ mode: 'v1', folder, users: [] });
  t.teardown(() => simulator[Symbol.asyncDispose]());
  const { host } = simulator;
  await host.options.store.create('C:\\vms\\a.vhd', { format: 'VHD', type: 'Dynamic', sizeBytes: 8 << 20 });
  const className = 'Msvm_ResourceAllocationSettingData';
  const scsi = { className, values: { ResourceType: '6', ResourceSubType: 'Microsoft Synthetic SCSI Controller' } };
  const machine = await defineMachine(host, { className: 'Msvm_VirtualSystemGlobalSettingData', values: { ElementName: 'a' } }, [scsi]);
  const ide = machine.devices.find(({ values }) => values['ResourceType'] === '5');
  if (ide === undefined) throw new Error('no IDE');
  const made = { ResourceType: '22', ResourceSubType: 'Microsoft Synthetic Disk Drive', Parent: parentMark(ide), Address: '0' };
  const drive = await addDevice(host, machine, { className, values: made });
  const image = { ResourceType: '21', ResourceSubType: 'Microsoft Virtual Hard Disk', Parent: parentMark(drive) };
  await addDevice(host, machine, { className, values: { ...image, Connection: ['C:\\vms\\a.vhd'] } });
  const guid = /\\(?!83F8638B|B637F346|4764334D)[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}/;
  for (const { class: name, values, suffix } of parts) {
    const found = machine.devices.find(
      (each) =>
        each.className === name &&
        each.suffix.replace(guid, '\\<GUID>') === suffix &&
        each.values['ResourceType'] === values['ResourceType'],
    );
    t.match(found, { values }, `${name} ${suffix}`);
  }
});

interface Told {
  readonly class: string;
  readonly null: readonly string[];
  readonly values: Readonly<Record<string, string | readonly string[]>>;
}

const newer = new URL('../../../test/golden/hyperv/recorded-v2.json', import.meta.url);
const { objects } = JSON.parse(await readFile(newer, 'utf8')) as { readonly objects: Readonly<Record<string, Told>> };

t.test('v2: objects say what a real host said of its own, and nothing where it said nothing', async (t) => {
  const simulator = await Simulator.start({ mode: 'v2', folder: t.testdir({ C: {} }), users: [], language: 'ja-JP', jobMs: 1 });
  t.teardown(() => simulator[Symbol.asyncDispose]());
  const { host } = simulator;
  await defineMachine(host, { className: 'Msvm_VirtualSystemSettingData', values: { ElementName: 'a' } }, []);
  const job = host.jobs.start('CreateVirtualHardDisk', 'Msvm_StorageJob', async () => {}, { type: 1, affects: undefined });
  while (job.state === 'running') await new Promise((resolve) => setTimeout(resolve, 2));
  const shown = new V2Objects(host).instances(() => true);
  const whose: Readonly<Record<string, (of: CimObject) => boolean>> = {
    host: ({ className, values }) => className === 'Msvm_ComputerSystem' && values['Name'] === 'HYPERV',
    'machine, off': ({ className, values }) => className === 'Msvm_ComputerSystem' && values['ElementName'] === 'a',
    switch: ({ className }) => className === 'Msvm_VirtualEthernetSwitch',
    'job, done': ({ className }) => className === 'Msvm_StorageJob',
  };
  for (const [what, { class: className, null: none, values }] of Object.entries(objects)) {
    const found = shown.find((each) => whose[what]?.(each));
    t.equal(found?.className, className, what);
    t.same(
      none.filter((name) => found?.values[name] !== undefined),
      [],
      `${what}: null`,
    );
    t.match(found?.values, values, what);
  }
});
