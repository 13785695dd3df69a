import { randomUUID } from 'node:crypto';
import t from 'tap';
import { connectVsphereDriver } from '#drivers/vsphere/driver.js';
import { findScope } from '#drivers/vsphere/scope.js';
import { retrieveOne } from '#drivers/vsphere/soap/properties.js';
import type { Session } from '#drivers/vsphere/soap/session.js';
import { usualPace } from '#drivers/vsphere/soap/tasks.js';
import { parseVsphereUri } from '#drivers/vsphere/uri.js';
import { credentialsOf, useVcsim, type VcsimOptions } from '#test/peers/vsphere/vcsim.js';
import { startProxy } from '#test/servers/vsphere-proxy.js';
import { contract } from './contract.js';
import type { Subject } from './subject.js';
import { VspherePeer } from './vsphere-peer.js';

t.setTimeout(900_000);

const soon = () => AbortSignal.timeout(30_000);

async function subjectOf(name: string, mode: VcsimOptions['mode'], uriOf: (port: number) => string): Promise<Subject> {
  const vcsim = await useVcsim(t, { mode, machines: 1 });
  const proxy = await startProxy(vcsim);
  t.teardown(() => proxy[Symbol.asyncDispose]());
  const uri = uriOf(proxy.port);
  const secret = { username: vcsim.username, password: vcsim.password, sha256: vcsim.sha256 };
  const connect = () => connectVsphereDriver(uri, credentialsOf(secret), { signal: soon(), pace: { ...usualPace, tries: [10, 20] } });

  const place = async (session: Session) => {
    const scope = await findScope(session, parseVsphereUri(uri), soon());
    const [anyHost] = (await retrieveOne(session, scope.compute, ['host'], soon()))?.refs('host') ?? [];
    const host = scope.host ?? anyHost;
    if (host === undefined) throw new Error('no host');
    return { folder: scope.vmFolder, pool: scope.resourcePool, host };
  };
  const stranger = await VspherePeer.open(vcsim, proxy, place);
  t.teardown(() => stranger.close());

  /** Machines are given real disks: vSphere opens them. */
  const disk = async () => {
    await using driver = await connect();
    const [pool] = (await driver.pools?.list(soon())) ?? [];
    const volume =
      pool &&
      (await driver.volumes?.create({ pool: pool.id, nativeName: `disk.${randomUUID()}`, format: 'Vmdk', sizeBytes: 1 << 20 }, soon()));
    if (volume === undefined) throw new Error('no volume');
    return { location: volume.location, format: 'Vmdk' as const };
  };

  return {
    name,
    connect: async () => {
      proxy.closed(false);
      return connect();
    },
    without: ['live', 'consoles', 'guests'],
    cannot: ['startPaused', 'resetPaused', 'tellWhyOff', 'makePools', 'makeNetworks', 'stream', 'imagineDisks', 'askMachines'],
    peer: stranger.peer,
    disk,
    pool: 'LocalDS_0',
    locate: (path, { nativeName, format }) => `${path} virtwright/${nativeName}${format === 'Vmdk' ? '.vmdk' : ''}`,
    guests: { hearing: { prepare: async (definition) => definition }, deaf: stranger.deaf, unstartable: stranger.unstartable },
  };
}

// Both are there before the first check begins.
const subjects = [
  await subjectOf('vSphere on an ESX host', 'esx', (port) => `esx://127.0.0.1:${port}`),
  await subjectOf('vSphere on a cluster of a vCenter', 'vcenter', (port) => `vpx://127.0.0.1:${port}/DC0/DC0_C0`),
  await subjectOf('vSphere on one host of a vCenter', 'vcenter', (port) => `vpx://127.0.0.1:${port}/DC0/DC0_C0/DC0_C0_H1`),
];
for (const subject of subjects) await contract(t, subject);
