import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { PoolDefinition } from '#drivers/driver.js';
import { Credentials } from '#drivers/target.js';
import { Simulator } from '#simulators/hyperv/simulator.js';
import { createAuthority, issue } from '#test/cluster/certificates.js';
import { definition, hypervHost, hypervWithShare, pool as local, mark, sharePool, soon } from '#test/peers/hyperv-host.js';
import { administrator } from '#test/peers/samba-share.js';
import { connectHypervDriver } from './driver.js';

t.setTimeout(300_000);

const folder = '\\\\127.0.0.2\\vms\\disks';
const bytes = 64 << 20;

async function started(t: Parameters<typeof hypervWithShare>[0], given: PoolDefinition = sharePool) {
  const lab = await hypervWithShare(t);
  const id = await lab.facet('pools').define(given, soon());
  await lab.facet('pools').start(id, soon());
  const told = async () => (await lab.facet('pools').list(soon())).find(({ uuid }) => uuid === given.uuid);
  const served = () => lab.files.all().map(({ path }) => path.slice(path.lastIndexOf('\\') + 1));
  return { ...lab, id, told, served };
}

t.test('disks of each type are made on a share, grow, and are deleted there', async (t) => {
  const { id, facet, told, served, disk } = await started(t);
  const volumes = facet('volumes');
  t.match(await told(), { id: folder, active: true, path: folder, source: sharePool.source, can: ['create', 'delete', 'grow'] });
  const base = await volumes.create({ pool: id, nativeName: 'base', format: 'Vhdx', sizeBytes: bytes }, soon());
  t.match(base, { location: `${folder}\\base.vhdx`, sizeBytes: bytes });
  const full = await volumes.create({ pool: id, nativeName: 'full', format: 'Vhd', sizeBytes: bytes, allocation: 'Full' }, soon());
  t.match(full, { allocation: 'Full', format: 'Vhd' });
  const source = { id: base.id, format: 'Vhdx' } as const;
  const linked = await volumes.link({ pool: id, nativeName: 'linked', format: 'Vhdx', sizeBytes: bytes }, source, soon());
  t.equal(linked.base, base.location);
  const old = await disk('old');
  const copy = { pool: id, nativeName: 'copy', format: 'Vhdx', sizeBytes: bytes } as const;
  t.match(await volumes.copy(copy, { id: old.id, format: 'Vhd' }, soon()), { format: 'Vhdx', sizeBytes: bytes });
  await volumes.grow(full.id, 2 * bytes, soon());
  t.same(served().sort(), ['base.vhdx', 'copy.vhdx', 'full.vhd', 'linked.vhdx']);
  await t.rejects(volumes.delete(base.id, soon()), {
    code: 'Conflict',
    message: /has a linked clone \(\\\\127\.0\.0\.2\\vms\\disks\\linked\.vhdx\)/,
  });
  for (const each of [linked, base, full]) await volumes.delete(each.id, soon());
  t.match(
    (await volumes.list(id, { refresh: true }, soon())).map(({ location }) => location),
    [`${folder}\\copy.vhdx`],
  );
  t.same(served(), ['copy.vhdx']);
});

t.test('what the host may no more read on a share is there, and who has to let it in is said', async (t) => {
  const { id, facet, connect, simulator } = await started(t);
  const { location } = await facet('volumes').create({ pool: id, nativeName: 'root', format: 'Vhdx', sizeBytes: bytes }, soon());
  simulator.host.options.store.isHandedOn = false;
  const { pools, volumes } = await connect();
  await pools?.define(sharePool, soon());
  await pools?.start(id, soon());
  const found = await volumes?.list(id, { refresh: true }, soon());
  t.match(found, [
    { location, unread: /failed \(32768\); if it may not read the file: the share and its folder have to let in.*auth=kerberos/ },
  ]);
});

t.test('a machine has a disk on a share, which is not deleted as long as the machine is on', async (t) => {
  const { id, driver, facet, read, served } = await started(t);
  const volumes = facet('volumes');
  const root = await volumes.create({ pool: id, nativeName: 'root', format: 'Vhdx', sizeBytes: bytes }, soon());
  const disks = [{ name: 'root', location: root.location, format: 'Vhdx' as const }];
  const machine = await driver.machines.define({ ...definition, disks }, mark, soon());
  t.match((await read(machine))?.configured?.disks, [{ location: root.location }]);
  await driver.power.start(machine, { paused: false }, soon());
  await t.rejects(volumes.delete(root.id, soon()), { code: 'Busy', message: /file server "127\.0\.0\.2": .*is in use/ });
  t.same(served(), ['root.vhdx']);
  await driver.power.cut(machine, mark.owner, soon());
  await volumes.delete(root.id, soon());
  t.same(served(), []);
});

t.test('a file server that is away makes its pool silent, and nothing else', async (t) => {
  const { id, facet, told, server, disk } = await started(t);
  const before = await told();
  await server[Symbol.asyncDispose]();
  t.match(await told(), { ...before, silent: true });
  const wanted = { pool: id, nativeName: 'a', format: 'Vhdx', sizeBytes: bytes } as const;
  await t.rejects(facet('volumes').create(wanted, soon()), { code: 'Unavailable', message: /^file server "127\.0\.0\.2": / });
  await t.resolves(disk('elsewhere'));
  t.match(await facet('volumes').list(local, { refresh: false }, soon()), [{ id: { nativeName: 'elsewhere' } }]);
});

t.test('a file server that has too much to do makes its pool silent for that while, and no more', async (t) => {
  const { id, facet, told, server } = await started(t);
  t.match(await told(), { active: true, silent: undefined });
  server.host.troubles.add('*', { kind: 'quota' }, 1);
  t.match(await told(), { active: true, silent: true });
  t.same(await facet('volumes').list(id, { refresh: false }, soon()), []);
  t.match(await told(), { active: true, silent: undefined });
});

t.test('whom Windows does not hand on to the file server is told what to set', async (t) => {
  const { id, facet, simulator } = await started(t);
  simulator.host.options.store.isHandedOn = false;
  const wanted = { pool: id, nativeName: 'a', format: 'Vhdx', sizeBytes: bytes } as const;
  const message = /General access denied.*computer account.*auth=kerberos in its URI.*cifs\/127\.0\.0\.2/;
  await t.rejects(facet('volumes').create(wanted, soon()), { code: 'Denied', message });
  t.same(await facet('volumes').list(id, { refresh: true }, soon()), []);
});

t.test('a disk that another host has grown is seen as it is by who was to grow it', async (t) => {
  const { id, facet, files } = await started(t);
  const volumes = facet('volumes');
  const { id: volume } = await volumes.create({ pool: id, nativeName: 'a', format: 'Vhdx', sizeBytes: bytes }, soon());
  await files.resize('D:\\Shares\\VMs\\Disks\\a.vhdx', 2 * bytes);
  t.match(await volumes.list(id, { refresh: false }, soon()), [{ sizeBytes: bytes }], 'its file is as long as before');
  await volumes.grow(volume, 2 * bytes, soon());
  t.match(await volumes.list(id, { refresh: false }, soon()), [{ sizeBytes: 2 * bytes }]);
});

t.test('what the share has not is told by the server, and the pool is not started', async (t) => {
  const { facet } = await hypervWithShare(t);
  const pools = facet('pools');
  const given = (source: object): PoolDefinition => ({
    ...sharePool,
    source: { ...sharePool.source, ...source } as PoolDefinition['source'],
  });
  const refusals = [
    [{ share: 'other' }, 'NotFound', /file server "127\.0\.0\.2": it shares nothing by the name "other"/],
    [{ folder: 'none' }, 'NotFound', /it has no folder "d:\\shares\\vms\\none"/],
  ] as const;
  for (const [source, code, message] of refusals) {
    const id = await pools.define(given(source), soon());
    await t.rejects(pools.start(id, soon()), { code, message });
    t.match(
      (await pools.list(soon())).find((each) => each.id === id),
      { active: false },
    );
    await pools.undefine(id, soon());
  }
  await t.rejects(pools.define(given({ folder: '..\\windows' }), soon()), { code: 'Invalid', message: /^smb\.folder: / });
  await t.rejects(pools.define(given({ server: 'a/b' }), soon()), { code: 'Invalid', message: /^smb\.server: / });
  const nfs = { ...sharePool, source: { kind: 'nfs', server: 'a', export: '/b', path: '/c' } } as const;
  await t.rejects(pools.define(nfs, soon()), { code: 'Unsupported', message: /accepted: smb, or existing/ });
});

t.test('a pool asks the file server as its own account, where it has one', async (t) => {
  const reader = { name: 'reader', password: 'other' };
  const { facet, server } = await hypervWithShare(t, { users: [reader] });
  const pools = facet('pools');
  const id = await pools.define(sharePool, soon());
  await t.rejects(pools.start(id, soon()), { code: 'Denied', message: /file server "127\.0\.0\.2": .*the host refuses the login/ });
  const credentials = new Credentials([
    ['username', Buffer.from(reader.name)],
    ['password', Buffer.from(reader.password)],
  ]);
  await pools.define({ ...sharePool, credentials }, soon());
  await pools.start(id, soon());
  t.match(await pools.list(soon()), [{}, { active: true }]);
  reader.password = 'changed';
  server.cut();
  const [, told] = await pools.list(soon());
  t.match([told?.active, told?.silent], [false, undefined], 'it is to be started with what lets us in by now');
});

t.test('with auth=basic the password of the host is shown to no file server', async (t) => {
  const at = await mkdtemp(join(tmpdir(), 'vw-basic-'));
  t.teardown(() => rm(at, { recursive: true }));
  const authority = await createAuthority(at);
  const issued = await issue(at, 'server', '/CN=hyperv', 'serverAuth');
  const [ca = '', cert = '', key = ''] = await Promise.all([authority.cert, issued.cert, issued.key].map((path) => readFile(path, 'utf8')));
  await mkdir(join(at, 'D/Hyper-V'), { recursive: true });
  const users = [{ name: 'Administrator', password: 'secret' }];
  const options = { mode: 'v2', folder: at, users, certificate: { cert, key }, ways: { basic: true } } as const;
  const simulator = await Simulator.start(options);
  t.teardown(() => simulator[Symbol.asyncDispose]());
  const keysOf = (more: object) => Object.entries({ username: 'Administrator', password: 'secret', ...more });
  const secret = (more: object) => new Credentials(keysOf(more).map(([name, value]) => [name, Buffer.from(value)] as const));
  const uri = `hyperv://127.0.0.1:${simulator.port}/?auth=basic`;
  const driver = await connectHypervDriver(uri, secret({ 'ca.crt': ca }), { signal: soon() });
  t.teardown(() => driver[Symbol.asyncDispose]());
  const message = /smb\.credentialsSecretName: left out.*send the host's password to 127\.0\.0\.2; name a Secret/;
  await t.rejects(async () => driver.pools?.define(sharePool, soon()), { code: 'Invalid', message });
  t.equal((await driver.pools?.list(soon()))?.length, 1, 'the folder alone');
  await driver.pools?.define({ ...sharePool, credentials: secret({ password: 'its own' }) }, soon());
  t.match(await driver.pools?.list(soon()), [{}, { active: false }]);
});

t.test('a share of a cluster volume is refused, as its room is not that of its drive', async (t) => {
  const { facet, server, simulator } = await hypervWithShare(t);
  await server.share('sofs', 'C:\\ClusterStorage\\Volume1', '127.0.0.2', simulator);
  const source = { kind: 'smb', server: '127.0.0.2', share: 'sofs' } as const;
  const id = await facet('pools').define({ ...sharePool, source }, soon());
  await t.rejects(facet('pools').start(id, soon()), { code: 'Unsupported', message: /no cluster's volume/ });
});

t.test('a host of version 1 has no disks on shares', async (t) => {
  const { driver, facet } = await hypervHost(t, 'v1');
  await t.rejects(facet('pools').define(sharePool, soon()), { code: 'Unsupported', message: /Server 2012/ });
  const { capabilities } = await driver.host.describe(soon());
  t.notOk(capabilities.some(({ field }) => field === 'pools.smb'));
});

t.test('a file server is not shown the account of the host', async (t) => {
  const { facet } = await hypervWithShare(t);
  const id = await facet('pools').define(sharePool, soon());
  await facet('pools').start(id, soon());
  t.match(
    (await facet('pools').list(soon())).find((each) => each.id === id),
    { can: ['create', 'delete', 'grow'], noStream: /credentialsSecretName: left out/ },
  );
});

t.test('a pool in the folder of another is reached by its own account, whichever was first', async (t) => {
  const { facet } = await hypervWithShare(t, {}, 1);
  const { source } = sharePool;
  const around = { uuid: '5c3a3b3e-1f0e-4a6e-9a7b-333333333333', nativeName: 'virtwright.around' };
  const own = new Credentials((['username', 'password'] as const).map((key) => [key, Buffer.from(administrator[key])] as const));
  await facet('pools').define({ ...around, source: { kind: 'smb', server: '127.0.0.2', share: 'VMs' } }, soon());
  const id = await facet('pools').define({ ...sharePool, source, credentials: own }, soon());
  const found = (await facet('pools').list(soon())).find((each) => each.id === id);
  t.match(found, { can: ['create', 'delete', 'grow', 'stream'], noStream: undefined });
});
