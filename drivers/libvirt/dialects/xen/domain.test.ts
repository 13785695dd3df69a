import t from 'tap';
import type { MachineDefinition, Mark } from '#drivers/driver.js';
import { parseXml } from '#drivers/xml/parse.js';
import { serializeXml } from '#drivers/xml/serialize.js';
import { attribute, child, elements, textOf, type XmlElement } from '#drivers/xml/tree.js';
import { xen } from './dialect.js';
import { createDomain } from './domain.js';

const base = { mode: 'PVH', architecture: 'x86_64' } as const;
const mark: Mark = { owner: { cluster: 'c1', namespace: 'shop', name: 'db', uid: '7d4c2f1e-0000-4000-8000-000000000001' }, record: '{}' };
const definition: MachineDefinition = {
  uuid: '7d4c2f1e-0000-4000-8000-000000000001',
  nativeName: 'shop.db',
  cpuCount: 1,
  memoryBytes: 128 << 20,
  boot: { kernel: '/pool/kernel', initrd: '/pool/initrd', commandLine: 'console=hvc0' },
  disks: [
    { name: 'root', location: '/pool/root', format: 'Raw' },
    { name: 'data', location: '/pool/data', format: 'Qcow2' },
  ],
  interfaces: [{ name: 'lan', network: 'lan' }],
  serial: true,
  rng: false,
};

const pc = { xen: { mode: 'HVM' } } as const;
const create = (change: Partial<MachineDefinition> = {}) =>
  createDomain({ ...definition, ...change }, mark, { ...base, emulator: '/usr/libexec/xen-qemu' });
const osType = (domain: XmlElement) => {
  const type = child(domain, 'os', 'type');
  return [textOf(type), attribute(type, 'machine'), attribute(type, 'arch')];
};

t.test('a machine is of the mode that was asked for, or of the host’s best, and stays so', async (t) => {
  t.same(osType(create()), ['xenpvh', 'xenpvh', 'x86_64']);
  const pv = create({ xen: { mode: 'PV' } });
  t.same(osType(pv), ['linux', 'xenpv', 'x86_64']);
  t.equal(xen.edit(pv, definition, mark), pv, 'a mode that nobody speaks of stays');
  t.same(osType(xen.edit(pv, { ...definition, xen: { mode: 'PVH' } }, mark)), ['xenpvh', 'xenpvh', 'x86_64']);
  t.same(xen.readShape(pv).xen, { mode: 'PV' });
  t.same(xen.readHardware(pv), { mode: 'PV', architecture: 'x86_64', machine: 'xenpv' });
});

t.test('what is written is read back, and written again is the very same', async (t) => {
  const domain = create();
  const { uuid: _, nativeName: __, ...shape } = definition;
  t.match(xen.readShape(domain), { ...shape, disks: [{ bus: 'XenBlk' }, { bus: 'XenBlk' }], interfaces: [{ model: 'XenNet' }] });
  t.notOk('firmware' in xen.readShape(domain), 'neither mode has firmware');
  t.equal(xen.edit(domain, definition, mark), domain);
});

t.test('plain disks are served by the host’s kernel, others by QEMU, at the first free places', async (t) => {
  const disks = elements(child(create(), 'devices'), 'disk');
  const said = disks.map((disk) => [
    attribute(child(disk, 'driver'), 'name'),
    attribute(child(disk, 'target'), 'dev'),
    attribute(child(disk, 'target'), 'bus'),
  ]);
  t.same(said, [
    ['phy', 'xvda', 'xen'],
    ['qemu', 'xvdb', 'xen'],
  ]);
});

t.test('a seed is a disk that the guest can only read', async (t) => {
  const seed = { kind: 'CloudInit', location: '/pool/seed' } as const;
  const domain = create({ seed });
  t.same(xen.readShape(domain).seed, seed);
  t.match(
    serializeXml(domain),
    /<disk type=["']file["'] device=["']disk["']><driver name=["']phy["'] type=["']raw["']\/><source file=["']\/pool\/seed["']\/><target dev=["']xvdz["'] bus=["']xen["']\/><readonly\/>/,
  );
});

t.test('a console that was asked for carries a name; the one that is there anyway does not count', async (t) => {
  const consoles = (domain: XmlElement) => elements(child(domain, 'devices'), 'console');
  const asked = create();
  t.equal(consoles(asked).length, 1);
  const silent = xen.edit(asked, { ...definition, serial: false }, mark);
  t.equal(consoles(silent).length, 1, 'it cannot be taken away');
  t.equal(xen.readShape(silent).serial, false);
  const again = xen.edit(silent, definition, mark);
  t.equal(consoles(again).length, 1);
  t.equal(xen.readShape(again).serial, true);
  t.equal(consoles(create({ serial: false })).length, 0, 'libvirt adds it by itself');
});

t.test('HVM is a PC: firmware that tries disks and discs, an emulator, a serial port', async (t) => {
  const { boot: _, ...kernelless } = definition;
  const asked: MachineDefinition = {
    ...{ ...kernelless, ...pc, firmware: 'BIOS', cdroms: [{ name: 'tools', location: '/pool/tools' }] },
    ...{ interfaces: [{ name: 'lan', network: 'lan', model: 'E1000e' }] },
  };
  const domain = createDomain(asked, mark, { ...base, emulator: '/usr/libexec/xen-qemu' });
  t.same(osType(domain), ['hvm', 'xenfv', 'x86_64']);
  const written = serializeXml(domain).replaceAll("'", '"');
  for (const part of [
    '<boot dev="hd"/><boot dev="cdrom"/>',
    '<features><acpi/><apic/></features>',
    '<emulator>/usr/libexec/xen-qemu</emulator>',
    '<disk type="file" device="cdrom"><driver name="qemu" type="raw"/><source file="/pool/tools"/><target dev="xvdc" bus="xen"/>',
    '<model type="e1000e"/>',
    '<serial type="pty">',
  ])
    t.ok(written.includes(part), part);
  const { uuid: __, nativeName: ___, ...shape } = asked;
  t.match(xen.readShape(domain), shape);
  t.match(xen.readHardware(domain), { mode: 'HVM', firmware: 'BIOS' });
  t.equal(xen.edit(domain, asked, mark), domain);
  const { xen: ____, ...silent } = asked;
  t.equal(xen.edit(domain, silent, mark), domain, 'also when nobody speaks of its mode any more');
});

t.test('a machine is made as HVM or never becomes it, and none of HVM becomes another', async (t) => {
  t.throws(() => xen.edit(create(), { ...definition, ...pc }, mark), { message: /^xen.mode: HVM was given; accepted: PVH, PV/ });
  const made = create(pc);
  t.throws(() => xen.edit(made, { ...definition, xen: { mode: 'PV' } }, mark), { message: /^xen.mode: PV was given; accepted: HVM/ });
});

t.test('a drive that no guest would find is refused', async (t) => {
  const disks = ['a', 'b', 'c', 'd'].map((name) => ({ name, location: `/pool/${name}`, format: 'Raw' as const }));
  const driven = (count: number) => create({ ...pc, disks: disks.slice(0, count), cdroms: [{ name: 'tools' }] });
  t.equal(xen.readShape(driven(3)).cdroms?.length, 1);
  t.throws(() => driven(4), { message: /^disks.cdrom: tools was given; accepted: drives among the first four/ });
  const byOthers = parseXml(serializeXml(driven(1)).replaceAll('xvd', 'hd'), 'domain');
  t.equal(
    xen.readShape(xen.edit(byOthers, { ...definition, ...pc, disks: disks.slice(0, 1), cdroms: [{ name: 'tools' }] }, mark)).cdroms?.length,
    1,
  );
  const more = xen.edit(byOthers, { ...definition, ...pc, disks: disks.slice(0, 2), cdroms: [{ name: 'tools' }] }, mark);
  t.match(serializeXml(more), /<target dev=["']xvdc["']/, 'hda and xvda are one place');
  t.notMatch(serializeXml(more), /xvda/);
});
