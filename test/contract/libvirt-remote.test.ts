import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import t from 'tap';
import { connect } from '#drivers/connect.js';
import { Credentials } from '#drivers/target.js';
import { startTlsLibvirtd } from '#test/peers/remote.js';
import { contract } from './contract.js';
import { type Virsh, virshPeer } from './libvirt-peer.js';

t.setTimeout(120_000);

const run = promisify(execFile);
const tls = await startTlsLibvirtd();
const { daemon } = tls;
const virsh: Virsh = async (...args) => (await run('virsh', ['--connect', daemon.testUri, ...args])).stdout;
const credentials = new Credentials(Object.entries(tls.secret).map(([key, value]) => [key, Buffer.from(value)]));
const connectDriver = () => connect({ uri: tls.uri('test'), credentials }, AbortSignal.timeout(30_000));

/** libvirt forgets all that is pretended with the last connection. */
const keptOpen = await connectDriver();
t.teardown(async () => {
  await keptOpen[Symbol.asyncDispose]();
  await tls[Symbol.asyncDispose]();
});

/** What is pretended suffices: that the same bytes come through, whatever the daemon does behind. */
await contract(t, {
  name: "libvirt's test driver by TLS",
  connect: connectDriver,
  without: ['live', 'volumes', 'consoles', 'stats'],
  peer: virshPeer(virsh, daemon.directory),
  directory: '/pretended',
  pretends: true,
});
