import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import t from 'tap';
import type { PoolSource } from '#drivers/driver.js';
import { collide, describeSource, movedFrom } from '#drivers/pool-source.js';
import { serializeXml } from '#drivers/xml/serialize.js';
import { createPool, readPool } from './pool.js';
import { checkPoolDefinition } from './pool-definition.js';
import { readPoolKinds } from './pool-source.js';

const run = promisify(execFile);
const uuid = '7b1f4d0e-8f5c-4a57-9d4b-0c52a3e1b002';
const schema = '/usr/share/libvirt/schemas/storagepool.rng';

const sources: readonly PoolSource[] = [
  { kind: 'directory', path: '/srv/a b' },
  { kind: 'filesystem', device: '/dev/disk/by-uuid/0a', path: '/srv/b' },
  { kind: 'filesystem', device: '/dev/vdb1', format: 'XFS', path: '/srv/c' },
  { kind: 'nfs', server: 'filer.example.org', export: '/srv/vm', path: '/srv/d' },
  { kind: 'nfs', server: '192.0.2.1', export: '/srv/vm', version: 'V4.2', path: '/srv/e' },
  { kind: 'lvm', volumeGroup: 'vg0' },
];

t.test('what a pool is made of is written, and read back to the letter', async (t) => {
  for (const source of sources) {
    const xml = serializeXml(createPool({ uuid, nativeName: 'fast', source }));
    t.match(readPool(xml, false), { uuid, nativeName: 'fast', source }, xml);
    t.equal(movedFrom(source, readPool(xml, true).source), undefined);
  }
});

t.test('what is written is what libvirt takes', { skip: !existsSync('/usr/bin/xmllint') && 'needs libxml2-utils' }, async (t) => {
  for (const source of sources) {
    const xml = serializeXml(createPool({ uuid, nativeName: 'fast', source }));
    const lint = run('xmllint', ['--noout', '--relaxng', schema, '-']);
    lint.child.stdin?.end(xml);
    await t.resolves(lint, xml);
  }
  const lint = run('xmllint', ['--noout', '--relaxng', schema, '-']);
  lint.child.stdin?.end('<pool type="netfs"><name>fast</name></pool>');
  await t.rejects(lint, 'which is not anything at all');
});

t.test('volumes of files have formats and grow; those that are devices are Raw, and have their size', async (t) => {
  const can = (type: string) => readPool(`<pool type='${type}'><name>p</name><uuid>${uuid}</uuid><source/></pool>`, true);
  for (const type of ['dir', 'fs', 'netfs']) t.match(can(type), { formats: ['Qcow2', 'Raw'], can: ['create', 'delete', 'grow', 'stream'] });
  for (const type of ['logical', 'zfs']) t.strictSame([can(type).formats, can(type).can], [['Raw'], ['create', 'delete', 'stream']]);
  for (const type of ['iscsi', 'disk', 'scsi']) t.strictSame([can(type).formats, can(type).can], [[], ['stream']]);
  t.strictSame([can('sheepdog').formats, can('sheepdog').can, can('sheepdog').source], [[], [], undefined]);
});

t.test('a pool that is elsewhere is found out by the field', async (t) => {
  const moved = (wanted: PoolSource, is: PoolSource | undefined) => movedFrom(wanted, is)?.field;
  const nfs = { kind: 'nfs', server: 'a', export: '/x', path: '/p' } as const;
  t.equal(moved(nfs, { ...nfs, export: '/x/' }), undefined, 'slashes are no difference');
  t.equal(moved(nfs, { ...nfs, version: 'V3' }), undefined, 'nor is what was left to the host');
  t.equal(moved(nfs, { ...nfs, server: 'b' }), 'nfs.server');
  t.equal(moved({ ...nfs, version: 'V4' }, nfs), 'nfs.version');
  t.equal(moved(nfs, { kind: 'directory', path: '/p' }), 'nfs');
  t.equal(moved(nfs, undefined), 'nfs');
});

t.test('two pools of one store, or in one place, collide', async (t) => {
  const [one, other] = [
    { kind: 'nfs', server: 'a', export: '/x', path: '/p' },
    { kind: 'nfs', server: 'a', export: '/x/', path: '/q' },
  ] as const;
  t.ok(collide(one, other) && describeSource(one) === 'NFS export a:/x');
  t.notOk(collide(one, { ...other, server: 'b' }));
  t.ok(collide(one, { kind: 'directory', path: '/p/' }));
  t.ok(collide({ kind: 'lvm', volumeGroup: 'v' }, { kind: 'lvm', volumeGroup: 'v' }));
  t.notOk(collide({ kind: 'lvm', volumeGroup: 'v' }, { kind: 'lvm', volumeGroup: 'w' }));
});

t.test('what a tool of the host would take for something else is refused by the field', async (t) => {
  const nfs = { kind: 'nfs', server: 'a', export: '/x', path: '/p' } as const;
  const bad: readonly (readonly [PoolSource, string])[] = [
    [{ kind: 'directory', path: 'srv' }, 'directory.path'],
    [{ ...nfs, server: '-oremount' }, 'nfs.server'],
    [{ ...nfs, server: 'a:b' }, 'nfs.server'],
    [{ ...nfs, export: '/a/../b' }, 'nfs.export'],
    [{ ...nfs, path: '' }, 'nfs.path'],
    [{ kind: 'filesystem', device: '/etc/passwd', path: '/p' }, 'filesystem.device'],
    [{ kind: 'filesystem', device: '/dev/../etc/passwd', path: '/p' }, 'filesystem.device'],
    [{ kind: 'lvm', volumeGroup: '--help' }, 'lvm.volumeGroup'],
    [{ kind: 'lvm', volumeGroup: '..' }, 'lvm.volumeGroup'],
    [{ kind: 'lvm', volumeGroup: 'a/b' }, 'lvm.volumeGroup'],
  ];
  for (const [source, field] of bad)
    t.throws(() => checkPoolDefinition({ uuid, nativeName: 'p', source }), { code: 'Invalid', message: new RegExp(`^${field}: `) });
  for (const source of sources) t.doesNotThrow(() => checkPoolDefinition({ uuid, nativeName: 'p', source }));
});

t.test('a daemon tells which kinds of pools it can make', async (t) => {
  const said = (...types: readonly string[]) =>
    `<storagepoolCapabilities>${types.map((type) => `<pool type='${type}' supported='yes'/>`).join('')}<pool type='fs' supported='no'/></storagepoolCapabilities>`;
  t.strictSame(readPoolKinds(said('dir', 'netfs', 'logical')), ['directory', 'nfs', 'lvm']);
  t.strictSame(readPoolKinds(said('vstorage')), []);
});
