import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { connect, credentialKeys } from '#drivers/connect.js';
import { Simulator } from '#simulators/hyperv/simulator.js';
import { createAuthority, issue } from '#test/cluster/certificates.js';
import { condition, useWorld } from '#test/cluster/world.js';
import { HypervLab, isChange, namespace, user } from './hyperv-lab.js';
import { isReady } from './lab.js';

t.setTimeout(20 * 60_000);

const world = await useWorld(t);
await world.kubectl('create', 'namespace', namespace);
const patient = { timeoutMs: 120_000 };

await t.test('a pool that would send the password of its host says what to name, and is there once that is named', async (t) => {
  const at = t.testdir();
  const authority = await createAuthority(at);
  const issued = await issue(at, 'server', '/CN=hyperv', 'serverAuth', { names: 'IP:127.0.0.1,IP:127.0.0.2' });
  const [ca = '', cert = '', key = ''] = await Promise.all([authority.cert, issued.cert, issued.key].map((path) => readFile(path, 'utf8')));
  const tls = { certificate: { cert, key }, ways: { basic: true } };
  await using lab = await HypervLab.open({ mode: 'v2', ...tls });
  const { simulator } = lab;
  const folder = await mkdtemp(join(tmpdir(), 'vw-files-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const [host, account] = ['127.0.0.2', { name: 'looker', password: 'another' }];
  const options = { mode: 'v2', without: true, host, port: simulator.port, folder, users: [account], ...tls } as const;
  await using server = await Simulator.start(options);
  await server.share('VMs', 'D:\\Shares\\VMs', host, simulator);
  await server.host.options.store.makeFolder('D:\\Shares\\VMs\\Disks');
  await using _operator = await world.start({ connect, credentialKeys, hypervisors: ['hv1'], namespace });
  const secret = lab.secret({ username: user.name, password: user.password, 'ca.crt': ca });
  const uri = `hyperv://127.0.0.1:${simulator.port}/?auth=basic`;
  const pool = (await lab.shares(host)).filter(({ kind }) => kind === 'StoragePool');
  await world.apply(secret, lab.hypervisor({ uri }), ...pool);
  const told = await world.until(
    'StoragePoolInstance',
    'shared-disks.hv1',
    (seen) => condition(seen, 'Ready')?.reason === 'Invalid',
    patient,
  );
  t.match(condition(told, 'Ready')?.message, /^smb\.credentialsSecretName: left out, and auth=basic .* name a Secret with an account/);
  t.equal(server.host.asked.length, 0, 'and the server was not asked');
  const metadata = { ...secret.metadata, name: 'fs1', namespace };
  await world.apply({ ...secret, metadata, stringData: { username: account.name, password: account.password } });
  await world.kubectl('patch', 'storagepool', 'shared-disks', '--type=merge', '-p', '{"spec":{"smb":{"credentialsSecretName":"fs1"}}}');
  await world.until('StoragePool', 'shared-disks', isReady, patient);
  await world.remove('StoragePool', 'shared-disks');
  await world.remove('Hypervisor', 'hv1');
});

await t.test('the example of a share goes from apply to running, outlives an agent, and goes from the file server', async (t) => {
  await using lab = await HypervLab.open({ mode: 'v2' });
  const { simulator } = lab;
  const folder = await mkdtemp(join(tmpdir(), 'vw-files-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const host = '127.0.0.2';
  await using server = await Simulator.start({ mode: 'v2', without: true, host, port: simulator.port, folder, users: [user] });
  await server.share('VMs', 'D:\\Shares\\VMs', host, simulator);
  const { store } = server.host.options;
  await store.makeFolder('D:\\Shares\\VMs\\Disks');
  const files = () => store.all().map(({ path }) => path.toLowerCase());
  const start = () => world.start({ connect, credentialKeys, hypervisors: ['hv1'], namespace });
  {
    await using _operator = await start();
    await world.apply(...lab.examples().filter(({ kind }) => ['Secret', 'Hypervisor'].includes(kind)), ...(await lab.shares(host)));
    await world.until('StoragePool', 'shared-disks', isReady, patient);
    const volume = await world.until('StorageVolume', 'files-root', isReady, patient);
    t.match(volume.status, { location: /^\\\\127\.0\.0\.2\\vms\\disks\\.*\.vhdx$/, format: 'Vhdx' });
    await world.until('VirtualMachine', 'files', (seen) => isReady(seen) && seen.status?.power?.state === 'Running', patient);
    t.match(files(), [/^d:\\shares\\vms\\disks\\default\.files-root.*\.vhdx$/]);
  }
  const asked = simulator.host.asked.filter(isChange).length;
  const second = await start();
  await world.kubectl('patch', 'storagevolume', 'files-root', '--type=merge', '-p', '{"spec":{"size":"30Gi"}}');
  const waits = await world.until('StorageVolume', 'files-root', (seen) => condition(seen, 'Ready')?.reason === 'GrowsWhenOff', patient);
  t.equal(waits.status?.virtualSize, '20Gi', 'the next agent has found pool and volume');
  t.equal(simulator.host.asked.filter(isChange).length, asked, 'and changed nothing on the host');
  await world.kubectl('patch', 'virtualmachine', 'files', '--type=merge', '-p', '{"spec":{"runStrategy":"Halted"}}');
  await world.until('StorageVolume', 'files-root', (seen) => isReady(seen) && seen.status?.virtualSize === '30Gi', patient);

  await world.delete('StoragePool', 'shared-disks');
  await second.stop();
  await using _third = await start();
  await world.remove('VirtualMachine', 'files');
  await world.remove('StorageVolume', 'files-root');
  await world.untilGone('StoragePool', 'shared-disks');
  t.same(files(), []);
});
