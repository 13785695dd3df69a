import { Registry } from 'prom-client';
import { spokenFor } from '#controllers/cluster/health.js';
import { judgeWord } from '#controllers/cluster/word.js';
import { reportHost } from '#controllers/hypervisor/report.js';
import { createStore } from '#controllers/kubernetes/store.js';
import { createClusterMetrics } from '#controllers/observability/cluster-metrics.js';
import { fenced, outOfServiceAnnotation } from '#controllers/out-of-service.js';
import type { DesiredVolume, ObservedVolume } from '#controllers/storage-volume/action.js';
import { planVolume } from '#controllers/storage-volume/plan.js';
import { reportVolume } from '#controllers/storage-volume/report.js';
import { fillRecord } from '#controllers/storage-volume/resolve.js';
import type { Hypervisor, HypervisorStatus, StorageVolume, StorageVolumeStatus, VirtualMachine } from '#crds/types.js';
import type { Pool, PoolId, Volume } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { hypervisorDefaults } from '#test/hypervisor-spec.js';

const meta = (name: string) => ({
  name,
  uid: name,
  resourceVersion: '1',
  generation: 1,
  creationTimestamp: '1970-01-01T00:00:00Z',
});

function host(status: HypervisorStatus = {}, word?: string): Hypervisor {
  const annotations = word === undefined ? {} : { [outOfServiceAnnotation]: word };
  return {
    apiVersion: 'virtwright.io/v1alpha1',
    kind: 'Hypervisor',
    metadata: { ...meta('kvm1'), annotations },
    spec: { ...hypervisorDefaults, uri: 'fake:' },
    status,
  };
}

const told = (of: Hypervisor, more: Partial<Parameters<typeof reportHost>[1]>) => reportHost(of, { strays: [], ...more }, 0);
const spoken = (of: Hypervisor) => spokenFor(of, judgeWord(of, true));

const machine = { hypervisor: 'Fake', versions: {}, architecture: 'x86_64', cpuCount: 8, memoryBytes: 2 ** 36 };
const description = { ...machine, provenOn: 'Real', capabilities: [] } as const;
const well = told(host(), { description });
const failure = (code: 'Unavailable' | 'Denied') => new DriverError(code, 'it says no');
const fencedHost = spoken(host(well, fenced));

/** How a host may stand, as its agent or the controller says. */
export const hosts = {
  well,
  silent: spoken(host(well)),
  lost: told(host(well), { failure: failure('Unavailable') }),
  connecting: told(host(), {}),
  denied: told(host(well), { failure: failure('Denied') }),
  fenced: fencedHost,
  wronglyVouched: spoken(host(well, 'Off')),
  stoodBack: told(host(fencedHost, fenced), { failure: failure('Unavailable'), standsBack: true }),
} as const;

const pool: Pool = {
  id: 'p' as PoolId,
  uuid: 'pu',
  nativeName: 'fast',
  active: true,
  path: '/p',
  formats: ['Raw'],
  can: ['create', 'delete', 'grow', 'stream'],
  capacityBytes: 1e9,
  allocationBytes: 0,
  availableBytes: 1e9,
};
const desired: DesiredVolume = {
  want: 'present',
  host: 'kvm1',
  uid: 'v',
  poolUuid: pool.uuid,
  poolName: 'fast',
  poolComes: true,
  nativeName: 'shop.v',
  tenant: 'shop',
  familyName: 'shop.v',
  formatField: 'spec.format',
  sizeBytes: 2 ** 30,
  keep: true,
  wipe: false,
  clones: [],
  capabilities: [],
  record: { failures: 0, retryAt: 0 },
};
const marker: Volume = {
  id: { pool: pool.id, nativeName: 'shop.v.incomplete' },
  location: '/p/m',
  format: 'Raw',
  sizeBytes: 0,
  allocationBytes: 0,
};

/** At that second of time, what its agent saw of the volume. */
type Look = readonly [second: number, observed: Partial<ObservedVolume>];

/** A volume after each look was told of. */
function volume(name: string, looks: readonly Look[], given: Partial<DesiredVolume> = {}): StorageVolume {
  const bare: StorageVolume = {
    apiVersion: 'virtwright.io/v1alpha1',
    kind: 'StorageVolume',
    metadata: { ...meta(name), namespace: 'shop' },
    spec: { size: '1Gi', reclaimPolicy: 'Retain' },
  };
  let status: StorageVolumeStatus = {};
  for (const [second, more] of looks) {
    const now = second * 1_000;
    const wanted = { ...desired, ...given, record: fillRecord(status) };
    const observed: ObservedVolume = { pool, marker, leftovers: [], users: [], sourceUsers: [], linked: [], ...more };
    status = reportVolume({ ...bare, status }, { desired: wanted, observed, plan: planVolume(wanted, observed, now), now });
  }
  return { ...bare, status };
}

const failedAt = (second: number): Look => {
  const at = second * 1_000;
  return [second, { job: { kind: 'failed', at, verdict: 'stall', reason: 'ChecksumMismatch', message: 'it differs' } }];
};
const running = { job: { kind: 'running', startedAt: 0, progressBytes: 0 } } as const;
/** Every five minutes an attempt, for fifty. */
const attempts = Array.from({ length: 10 }, (_, each): readonly Look[] => [[each * 300, {}], failedAt(each * 300)]).flat();

/** How a volume may stand after at most fifty minutes. */
export const volumes = {
  long: volume('long', [
    [0, {}],
    [3_000, running],
  ]),
  refused: volume('refused', attempts),
  late: volume('late', [
    [0, { pool: { ...pool, active: false } }],
    [3_000, {}],
    [3_001, running],
  ]),
  awaited: volume('awaited', [[0, { offered: true }], failedAt(1)], { source: { kind: 'upload', format: 'Raw', command: 'virtwright' } }),
} as const;

/** What a controller tells Prometheus of these objects, by series. */
export async function seriesOf(
  status: HypervisorStatus | undefined,
  of: readonly StorageVolume[] = [],
): Promise<Readonly<Record<string, string>>> {
  const registry = new Registry();
  const stores = { hypervisors: createStore<Hypervisor>(), machines: createStore<VirtualMachine>(), volumes: createStore<StorageVolume>() };
  createClusterMetrics(registry).follow(stores, new AbortController().signal);
  if (status !== undefined) stores.hypervisors.set(host(status));
  for (const one of of) stores.volumes.set(one);
  const lines = (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), line.slice(line.lastIndexOf(' ') + 1)]));
}
