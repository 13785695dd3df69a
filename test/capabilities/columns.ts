import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '#drivers/connect.js';
import type { Driver, ProvenOn, XenMode } from '#drivers/driver.js';
import { fakeDriver } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import { dialectOf } from '#drivers/libvirt/dialects/by-driver.js';
import type { LibvirtDriver } from '#drivers/libvirt/uri.js';
import type { Means } from '#drivers/proof.js';
import type { Target } from '#drivers/target.js';
import { Simulator } from '#simulators/hyperv/simulator.js';
import { ofMode } from '#test/contract/xen-mode.js';
import { startLibvirtd } from '#test/peers/libvirtd.js';
import { credentialsOf, startVcsim } from '#test/peers/vsphere/vcsim.js';
import { type Column, facets } from './column.js';
import { evidenceOf } from './evidence.js';
import { lacksOfBhyve, lacksOfCloudHypervisor, lacksOfContainers, lacksOfVirtuozzo } from './lacking.js';
import { renderCapabilities } from './render.js';
import { type Recording, replayed } from './replay.js';
import { sources } from './sources.js';

export const page = new URL('../../../docs/capabilities.md', import.meta.url);

/** The page as hosts say it today, and recordings of such as are not at hand. Needs root, libvirtd and Go. */
export async function currentPage(signal: AbortSignal): Promise<string> {
  return renderCapabilities([
    ...(await qemu(signal)),
    await containers(signal),
    await recorded('Xen PV', { ...xen, mode: 'PV' }, signal),
    await recorded('Xen PVH', { ...xen, mode: 'PVH' }, signal),
    await recorded('Xen HVM', { ...xen, mode: 'HVM' }, signal),
    ...(await vsphere(signal)),
    ...(await hyperv(signal)),
    ...(await inMemory(signal)),
    await recorded('bhyve', { ...golden('bhyve', 'bhyve'), lacks: lacksOfBhyve }, signal),
    await recorded('Cloud Hypervisor', { ...golden('ch', 'cloud-hypervisor'), lacks: lacksOfCloudHypervisor }, signal),
    await recorded('Virtuozzo', { ...golden('vz', 'virtuozzo'), lacks: lacksOfVirtuozzo }, signal),
    await recorded('VirtualBox', golden('vbox', 'virtualbox'), signal),
  ]);
}

const means: Readonly<Record<ProvenOn, Means>> = {
  Real: 'real',
  ThirdPartySimulator: 'third-party simulator',
  OwnSimulator: 'own simulator',
  GoldenFiles: 'golden files',
};

/** Patches of a distribution change nothing here. */
const minor = (version: string): string => version.split('.').slice(0, 2).join('.');

async function columnOf(name: string, driver: Driver, signal: AbortSignal): Promise<Column> {
  const { capabilities, versions, provenOn } = await driver.host.describe(signal);
  const said = Object.entries(versions).map(([component, version]) => `${component} ${minor(version)}`);
  return {
    ...{ name, capabilities, said: said.join(', '), provenOn: means[provenOn] },
    facets: facets.filter((facet) => driver[facet] !== undefined),
    evidence: evidenceOf(sources[name] ?? {}),
  };
}

/** A machine under KVM is told as one under TCG, and nowhere was one run. */
async function qemu(signal: AbortSignal): Promise<readonly Column[]> {
  await using daemon = await startLibvirtd({}, signal);
  await using driver = await connect({ uri: daemon.uri }, signal);
  const tcg = { ...(await columnOf('QEMU on TCG', driver, signal)), libvirt: 'qemu', isOneOfMany: true } as const;
  return [tcg, { ...tcg, name: 'QEMU on KVM', provenOn: 'untested', evidence: evidenceOf(sources['QEMU on KVM'] ?? {}) }];
}

async function containers(signal: AbortSignal): Promise<Column> {
  await using daemon = await startLibvirtd({}, signal);
  await using driver = await connect({ uri: daemon.lxcUri }, signal);
  const column = await columnOf('LXC', driver, signal);
  // Its own version is that of the kernel.
  const said = column.said.replace(/LXC [^,]*, /, '');
  return {
    ...column,
    said,
    libvirt: 'lxc',
    isOneOfMany: ['cpu.count', 'cpu.maxCount', 'memory.size', 'memory.maxSize'],
    lacks: lacksOfContainers,
  };
}

interface Recorded extends Recording {
  readonly driver: LibvirtDriver;
  readonly said?: string;
  readonly lacks?: readonly string[];
  /** Of the kinds of machines of one host, that which the column tells of. */
  readonly mode?: XenMode;
}

const golden = (driver: 'bhyve' | 'ch' | 'vz' | 'vbox', name: string): Recorded => ({
  ...{ driver, column: driver, type: name, capabilities: `dialects/capabilities-${name}` },
  domainCapabilities: `dialects/domain-capabilities-${name}`,
});
const xen: Recorded = {
  ...{ driver: 'xen', column: 'libxl', type: 'Xen', capabilities: 'dialects/capabilities-xen' },
  ...{ domainCapabilities: 'dialects/domain-capabilities-xen' },
  ...{ said: 'Xen 4.17, libvirt 9.0, recorded', version: 9_000_000 },
};

async function recorded(
  name: string,
  { driver, said = 'written as libvirt’s sources have it', lacks = [], mode, ...recording }: Recorded,
  signal: AbortSignal,
): Promise<Column> {
  await using replay = await replayed(recording, dialectOf(driver), signal);
  // Of a real one, the contract that it keeps says which facets it has.
  const untested = dialectOf(driver).provenOn === 'Real' ? [] : replay.untested;
  const told = await columnOf(name, mode === undefined ? replay : ofMode(replay, mode), signal);
  return { ...told, said, libvirt: recording.column, lacks, untested };
}

async function vsphere(signal: AbortSignal): Promise<readonly Column[]> {
  const kinds = [
    { name: 'ESX', mode: 'esx', uri: (port: number) => `esx://127.0.0.1:${port}` },
    { name: 'vCenter', mode: 'vcenter', uri: (port: number) => `vpx://127.0.0.1:${port}/DC0/DC0_C0` },
  ] as const;
  const columns: Column[] = [];
  for (const { name, mode, uri } of kinds) {
    await using vcsim = await startVcsim({ mode });
    const { username, password, sha256 } = vcsim;
    await using driver = await connect({ uri: uri(vcsim.port), credentials: credentialsOf({ username, password, sha256 }) }, signal);
    columns.push({ ...(await columnOf(name, driver, signal)), libvirt: 'esx' });
  }
  return columns;
}

async function hyperv(signal: AbortSignal): Promise<readonly Column[]> {
  await using host = await hypervHost();
  await using driver = await connect(host, signal);
  return [{ ...(await columnOf('Hyper-V', driver, signal)), libvirt: 'hyperv' }];
}

async function inMemory(signal: AbortSignal): Promise<readonly Column[]> {
  await using driver = fakeDriver(new FakeHost());
  return [await columnOf('fake', driver, signal)];
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
