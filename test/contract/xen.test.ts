import t from 'tap';
import { connect } from '#drivers/connect.js';
import { skipWhereMissing } from '#test/peers/build.js';
import { startXen } from '#test/peers/xen.js';
import { contract } from './contract.js';
import { waitLonger } from './stage.js';
import { idleShape, xenGuests, xenPeer } from './xen-peer.js';

// A host under emulation, and what is on it under emulation again.
t.setTimeout(1_800_000);
waitLonger(120_000);

const host = await startXen().catch((reason) => skipWhereMissing(t, reason));
t.teardown(async () => host[Symbol.asyncDispose]());
await host.shell('mkdir -p /var/lib/virtwright');

/** Nothing of it is this machine's: its files are reached by streams alone. */
await contract(t, {
  name: 'libvirt with Xen, paravirtualised',
  connect: () => connect({ uri: host.uri }, AbortSignal.timeout(30_000)),
  peer: xenPeer(host),
  directory: '/var/lib/virtwright',
  shape: idleShape(host, 'PV'),
  cannot: ['reset', 'resetPaused', 'changeFirmware'],
  guests: xenGuests(host),
  looks: 1_200,
  patienceMs: 1_500_000,
});
