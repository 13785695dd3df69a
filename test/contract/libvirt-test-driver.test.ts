import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import t from 'tap';
import { connect } from '#drivers/connect.js';
import { startLibvirtd } from '#test/peers/libvirtd.js';
import { contract } from './contract.js';
import { type Virsh, virshPeer } from './libvirt-peer.js';

const run = promisify(execFile);
const daemon = await startLibvirtd();

const connectDriver = () => connect({ uri: daemon.testUri }, AbortSignal.timeout(30_000));
const virsh: Virsh = async (...args) => (await run('virsh', ['--connect', daemon.testUri, ...args])).stdout;

/** libvirt forgets all that is pretended with the last connection. */
const keptOpen = await connectDriver();
t.teardown(async () => {
  await keptOpen[Symbol.asyncDispose]();
  await daemon.stop();
});

/** Machines that are only pretended: no process to kill or to hang, no file to fill or to look at, no guest behind a console. */
await contract(t, {
  name: "libvirt's test driver",
  connect: connectDriver,
  without: ['live', 'volumes', 'consoles', 'stats'],
  peer: virshPeer(virsh, daemon.directory),
  directory: '/pretended',
  pretends: true,
});
