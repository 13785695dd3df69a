import t from 'tap';
import { cloudInit, ignition, seedBytes, seedDigest, sysprep } from './content.js';

const bytes = (text: string) => Buffer.from(text);
const textOf = ({ files }: ReturnType<typeof cloudInit>) =>
  Object.fromEntries(files.map(({ name, content }) => [name, Buffer.from(content).toString()]));
const named = { instanceId: 'one', hostname: 'db' };

t.test('cloud-init is told who it is, and what was given', async (t) => {
  t.same(textOf(cloudInit(named)), { 'meta-data': 'instance-id: one\nlocal-hostname: db\n', 'user-data': '#cloud-config\n{}\n' });
  t.same(textOf(cloudInit({ ...named, userData: bytes('#!/bin/sh'), networkData: bytes('version: 2') })), {
    'meta-data': 'instance-id: one\nlocal-hostname: db\n',
    'user-data': '#!/bin/sh',
    'network-config': 'version: 2',
  });
});

t.test('Ignition gets its configuration to the byte, the others an image', async (t) => {
  t.same(seedBytes(ignition(bytes('{}'))), bytes('{}'));
  t.equal(Buffer.from(seedBytes(cloudInit(named))).toString('latin1', 16 * 2048 + 40, 16 * 2048 + 46), 'cidata');
  t.match(Buffer.from(seedBytes(sysprep(bytes('<unattend/>')))).toString('latin1'), /Autounattend\.xml.*Unattend\.xml/s);
});

t.test('other content, another kind or another salt is another digest; the same is the same', async (t) => {
  const seeds = [
    cloudInit(named),
    cloudInit({ ...named, hostname: 'other' }),
    cloudInit({ ...named, userData: bytes('x') }),
    ignition(bytes('x')),
    sysprep(bytes('x')),
  ];
  const digests = seeds.flatMap((seed) => [seedDigest(seed, ''), seedDigest(seed, 'salt')]);
  t.equal(new Set(digests).size, digests.length);
  t.equal(seedDigest(cloudInit(named), 'salt'), seedDigest(cloudInit(named), 'salt'));
  t.match(digests[0], /^[0-9a-f]{16}$/);
});
