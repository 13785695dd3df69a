import t from 'tap';
import type { MachineSeed } from '#drivers/driver.js';
import { parseXml } from '#drivers/xml/parse.js';
import { serializeXml } from '#drivers/xml/serialize.js';
import { attribute, child, elements, type XmlElement } from '#drivers/xml/tree.js';
import { readDisks } from './disk.js';
import { readSeed, withSeed } from './seed.js';

const seed = (kind: MachineSeed['kind'], location = '/pool/seed'): MachineSeed => ({ kind, location });
const disk = (dev: string, bus: string) =>
  `<disk type='file' device='disk'><source file='/pool/${dev}'/><target dev='${dev}' bus='${bus}'/><alias name='ua-${dev}'/></disk>`;
const domain = (devices = '', more = '') => parseXml(`<domain>${more}<devices>${devices}</devices></domain>`, 'test');
const drive = (edited: XmlElement) => elements(child(edited, 'devices'), 'disk').at(-1);
const place = (edited: XmlElement) => [
  attribute(drive(edited), 'device'),
  ...['dev', 'bus'].map((name) => attribute(child(drive(edited), 'target'), name)),
];

t.test('a seed comes on the bus that its guest has a driver for, and never before a disk', async (t) => {
  t.same(place(withSeed(domain(), seed('CloudInit'))), ['disk', 'vdz', 'virtio']);
  t.same(place(withSeed(domain(disk('vda', 'virtio')), seed('CloudInit'))), ['disk', 'vdz', 'virtio']);
  t.same(place(withSeed(domain(disk('sda', 'sata')), seed('CloudInit'))), ['cdrom', 'sdz', 'sata']);
  const tools = disk('sda', 'sata').replace("device='disk'", "device='cdrom'");
  t.same(
    place(withSeed(domain(tools + disk('vda', 'virtio')), seed('CloudInit'))),
    ['disk', 'vdz', 'virtio'],
    'a CD-ROM is no disk to boot from',
  );
  t.same(place(withSeed(domain(disk('vda', 'virtio')), seed('Sysprep'))), ['cdrom', 'sdz', 'sata']);
  t.same(place(withSeed(domain(disk('vdz', 'virtio')), seed('CloudInit'))), ['disk', 'vdy', 'virtio']);
  t.ok(child(drive(withSeed(domain(), seed('CloudInit'))), 'readonly'));
});

t.test('it is read back, is no disk of the manifest, and another content keeps its place', async (t) => {
  for (const kind of ['CloudInit', 'Sysprep', 'Ignition'] as const) {
    const first = withSeed(domain(disk('vda', 'virtio')), seed(kind));
    t.same(readSeed(first), seed(kind));
    t.same(
      readDisks(child(first, 'devices')).map(({ name }) => name),
      ['vda'],
    );
    t.equal(withSeed(first, seed(kind)), first, 'unchanged is the same');
    const second = withSeed(first, seed(kind, '/pool/other'));
    t.equal(serializeXml(second), serializeXml(first).replace('/pool/seed', '/pool/other'));
    t.equal(serializeXml(withSeed(second, undefined)), serializeXml(domain(disk('vda', 'virtio'))));
  }
  const changed = withSeed(withSeed(domain(), seed('CloudInit')), seed('Ignition', '/pool/config'));
  t.same(readSeed(changed), seed('Ignition', '/pool/config'));
  t.equal(elements(child(changed, 'devices'), 'disk').length, 0);
});

t.test('what others gave by the firmware stays', async (t) => {
  const theirs = `<sysinfo type='fwcfg'><entry name='opt/theirs'>x</entry></sysinfo>`;
  const seeded = withSeed(domain('', theirs), seed('Ignition'));
  t.match(serializeXml(seeded), /opt\/theirs.*opt\/com.coreos\/config/s);
  t.equal(serializeXml(withSeed(seeded, undefined)), serializeXml(domain('', theirs)));
});
