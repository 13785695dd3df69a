import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import fc from 'fast-check';
import t from 'tap';
import type { MachineDefinition, Mark } from '#drivers/driver.js';
import { parseXml } from '#drivers/xml/parse.js';
import { serializeXml } from '#drivers/xml/serialize.js';
import { child, element } from '#drivers/xml/tree.js';
import { locationOf, sourceAt, sourceType } from '../../xml/disk-source.js';
import { imageLocation, parseLocation, readCephKey } from '../../xml/rbd.js';
import { readShape } from '../../xml/read.js';
import { createDomain } from './domain.js';
import { editDomain } from './edit.js';

const run = promisify(execFile);
const unlinted = existsSync('/usr/bin/xmllint') || process.env['CI'] === 'true' ? false : 'needs libxml2-utils';
const uuid = '7b1f4d0e-8f5c-4a57-9d4b-0c52a3e1b002';
const location = `rbd://robot:${uuid}@mon1,192.0.2.3:6790/machines/shop.db`;
const base = { domainType: 'qemu', architecture: 'x86_64', machine: 'pc-q35-7.2', emulator: '/usr/bin/qemu', cpuMode: 'maximum' } as const;
const mark: Mark = { owner: { cluster: 'c1', namespace: 'shop', name: 'db', uid: uuid }, record: '{}' };
const machine: MachineDefinition = {
  ...{ uuid, nativeName: 'shop.db', cpuCount: 1, memoryBytes: 2 ** 28, interfaces: [], serial: false, rng: false },
  disks: [{ name: 'root', location, format: 'Raw', bus: 'VirtioBlk' }],
  cdroms: [{ name: 'tools', location: 'rbd://mon1/machines/tools.iso', bus: 'SATA' }],
};

t.test('a pool tells where its images are, with whom it is let in as', async (t) => {
  const source = "<source><host name='mon1'/><host name='192.0.2.3' port='6790'/><name>machines</name>";
  const pool = (more: string) => parseXml(`<pool type='rbd'>${source}${more}</source></pool>`, 'pool');
  t.equal(imageLocation(pool(`<auth type='ceph' username='robot'><secret uuid='${uuid.toUpperCase()}'/></auth>`), 'shop.db'), location);
  t.equal(imageLocation(pool(''), 'a b@c'), 'rbd://mon1,192.0.2.3:6790/machines/a%20b%40c');
  t.equal(imageLocation(pool("<auth type='ceph' username='robot'><secret usage='other'/></auth>"), 'a'), undefined);
  t.equal(imageLocation(pool(''), 'a/b'), undefined);
});

t.test('a disk has the monitors and the secret of its pool, and is read back', { skip: unlinted }, async (t) => {
  const domain = createDomain(machine, mark, base);
  const xml = serializeXml(domain);
  for (const part of [
    '<disk type="network" device="disk"><driver name="qemu" type="raw"/><source protocol="rbd" name="machines/shop.db"><host name="mon1"/><host name="192.0.2.3" port="6790"/>' +
      `<auth username="robot"><secret type="ceph" uuid="${uuid}"/></auth></source><target dev="vda" bus="virtio"/>`,
    '<disk type="network" device="cdrom"><driver name="qemu" type="raw"/><source protocol="rbd" name="machines/tools.iso"><host name="mon1"/></source>',
  ])
    t.ok(xml.includes(part), xml);
  t.match(readShape(domain), { disks: machine.disks, cdroms: machine.cdroms });
  t.equal(editDomain(domain, machine, mark), domain);
  const linting = run('xmllint', ['--noout', '--relaxng', '/usr/share/libvirt/schemas/domain.rng', '-']);
  linting.child.stdin?.end(xml);
  await t.resolves(linting);
  const moved = editDomain(domain, { ...machine, disks: [{ name: 'root', location: '/p/root', format: 'Raw' }], cdroms: [] }, mark);
  t.match(serializeXml(moved), '<disk type="file" device="disk"><driver name="qemu" type="raw"/><source file="/p/root"/><target dev="vda"');
});

t.test('what is no location of an image is none, and a path stays a path', async (t) => {
  for (const each of [
    '',
    '/rbd',
    'rbd://',
    'rbd:///p/i',
    'rbd://m/p',
    'rbd://m/p/i/j',
    'rbd://a@m/p/i',
    'rbd://m/%/i',
    'rbd://m/%61/i',
    'machines/shop.db',
  ])
    t.equal(parseLocation(each), undefined, each);
  t.throws(() => createDomain({ ...machine, disks: [{ name: 'a', location: 'machines/shop.db', format: 'Raw' }] }, mark, base), {
    code: 'Invalid',
  });
  const foreign = (xml: string) => locationOf(child(parseXml(`<disk>${xml}</disk>`, 'disk'), 'source'));
  t.equal(foreign("<source protocol='nbd' name='a/b'><host name='m'/></source>"), undefined);
  t.equal(
    foreign("<source protocol='rbd' name='a/b/c'><host name='m'/></source>"),
    undefined,
    'a namespace of Ceph is nothing that we make',
  );
  t.equal(locationOf(element('source')), undefined);
  t.equal(sourceType('/dev/a'), 'block');
});

t.test('any image is found again', async (t) => {
  const text = fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' }).filter((each) => !each.includes('/'));
  const monitors = fc.array(fc.constantFrom('mon1', '192.0.2.1', 'mon.example.org:6790'), { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(monitors, text, text, fc.option(text, { nil: undefined }), (hosts, pool, image, user) => {
      const of = encodeURIComponent;
      const at = `rbd://${user === undefined ? '' : `${of(user)}:${uuid}@`}${hosts.join(',')}/${of(pool)}/${of(image)}`;
      t.equal(locationOf(sourceAt(at)), at);
      t.equal(sourceType(at), 'network');
    }),
    { numRuns: 100 },
  );
});

t.test('a key is handed over as it is, and what is none is refused without being told', async (t) => {
  t.equal(readCephKey('aHVzaA==\n').toString(), 'hush');
  for (const each of ['', 'hush!', 'aHVzaA', '[client.robot]\nkey = aHVzaA=='])
    t.throws(() => readCephKey(each), {
      code: 'CredentialsMissing',
      message: /^credentials: "password" is no key of Ceph; accepted: base64, as/,
    });
});
