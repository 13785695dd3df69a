import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { connect } from '#drivers/connect.js';
import { buildPeer, skipWhereMissing } from '#test/peers/build.js';
import { startLibvirtd } from '#test/peers/libvirtd.js';
import { partialContract } from './contract.js';
import { qemuPeer } from './libvirt-peer.js';
import { mustHave } from './pools.js';
import { refused } from './stage.js';

t.setTimeout(900_000);

const split = await buildPeer('split').catch((reason) => skipWhereMissing(t, reason));
const daemon = await startLibvirtd({ split });
t.teardown(() => daemon.stop());
const directory = join(daemon.directory, 'pools');
await mkdir(directory);

/** Only virtqemud's socket is spoken to: pools, networks and secrets are its siblings', which it asks itself. */
await partialContract(
  t,
  {
    name: 'libvirt with QEMU by split daemons',
    connect: () => connect({ uri: daemon.uri }, AbortSignal.timeout(30_000)),
    peer: { ...qemuPeer(daemon), putFile: (path, content) => writeFile(path, content) },
    directory,
    shape: { memoryBytes: 32 << 20 },
    looks: 600,
    guests: { deaf: { prepare: async (definition) => definition } },
  },
  'marks',
  'pools',
  'volumes',
  'networks',
  'events',
  'stats',
);

t.test('a sibling that starts again ends the connection, and the next one reaches it', async (t) => {
  const signal = AbortSignal.timeout(60_000);
  await using driver = await connect({ uri: daemon.uri }, signal);
  const networks = await driver.networks?.list(signal);
  // While it dies it still holds the lock on its pid file.
  const dead = 'until ! state=$(cut -d" " -f3 /proc/$pid/stat 2>/dev/null) || [ "$state" = Z ]; do sleep 0.05; done';
  await daemon.inside('sh', '-c', `pid=$(cat /run/libvirt/virtnetworkd.pid); kill -9 "$pid"; ${dead}`);
  await daemon.inside(join(split, 'virtnetworkd'), '--daemon', '--pid-file', '/run/libvirt/virtnetworkd.pid');
  const reason = await driver.networks?.list(signal).catch((error: unknown) => error);
  t.match(reason, { name: 'DriverError', code: 'Unavailable' });
  await driver.closed;
  // All of it: its events would be heard no more.
  await refused(t, mustHave(driver.pools).list(signal), 'Unavailable');
  await using another = await connect({ uri: daemon.uri }, signal);
  t.same(await another.networks?.list(signal), networks);
});

t.test('containers are virtlxcd’s, on a socket of its own', async (t) => {
  const signal = AbortSignal.timeout(30_000);
  await using driver = await connect({ uri: daemon.lxcUri }, signal);
  await using beside = await connect({ uri: daemon.uri }, signal);
  const source = { kind: 'directory', path: join(directory, 'shared') } as const;
  await mustHave(beside.pools).define({ uuid: '00000000-0000-4000-8000-00000000c0de', nativeName: 'shared', source }, signal);
  t.match(await driver.host.describe(signal), { hypervisor: 'LXC' });
  t.same(await driver.machines.list(signal), []);
  t.match(await driver.pools?.list(signal), [{ nativeName: 'shared', source }], 'with the same pools behind it');
});
