import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import t from 'tap';
import { connect } from '#drivers/connect.js';
import { Credentials } from '#drivers/target.js';
import { startTlsLibvirtd } from '#test/peers/remote.js';
import { startSshd } from '#test/peers/sshd.js';
import { contract } from './contract.js';
import { type Virsh, virshPeer } from './libvirt-peer.js';

t.setTimeout(300_000);

const run = promisify(execFile);
const tls = await startTlsLibvirtd();
const { daemon } = tls;
const ssh = await startSshd(daemon);
const plainSsh = await startSshd(daemon, ['AllowStreamLocalForwarding no']);
const virsh: Virsh = async (...args) => (await run('virsh', ['--connect', daemon.testUri, ...args])).stdout;

const to = (uri: string, secret: Readonly<Record<string, string>>) => () => {
  const credentials = new Credentials(Object.entries(secret).map(([key, value]) => [key, Buffer.from(value)]));
  return connect({ uri, credentials }, AbortSignal.timeout(30_000));
};

const ways = {
  TLS: to(tls.uri('test'), tls.secret),
  SSH: to(ssh.uri('test'), ssh.secret),
  'SSH and a program on the host': to(plainSsh.uri('test'), plainSsh.secret),
};

/** libvirt forgets all that is pretended with the last connection. */
const keptOpen = await ways.TLS();
t.teardown(async () => {
  await keptOpen[Symbol.asyncDispose]();
  await ssh[Symbol.asyncDispose]();
  await plainSsh[Symbol.asyncDispose]();
  await tls[Symbol.asyncDispose]();
});

/** What is pretended suffices: that the same bytes come through, whatever the daemon does behind. */
for (const [way, connectDriver] of Object.entries(ways))
  await contract(t, {
    name: `libvirt's test driver by ${way}`,
    connect: connectDriver,
    without: ['live', 'volumes', 'consoles', 'stats'],
    peer: virshPeer(virsh, daemon.directory),
    directory: '/pretended',
    pretends: true,
  });
