import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '#drivers/connect.js';
import type { Driver } from '#drivers/driver.js';
import { fakeDriver } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import type { Target } from '#drivers/target.js';
import { Simulator } from '#simulators/hyperv/simulator.js';
import { startLibvirtd } from '#test/peers/libvirtd.js';
import { credentialsOf, startVcsim } from '#test/peers/vsphere/vcsim.js';
import { type Column, facets, renderCapabilities } from './render.js';

export const page = new URL('../../../docs/capabilities.md', import.meta.url);

/** The page as the hosts say it today: the fake, a libvirt daemon of our own, a simulated ESX host, a simulated Hyper-V host of the newer kind. Needs root, libvirtd and Go. */
export async function currentPage(signal: AbortSignal): Promise<string> {
  await using daemon = await startLibvirtd({}, signal);
  await using libvirt = await connect({ uri: daemon.uri }, signal);
  await using vcsim = await startVcsim({ mode: 'esx' });
  const { username, password, sha256, port } = vcsim;
  await using esx = await connect({ uri: `esx://127.0.0.1:${port}`, credentials: credentialsOf({ username, password, sha256 }) }, signal);
  await using host = await hypervHost();
  await using hyperv = await connect(host, signal);
  await using fake = fakeDriver(new FakeHost());
  const { versions, architecture } = await libvirt.host.describe(signal);
  const said = Object.entries(versions).map(([component, version]) => `${component} ${minor(version)}`);
  return renderCapabilities(
    [
      await column('libvirt with QEMU', libvirt, signal),
      await column('vSphere', esx, signal),
      await column('Hyper-V', hyperv, signal),
      await column('fake', fake, signal),
    ],
    `${said.join(' with ')} on ${architecture}`,
  );
}

/** It goes without a trace. */
async function hypervHost(): Promise<Target & AsyncDisposable> {
  const user = { name: 'Administrator', password: 'secret' };
  const folder = await mkdtemp(join(tmpdir(), 'vw-hyperv-'));
  const simulator = await Simulator.start({ mode: 'v2', folder, users: [user] });
  return {
    uri: `hyperv://127.0.0.1:${simulator.port}/?transport=http`,
    credentials: credentialsOf({ username: user.name, password: user.password }),
    async [Symbol.asyncDispose]() {
      await simulator[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}

/** Patches of a distribution change nothing here. */
const minor = (version: string): string => version.split('.').slice(0, 2).join('.');

async function column(name: string, driver: Driver, signal: AbortSignal): Promise<Column> {
  const { capabilities } = await driver.host.describe(signal);
  return { name, capabilities, facets: facets.filter((facet) => driver[facet] !== undefined) };
}
