import fc from 'fast-check';
import t from 'tap';
import type { MachineDefinition, MachineDisk } from '#drivers/driver.js';
import { child, element, elements, textOf, type XmlElement } from '#drivers/xml/tree.js';
import { typed, typeOf } from '../soap/names.js';
import { diskChanges, readDisks } from './disk.js';
import { addressOf, interfaceChanges, type PortGroup, readInterfaces } from './interface.js';
import { locationText, parseLocation } from './location.js';
import { type Extra, keys, markExtra, readMark } from './mark.js';
import { configuredOf, decodeName, encodeName, type NativeMachine, shapeOf } from './native.js';
import { powerOf } from './power-state.js';
import { createSpec, editSpec, startSpec } from './spec.js';
import { capacityIn } from './volume.js';

const groups: readonly PortGroup[] = [
  { name: 'VM Network' },
  { name: 'dvs', distributed: { portgroupKey: 'dvportgroup-7', switchUuid: '50 2a' } },
];
const disk = (name: string, change: Partial<MachineDisk> = {}): MachineDisk => ({
  name,
  location: `[ds] virtwright/${name}.vmdk`,
  format: 'Vmdk',
  ...change,
});
const mark = { owner: { cluster: 'c', namespace: 'n', name: 'm', uid: 'u' }, record: '' };

/** What a host makes of changes: keys above 0, wherever they are referred to, and a label. */
function applied(devices: readonly XmlElement[], changes: ReturnType<typeof diskChanges>['changes']): readonly XmlElement[] {
  const newKeys = new Map<string, string>();
  const keyOf = (device: XmlElement) => textOf(child(device, 'key')) ?? '';
  const named = (device: XmlElement): XmlElement => ({
    ...device,
    children: device.children.map((node) => {
      const key = node.kind === 'element' && ['key', 'controllerKey'].includes(node.name) ? newKeys.get(textOf(node) ?? '') : undefined;
      return node.kind === 'element' && key !== undefined ? element(node.name, {}, key) : node;
    }),
  });
  return changes.reduce<readonly XmlElement[]>((present, { operation, device }) => {
    if (operation === 'remove') return present.filter((each) => each !== device);
    newKeys.set(keyOf(device), `${1000 + newKeys.size + present.length}`);
    return present.concat(named(device));
  }, devices);
}

function withDisks(devices: readonly XmlElement[], extra: Extra, wanted: readonly MachineDisk[], guestId = 'otherGuest64') {
  const { changes, places } = diskChanges(devices, extra, wanted, guestId);
  return { changes, devices: applied(devices, changes), extra: { ...extra, ...(places === undefined ? {} : { [keys.disks]: places }) } };
}

t.test('any disks become any others, and what is as wanted is not touched', async (t) => {
  const some = fc.uniqueArray(
    fc.record({
      name: fc.constantFrom('a', 'b', 'c', 'ä"', '__proto__'),
      at: fc.nat(3),
      bus: fc.constantFrom(undefined, 'Pvscsi', 'LsiLogic'),
    }),
    {
      selector: ({ name }) => name,
    },
  );
  const disksOf = (chosen: readonly { name: string; at: number; bus: MachineDisk['bus'] | undefined }[]) =>
    chosen.map(({ name, at, bus }) => disk(name, { location: `[ds] ${at}.vmdk`, ...(bus === undefined ? {} : { bus }) }));
  fc.assert(
    fc.property(some, some, (one, other) => {
      const before = withDisks([], {}, disksOf(one));
      const after = withDisks(before.devices, before.extra, disksOf(other));
      t.match(
        new Map(readDisks(after.devices, after.extra).map((each) => [each.name, each])),
        new Map(disksOf(other).map((each) => [each.name, each])),
      );
      t.equal(readDisks(after.devices, after.extra).length, other.length);
      t.same(withDisks(after.devices, after.extra, disksOf(other)).changes, []);
    }),
  );
});

t.test('sixty disks fit on four controllers, past their own place, and one more does not', async (t) => {
  const wanted = Array.from({ length: 60 }, (_, at) => disk(`d${at}`));
  const { devices, extra } = withDisks([], {}, wanted);
  const places = Object.values(JSON.parse(extra[keys.disks] ?? '') as Record<string, string>);
  t.equal(new Set(places).size, 60);
  t.notOk(places.some((place) => place.endsWith(':7')));
  t.equal(devices.filter((device) => typeOf(device) === 'ParaVirtualSCSIController').length, 4);
  t.throws(() => withDisks(devices, extra, [...wanted, disk('more')]), { code: 'Invalid', message: /has 4 controllers already/ });
});

t.test('a Windows guest gets a controller that it knows', async (t) => {
  t.match(withDisks([], {}, [disk('root')], 'windows2019srv_64Guest').devices.map(typeOf), ['VirtualLsiLogicSASController', 'VirtualDisk']);
  t.match(withDisks([], {}, [disk('root')], 'debian12_64Guest').devices.map(typeOf), ['ParaVirtualSCSIController', 'VirtualDisk']);
});

t.test('a machine with snapshots has the disk that they are of', async (t) => {
  const { devices, extra } = withDisks([], {}, [disk('root')]);
  const snapped = devices.map((device) => {
    const backing = child(device, 'backing');
    if (backing === undefined) return device;
    const delta = element('backing', {}, element('fileName', {}, '[ds] m/root-000001.vmdk'), element('parent', {}, ...backing.children));
    return { ...device, children: device.children.map((node) => (node === backing ? delta : node)) };
  });
  t.match(readDisks(snapped, extra), [disk('root')]);
  t.same(withDisks(snapped, extra, [disk('root')]).changes, []);
});

t.test("a stranger's disk stays where it is", async (t) => {
  const { devices } = withDisks([], {}, [disk('theirs')]);
  const { changes, extra } = withDisks(devices, {}, [disk('root')]);
  t.same(
    changes.map(({ operation }) => operation),
    ['add'],
  );
  t.match(extra[keys.disks], /scsi0:1/);
});

t.test('an interface is attached to a port group of either kind, keeps its address, and is known by it', async (t) => {
  const wanted = [
    { name: 'lan', network: 'VM Network', macAddress: '00:50:56:00:00:01' },
    { name: 'dmz', network: 'dvs', model: 'E1000e' as const },
  ];
  const { changes, places } = interfaceChanges([], {}, wanted, groups);
  const devices = applied([], changes);
  const extra = { [keys.interfaces]: places ?? '' };
  t.match(readInterfaces(devices, extra, groups), wanted);
  t.same(interfaceChanges(devices, extra, wanted, groups).changes, []);
  const moved = interfaceChanges(devices, extra, [{ name: 'lan', network: 'dvs' }], groups);
  t.same(
    moved.changes.map(({ operation }) => operation),
    ['remove', 'remove', 'add'],
  );
  t.match(readInterfaces(applied(devices, moved.changes), { [keys.interfaces]: moved.places ?? '' }, groups), [
    { name: 'lan', network: 'dvs', model: 'Vmxnet3', macAddress: '00:50:56:00:00:01' },
  ]);
  t.throws(() => interfaceChanges([], {}, [{ name: 'lan', network: 'x' }], groups), {
    code: 'NotFound',
    message: /it has "VM Network", "dvs"/,
  });
});

t.test('an address that we choose is one that VMware keeps for that', async (t) => {
  fc.assert(
    fc.property(fc.uuid(), fc.string(), (uuid, name) => t.match(addressOf(uuid, name), /^00:50:56:[0-3][0-9a-f]:[0-9a-f]{2}:[0-9a-f]{2}$/)),
  );
  t.not(addressOf('a', 'lan'), addressOf('a', 'dmz'));
  t.equal(addressOf('a', 'lan'), addressOf('A', 'lan'));
});

t.test('a mark is kept to the letter, in plain ASCII, and never as nothing', async (t) => {
  const word = fc.string({ unit: 'binary', maxLength: 20 });
  const marks = fc.record({ owner: fc.record({ cluster: word, namespace: word, name: word, uid: word }), record: word });
  fc.assert(
    fc.property(marks, (given) => {
      const extra = markExtra(given);
      t.same(readMark(extra), given);
      t.match(Object.values(extra).join(''), /^[ -~]+$/);
    }),
  );
  t.equal(readMark({ [keys.owner]: '{"cluster":1}' }), undefined);
  t.equal(readMark({ [keys.owner]: 'null', [keys.record]: '{' }), undefined);
  t.throws(() => markExtra({ ...mark, record: 'é'.repeat(2049) }), { code: 'Invalid', message: /4098 bytes; at most 4096/ });
});

t.test('a location is read back, whatever its datastore is called', async (t) => {
  const name = fc.string({ unit: fc.constantFrom(...'ab [](){}ü'), minLength: 1, maxLength: 8 }).filter((each) => each.trim() === each);
  fc.assert(
    fc.property(name, (datastore) =>
      t.same(parseLocation(locationText({ datastore, path: 'virtwright/a.vmdk' })), { datastore, path: 'virtwright/a.vmdk' }),
    ),
  );
  for (const text of ['', '[ds]', '/a.vmdk', '[] a', 'ds a.vmdk']) t.equal(parseLocation(text), undefined, text);
});

t.test('of a machine that is off it is known how it ended, as far as the host tells', async (t) => {
  t.same(powerOf('poweredOff', true), { state: 'Off', reason: 'Orderly' });
  t.same(powerOf('poweredOff', false), { state: 'Off', reason: 'Crashed' });
  t.same(powerOf('poweredOff', undefined), { state: 'Off', reason: 'Unknown' });
});

t.test('a name of vSphere is decoded and encoded', async (t) => {
  t.equal(decodeName('a%2fb%5Cc%25d%41'), 'a/b\\c%d%41');
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom(...'ab/\\%25fFc') }), (name) => t.equal(decodeName(encodeName(name)), name)));
});

t.test('a descriptor tells the size of its disk', async (t) => {
  const descriptor = '# Disk DescriptorFile\nversion=1\nRW 8192 VMFS "db-flat.vmdk"\nRDONLY 2048 ZERO\nddb.adapterType = "lsilogic"\n';
  t.equal(capacityIn(descriptor), 5120);
  for (const text of ['', 'RW x VMFS', `RW ${'9'.repeat(20)} VMFS "a"`]) t.equal(capacityIn(text), undefined);
});

const native = (change: Partial<NativeMachine> = {}): NativeMachine => ({
  ref: { type: 'VirtualMachine', value: 'vm-1' },
  glance: { id: 'vm-1' as never, uuid: 'u', nativeName: 'm', power: { state: 'Off', reason: 'Unknown' } },
  connection: 'connected',
  changeVersion: '7',
  guestId: 'otherGuest64',
  firmware: 'bios',
  version: 'vmx-13',
  file: '[ds] m/m.vmx',
  manager: undefined,
  hasSnapshots: false,
  cpuCount: 1,
  memoryBytes: 64 << 20,
  extra: markExtra(mark),
  devices: [],
  ...change,
});
const definition: MachineDefinition = {
  uuid: 'u',
  nativeName: 'm',
  cpuCount: 1,
  memoryBytes: 64 << 20,
  disks: [],
  interfaces: [],
  serial: false,
  rng: false,
};
const on = { ...native().glance, power: { state: 'On', reason: 'Booted' } } as const;
const optionsOf = (spec: XmlElement | undefined) =>
  Object.fromEntries(elements(spec, 'extraConfig').map((each) => [textOf(child(each, 'key')), textOf(child(each, 'value'))]));
const noted = (spec: XmlElement | undefined) => elements(spec, 'extraConfig').find((each) => textOf(child(each, 'key')) === keys.next);

t.test('what does not differ is not written, and what does is written with the version that was read', async (t) => {
  t.equal(editSpec(native(), definition, mark, groups), undefined);
  const spec = editSpec(native(), { ...definition, cpuCount: 2 }, mark, groups);
  t.same(
    spec?.children.map((node) => (node.kind === 'element' ? [node.name, textOf(node)] : node)),
    [
      ['changeVersion', '7'],
      ['numCPUs', '2'],
    ],
  );
});

t.test(
  'a running machine is not touched: what differs is noted, comes with its start, and is forgotten when it does not differ any more',
  async (t) => {
    const wanted = { ...definition, cpuCount: 4, disks: [disk('root')], interfaces: [{ name: 'lan', network: 'VM Network' }] };
    const spec = editSpec(native({ glance: on }), wanted, mark, groups);
    t.same(
      spec?.children.map((node) => node.kind === 'element' && node.name),
      ['changeVersion', 'extraConfig'],
    );
    const text = textOf(child(noted(spec), 'value')) ?? '';
    const running = native({ glance: on, extra: { ...markExtra(mark), [keys.next]: text } });
    t.match(shapeOf(running, groups), { cpuCount: 1, disks: [] });
    t.match(configuredOf(running, groups), { ...wanted, uuid: undefined, nativeName: undefined });
    t.equal(editSpec(running, wanted, mark, groups), undefined, 'once');
    t.equal(textOf(child(noted(editSpec(running, definition, mark, groups)), 'value')), '');
    const start = startSpec(native({ extra: running.extra }), groups);
    t.equal(textOf(child(start, 'numCPUs')), '4');
    t.equal(elements(start, 'deviceChange').length, 3, 'a controller, a disk, a card');
    t.equal(textOf(child(noted(start), 'value')), '');
    t.equal(startSpec(native(), groups), undefined);
  },
);

t.test('a port group that is not there is waited for until the start', async (t) => {
  const wanted = { ...definition, interfaces: [{ name: 'lan', network: 'later' }] };
  const text = textOf(child(noted(editSpec(native(), wanted, mark, groups)), 'value')) ?? '';
  const waiting = native({ extra: { ...markExtra(mark), [keys.next]: text } });
  t.match(configuredOf(waiting, groups).interfaces, [
    { name: 'lan', network: 'later', model: 'Vmxnet3', macAddress: addressOf('u', 'lan') },
  ]);
  t.equal(editSpec(waiting, wanted, mark, groups), undefined);
  t.throws(() => startSpec(waiting, groups), { code: 'NotFound' });
  t.equal(elements(startSpec(waiting, [...groups, { name: 'later' }]), 'deviceChange').length, 1);
});

t.test('a serial port comes once there is a folder for its file, with the answer to what a host would ask', async (t) => {
  const wanted = { ...definition, serial: true };
  const created = createSpec(wanted, mark, 'ds', groups);
  t.same(elements(created, 'deviceChange'), []);
  const made = native({ extra: { ...markExtra(mark), [keys.next]: textOf(child(noted(created), 'value')) ?? '' } });
  t.equal(configuredOf(made, groups).serial, true);
  const start = startSpec(made, groups);
  const port = child(elements(start, 'deviceChange')[0], 'device');
  t.equal(textOf(child(port, 'backing', 'fileName')), '[ds] m/virtwright.serial.log');
  t.same(optionsOf(start)['answer.msg.serial.file.open'], 'Append');
  if (port === undefined) return;

  const others = typed(element('device', {}, element('backing', {}, element('fileName', {}, '[ds] m/other.log'))), 'VirtualSerialPort');
  const has = native({ devices: [others, port] });
  t.equal(shapeOf(has, groups).serial, true);
  t.equal(editSpec(has, wanted, mark, groups), undefined, 'once');
  const without = editSpec(has, definition, mark, groups);
  t.same(
    elements(without, 'deviceChange').map((change) => textOf(child(change, 'device', 'backing', 'fileName'))),
    ['[ds] m/virtwright.serial.log'],
    'only ours',
  );
  t.same(optionsOf(without)['answer.msg.serial.file.open'], '');
  t.equal(shapeOf(native({ devices: [others] }), groups).serial, false);
});

t.test('a note that a hand has spoilt counts as none', async (t) => {
  for (const text of ['{', 'null', '1', '{"cpuCount":"2"}', '{"cpuCount":2,"memoryBytes":4}'])
    t.equal(configuredOf(native({ extra: { [keys.next]: text } }), groups).cpuCount, 1, text);
});

t.test('a device is taken out with all that it held', async (t) => {
  const odd = typed(
    element(
      'device',
      {},
      element('key', {}, '2000'),
      element('odd', { a: 'b' }, 'c'),
      element('controllerKey', {}, '1000'),
      element('unitNumber', {}, '0'),
    ),
    'VirtualDisk',
  );
  const controller = typed(
    element('device', {}, element('key', {}, '1000'), element('busNumber', {}, '0'), element('sharedBus', {}, 'noSharing')),
    'ParaVirtualSCSIController',
  );
  const { changes } = diskChanges([controller, odd], { [keys.disks]: '{"root":"scsi0:0"}' }, [], 'otherGuest64');
  t.same(changes, [{ operation: 'remove', device: odd }]);
});
