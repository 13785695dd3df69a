import { readFileSync } from 'node:fs';
import t from 'tap';
import type { MachineDefinition, MachineDisk, Mark } from '#drivers/driver.js';
import { parseXml } from '#drivers/xml/parse.js';
import { serializeXml } from '#drivers/xml/serialize.js';
import { attribute, child, elements, textOf, type XmlElement } from '#drivers/xml/tree.js';
import { type DomainCapabilities, readDomainCapabilities } from '../../xml/capabilities.js';
import { readShape } from '../../xml/read.js';
import { busesOf } from './capabilities.js';
import { createDomain } from './domain.js';
import { editDomain } from './edit.js';
import { checkFits } from './fits.js';
import type { QemuOffer } from './offer.js';

const base = { domainType: 'qemu', architecture: 'x86_64', machine: 'pc-q35-9.2', emulator: '/usr/bin/qemu', cpuMode: 'maximum' } as const;
const mark: Mark = { owner: { cluster: 'c1', namespace: 'shop', name: 'db', uid: '7d4c2f1e-0000-4000-8000-000000000001' }, record: '{}' };
const machine = (...disks: readonly MachineDisk[]): MachineDefinition => ({
  uuid: '7d4c2f1e-0000-4000-8000-000000000001',
  nativeName: 'shop.db',
  cpuCount: 1,
  memoryBytes: 2 ** 28,
  disks,
  interfaces: [],
  serial: false,
  rng: false,
});
const disk = (name: string, more: Partial<MachineDisk> = {}): MachineDisk => ({
  name,
  location: `/p/${name}`,
  format: 'Raw',
  bus: 'NVMe',
  ...more,
});
const made = (...disks: readonly MachineDisk[]) => createDomain(machine(...disks), mark, base);
const controllers = (domain: XmlElement) =>
  elements(child(domain, 'devices'), 'controller')
    .filter((each) => attribute(each, 'type') === 'nvme')
    .map((each) => [attribute(each, 'index'), textOf(child(each, 'serial'))]);
const targets = (domain: XmlElement) => elements(child(domain, 'devices'), 'disk').map((each) => attribute(child(each, 'target'), 'dev'));

t.test('every disk on NVMe has a controller of its own, that says its serial', async (t) => {
  const xml = serializeXml(made(disk('root', { serial: 'r 1' }), disk('data'), disk('old', { bus: 'SATA' })));
  for (const part of [
    '<disk type="file" device="disk"><driver name="qemu" type="raw"/><source file="/p/root"/><target dev="nvme0n1" bus="nvme"/><serial>r 1</serial><alias name="ua-root"/></disk>',
    '<target dev="nvme1n1" bus="nvme"/><serial>data</serial><alias name="ua-data"/></disk>',
    '<target dev="sda" bus="sata"/><alias name="ua-old"/></disk>',
    '<controller type="nvme" index="0"><serial>r 1</serial></controller>',
    '<controller type="nvme" index="1"><serial>data</serial></controller>',
  ])
    t.ok(xml.includes(part), `${part} in ${xml}`);
});

t.test('a serial is changed where it is, and a controller goes with its disk', async (t) => {
  const both = made(disk('root', { serial: 'r1' }), disk('data'));
  const changed = editDomain(both, machine(disk('root', { serial: 'r2' }), disk('data')), mark);
  t.strictSame(controllers(changed), [
    ['0', 'r2'],
    ['1', 'data'],
  ]);
  const one = editDomain(changed, machine(disk('data')), mark);
  t.strictSame([controllers(one), targets(one)], [[['1', 'data']], ['nvme1n1']]);
  const again = editDomain(one, machine(disk('data'), disk('more')), mark);
  t.strictSame(
    [controllers(again), targets(again)],
    [
      [
        ['1', 'data'],
        ['0', 'more'],
      ],
      ['nvme1n1', 'nvme0n1'],
    ],
  );
  const away = editDomain(both, machine(disk('root', { bus: 'VirtioBlk' }), disk('data')), mark);
  t.strictSame([controllers(away), targets(away)], [[['1', 'data']], ['vda', 'nvme1n1']]);
  t.strictSame(readShape(away).disks[0]?.serial, 'r1', 'the disk keeps its number on another bus');
});

t.test('a serial that libvirt keeps at the controller only is read there, and changes nothing', async (t) => {
  const definition = machine(disk('root', { serial: 'r1' }));
  const moved = parseXml(serializeXml(made(...definition.disks)).replace('<serial>r1</serial><alias', '<alias'), 'domain');
  t.match(readShape(moved).disks, [{ name: 'root', bus: 'NVMe', serial: 'r1' }]);
  t.equal(editDomain(moved, definition, mark), moved);
  t.equal(editDomain(moved, machine(disk('root')), mark), moved, 'a serial that nobody speaks of stays');
  t.strictSame(controllers(editDomain(moved, machine(disk('root', { serial: 'r2' })), mark)), [['0', 'r2']]);
  const away = editDomain(moved, machine(disk('root', { bus: 'SATA' })), mark);
  t.match(readShape(away).disks, [{ name: 'root', bus: 'SATA', serial: 'r1' }]);
});

t.test('what others have on NVMe stays', async (t) => {
  const theirs =
    "<controller type='nvme' index='0'><serial>theirs</serial></controller><disk type='file' device='disk'><source file='/x'/><target dev='nvme0n1' bus='nvme'/></disk>" +
    "<controller type='nvme' index='1'><serial>empty</serial></controller>";
  const domain = parseXml(serializeXml(made()).replace('</devices>', `${theirs}</devices>`), 'domain');
  const ours = editDomain(domain, machine(disk('root')), mark);
  t.strictSame(
    [controllers(ours), targets(ours)],
    [
      [
        ['0', 'theirs'],
        ['1', 'empty'],
        ['2', 'root'],
      ],
      ['nvme0n1', 'nvme2n1'],
    ],
  );
  t.equal(serializeXml(editDomain(ours, machine(), mark)), serializeXml(domain));
});

t.test('two disks that another hand put on one controller are left there', async (t) => {
  const shared = parseXml(
    serializeXml(made(disk('a', { serial: 'one' }), disk('b', { serial: 'two' })))
      .replace('nvme1n1', 'nvme0n2')
      .replace('<controller type="nvme" index="1"><serial>two</serial></controller>', ''),
    'domain',
  );
  const definition = machine(disk('a', { serial: 'one' }), disk('b', { serial: 'two' }));
  t.equal(editDomain(shared, definition, mark), shared);
});

t.test('no drive is on NVMe', async (t) => {
  const cdroms = [{ name: 'tools', bus: 'NVMe' }] as const;
  t.throws(() => createDomain({ ...machine(), cdroms }, mark, base), {
    code: 'Invalid',
    message: 'disk "tools": bus: "NVMe" was given; accepted: VirtioBlk, VirtioScsi, SATA',
  });
});

t.test('NVMe is offered where the domain capabilities list it, for the next start, and is refused elsewhere', async (t) => {
  const said = readFileSync('test/golden/libvirt/domain-capabilities-qemu.xml', 'utf8');
  const old = readDomainCapabilities(said);
  const able = readDomainCapabilities(said.replace('<value>sata</value>', '<value>sata</value><value>nvme</value>'));
  const values = (field: string, { diskBuses }: DomainCapabilities) =>
    busesOf(diskBuses, true).find((each) => each.field === field)?.values;
  t.strictSame(values('disks.bus', old), ['VirtioBlk', 'VirtioScsi', 'SATA']);
  t.strictSame(values('disks.bus', able), ['VirtioBlk', 'VirtioScsi', 'SATA', 'NVMe']);
  t.strictSame(values('disks', able), ['VirtioBlk', 'VirtioScsi'], 'it comes and goes with the machine off');
  const guest = { architecture: 'x86_64', osType: 'hvm', domainTypes: ['qemu'], emulator: '/usr/bin/qemu', machines: [] };
  const offer = (domain: DomainCapabilities): QemuOffer => ({
    ...{ guest, machine: undefined, domainType: 'qemu', kvm: undefined, domain },
    memoryBytes: 2 ** 30,
  });
  checkFits(machine(disk('root')), offer(able));
  t.throws(() => checkFits(machine(disk('root')), offer(old)), {
    code: 'Invalid',
    message: 'disks.bus: NVMe was given; accepted: VirtioBlk, VirtioScsi, SATA',
  });
});
