import t from 'tap';
import { connect } from '#drivers/connect.js';
import type { XenMode } from '#drivers/driver.js';
import { skipWhereMissing } from '#test/peers/build.js';
import { startXen } from '#test/peers/xen.js';
import { contract, kindContract } from './contract.js';
import { waitLonger } from './stage.js';
import type { Subject } from './subject.js';
import { ofMode } from './xen-mode.js';
import { pcContract } from './xen-pc.js';
import { bareShape, idleShape, xenGuests, xenPeer } from './xen-peer.js';
import { restartContract } from './xen-restart.js';

// A host under emulation, and what is on it under emulation again.
t.setTimeout(2_700_000);
waitLonger(120_000);

const host = await startXen().catch((reason) => skipWhereMissing(t, reason));
t.teardown(async () => host[Symbol.asyncDispose]());
await host.shell('mkdir -p /var/lib/virtwright');
// As libvirt asks for it before it routes IPv6 on a host that learns its own routes: else the kernel would forget them.
await host.shell('echo 2 >/proc/sys/net/ipv6/conf/eth0/accept_ra');

/** Nothing of it is this machine's: its files are reached by streams alone. */
const subject = (mode: XenMode): Subject => ({
  name: `libvirt with Xen, ${mode}`,
  connect: async () => ofMode(await connect({ uri: host.uri }, AbortSignal.timeout(30_000)), mode),
  peer: xenPeer(host),
  directory: '/var/lib/virtwright',
  ...(mode === 'HVM' ? { shape: bareShape } : { shape: idleShape(host, mode), guests: xenGuests(host) }),
  cannot: ['reset', 'resetPaused', 'changeFirmware'],
  looks: 1_200,
  patienceMs: 1_500_000,
});

await kindContract(t, subject('PVH'));
await restartContract(t, subject('PV'), xenGuests(host));
await contract(t, subject('PV'));
await pcContract(t, subject('HVM'), host);
