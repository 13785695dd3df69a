import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import t from 'tap';
import { Credentials } from '#drivers/credentials.js';
import type { PoolSource } from '#drivers/driver.js';
import { collide, describeSource, movedFrom } from '#drivers/pool-source.js';
import { serializeXml } from '#drivers/xml/serialize.js';
import { createPool, createSecret, readPool, withAuth } from './pool.js';
import { checkPoolDefinition } from './pool-definition.js';
import { readPoolKinds } from './pool-source.js';

const run = promisify(execFile);
const uuid = '7b1f4d0e-8f5c-4a57-9d4b-0c52a3e1b002';
const schema = '/usr/share/libvirt/schemas/storagepool.rng';

const unlinted = existsSync('/usr/bin/xmllint') || process.env['CI'] === 'true' ? false : 'needs libxml2-utils';

const sources: readonly PoolSource[] = [
  { kind: 'directory', path: '/srv/a b' },
  { kind: 'filesystem', device: '/dev/disk/by-uuid/0a', path: '/srv/b' },
  { kind: 'filesystem', device: '/dev/vdb1', format: 'XFS', path: '/srv/c' },
  { kind: 'nfs', server: 'filer.example.org', export: '/srv/vm', path: '/srv/d' },
  { kind: 'nfs', server: '192.0.2.1', export: '/srv/vm', version: 'V4.2', path: '/srv/e' },
  { kind: 'lvm', volumeGroup: 'vg0' },
  { kind: 'gluster', server: 'gluster1', volume: 'machines', path: '/srv/f' },
  { kind: 'zfs', dataset: 'tank/machines' },
  { kind: 'disk', device: '/dev/vdc', label: 'GPT' },
  { kind: 'iscsi', server: '192.0.2.2', target: 'iqn.2030-01.org.example:storage.a' },
  { kind: 'rbd', monitors: ['mon1', '192.0.2.3:6790'], pool: 'machines' },
  { kind: 'iscsi', server: 'san', target: 'iqn.2030-01.org.example:b', initiator: 'iqn.2030-01.org.example:host' },
];

t.test('what a pool is made of is written, and read back to the letter', async (t) => {
  for (const source of sources) {
    const xml = serializeXml(createPool({ uuid, nativeName: 'fast', source }));
    t.match(readPool(xml, false), { uuid, nativeName: 'fast', source }, xml);
    t.equal(movedFrom(source, readPool(xml, true).source), undefined);
  }
});

/** What libvirt's own schema says. */
function lint(schemaPath: string, xml: string): Promise<unknown> {
  const linting = run('xmllint', ['--noout', '--relaxng', schemaPath, '-']);
  linting.child.stdin?.end(xml);
  return linting;
}

t.test('what is written is what libvirt takes', { skip: unlinted }, async (t) => {
  for (const source of sources) {
    const xml = serializeXml(createPool({ uuid, nativeName: 'fast', source }));
    await t.resolves(lint(schema, xml), xml);
  }
  await t.rejects(lint(schema, '<pool type="netfs"><name>fast</name></pool>'), 'which is not anything at all');
});

t.test('volumes of files have formats and grow; those that are devices are Raw, and have their size', async (t) => {
  const can = (type: string) => readPool(`<pool type='${type}'><name>p</name><uuid>${uuid}</uuid><source/></pool>`, true);
  for (const type of ['dir', 'fs', 'netfs']) t.match(can(type), { formats: ['Qcow2', 'Raw'], can: ['create', 'delete', 'grow', 'stream'] });
  for (const type of ['logical', 'zfs']) t.strictSame([can(type).formats, can(type).can], [['Raw'], ['create', 'delete', 'stream']]);
  for (const type of ['iscsi', 'disk', 'scsi']) t.strictSame([can(type).formats, can(type).can], [[], ['stream']]);
  t.strictSame([can('rbd').formats, can('rbd').can], [[], []], 'images are used as they are');
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
  const share = { kind: 'smb', server: 'fs1', share: 'vms' } as const;
  t.ok(
    collide({ ...share, folder: 'disks' }, { kind: 'smb', server: 'FS1', share: 'VMs', folder: 'Disks' }),
    'Windows tells no cases apart',
  );
  t.notOk(collide({ ...share, folder: 'disks' }, share));
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
    [{ kind: 'iscsi', server: 'san', target: 'iqn.2030-13.org' }, 'iscsi.target'],
    [{ kind: 'iscsi', server: 'san', target: 'iqn.2030-01.org', initiator: '-x' }, 'iscsi.initiator'],
    [{ kind: 'rbd', monitors: ['mon1', 'a:b'], pool: 'p' }, 'rbd.monitors'],
    [{ kind: 'rbd', monitors: ['mon1'], pool: 'a/b' }, 'rbd.pool'],
    [{ kind: 'rbd', monitors: ['mon1'], pool: 'p', user: 'a:b' }, 'rbd.user'],
    [{ kind: 'disk', device: '/srv/image', label: 'DOS' }, 'disk.device'],
    [{ kind: 'zfs', dataset: 'tank/../x' }, 'zfs.dataset'],
    [{ kind: 'gluster', server: 'a', volume: '-o', path: '/p' }, 'gluster.volume'],
    [{ kind: 'lvm', volumeGroup: '--help' }, 'lvm.volumeGroup'],
    [{ kind: 'lvm', volumeGroup: '..' }, 'lvm.volumeGroup'],
    [{ kind: 'lvm', volumeGroup: 'a/b' }, 'lvm.volumeGroup'],
  ];
  for (const [source, field] of bad)
    t.throws(() => checkPoolDefinition({ uuid, nativeName: 'p', source }), { code: 'Invalid', message: new RegExp(`^${field}: `) });
  const smb = { kind: 'smb', server: 'fs1', share: 'VMs' } as const;
  t.throws(() => checkPoolDefinition({ uuid, nativeName: 'p', source: smb }), {
    code: 'Unsupported',
    message: /^spec\.smb: SMB share \\\\fs1\\vms was given; accepted: directory, /,
  });
  for (const source of sources) t.doesNotThrow(() => checkPoolDefinition({ uuid, nativeName: 'p', source }));
});

t.test('what lets in is a secret of its own, and in no other text', { skip: unlinted }, async (t) => {
  const source = { kind: 'iscsi', server: 'san', target: 'iqn.2030-01.org.example:a' } as const;
  const credentials = new Credentials([
    ['username', Buffer.from('robot')],
    ['password', Buffer.from('hush')],
  ]);
  const definition = { uuid, nativeName: 'luns', source, credentials };
  const pool = createPool(definition);
  const [xml, secret] = [serializeXml(pool), serializeXml(createSecret(definition))];
  t.match(xml, `<auth type="chap" username="robot"><secret uuid="${uuid}"/></auth></source>`);
  t.match(secret, `<secret ephemeral="no" private="yes"><uuid>${uuid}</uuid>`);
  t.notMatch(`${xml}${secret}${JSON.stringify(definition)}`, /hush/);
  t.equal(withAuth(pool, definition), pool, 'the same is not written again');
  const renamed = new Credentials([['username', Buffer.from('other')]]);
  t.match(serializeXml(withAuth(pool, { ...definition, credentials: renamed })), `username="other"><secret uuid="${uuid}"/>`);
  await t.resolves(lint(schema, xml));
  await t.resolves(lint('/usr/share/libvirt/schemas/secret.rng', secret));
});

t.test('of Ceph the user is in the source, and the key in a secret', { skip: unlinted }, async (t) => {
  const source = { kind: 'rbd', monitors: ['mon1', 'mon2'], pool: 'machines', user: 'robot' } as const;
  const definition = { uuid, nativeName: 'ceph', source, credentials: new Credentials([['password', Buffer.from('aHVzaA==')]]) };
  const pool = createPool(definition);
  const [xml, secret] = [serializeXml(pool), serializeXml(createSecret(definition))];
  t.match(
    xml,
    `<source><host name="mon1"/><host name="mon2"/><name>machines</name><auth type="ceph" username="robot"><secret uuid="${uuid}"/></auth></source>`,
  );
  t.match(secret, `<usage type="ceph"><name>virtwright-${uuid}</name></usage>`);
  t.notMatch(`${xml}${secret}`, /aHVzaA|hush/);
  t.strictSame(readPool(xml, true).source, source);
  t.equal(withAuth(pool, definition), pool);
  t.equal(movedFrom({ ...source, user: 'other' }, source)?.field, 'rbd.user');
  await t.resolves(lint(schema, xml));
  await t.resolves(lint('/usr/share/libvirt/schemas/secret.rng', secret));
});

t.test('a daemon tells which kinds of pools it can make', async (t) => {
  const said = (...types: readonly string[]) =>
    `<storagepoolCapabilities>${types.map((type) => `<pool type='${type}' supported='yes'/>`).join('')}<pool type='fs' supported='no'/></storagepoolCapabilities>`;
  t.strictSame(readPoolKinds(said('dir', 'netfs', 'logical')), ['directory', 'nfs', 'gluster', 'lvm']);
  t.strictSame(readPoolKinds(said('vstorage')), []);
});
