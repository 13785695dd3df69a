import t from 'tap';
import type { MachineDefinition, Mark } from '#drivers/driver.js';
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

const create = (change: Partial<MachineDefinition> = {}) => createDomain({ ...definition, ...change }, mark, base);
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
