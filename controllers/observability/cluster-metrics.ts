import { Histogram, type Registry } from 'prom-client';
import type { Condition, Hypervisor, StorageVolume, VirtualMachine } from '#crds/types.js';
import type { ReadonlyStore } from '../kubernetes/store.js';
import { Families, type Sample } from './families.js';
import { followPhases } from './phases.js';

/** What a controller that leads knows of the cluster. */
export interface ClusterStores {
  readonly hypervisors: ReadonlyStore<Hypervisor>;
  readonly machines: ReadonlyStore<VirtualMachine>;
  readonly volumes: ReadonlyStore<StorageVolume>;
}

export interface ClusterMetrics {
  /** Tells of what is in the stores until the signal. */
  follow(stores: ClusterStores, signal: AbortSignal): void;
}

export function createClusterMetrics(registry: Registry): ClusterMetrics {
  const followed = new Set<ClusterStores>();
  const families = new Families<ClusterStores>(registry, async () => [...followed]);
  countFamilies(families);
  waitingFamilies(families);
  fillingFamily(families);
  driftFamily(families);
  hypervisorFamilies(families);
  const phases = new Histogram({
    name: 'virtwright_vm_phase_transition_time_from_creation_seconds',
    help: 'From the second of its creation until a machine came to a phase, on its way to the first time that it is ready.',
    labelNames: ['phase'],
    buckets: [0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_800, 3_600],
    registers: [registry],
  });
  return {
    follow(stores, signal) {
      if (signal.aborted) return;
      followed.add(stores);
      const unfollow = followPhases(stores.machines, (phase, seconds) => phases.observe({ phase }, seconds));
      const end = () => {
        followed.delete(stores);
        unfollow();
      };
      signal.addEventListener('abort', end, { once: true });
    },
  };
}

interface Told {
  readonly metadata: { readonly namespace: string; readonly name: string; readonly creationTimestamp: string };
  readonly status?: {
    readonly printableStatus?: string;
    readonly hypervisor?: string;
    readonly conditions?: readonly Condition[];
  };
}

/** Of what nobody has looked at yet. */
const unseen = 'New';

function countFamilies(families: Families<ClusterStores>): void {
  const counted = (objects: readonly Told[]): readonly Sample<'hypervisor' | 'status'>[] => {
    const counts = new Map<string, { readonly labels: Record<'hypervisor' | 'status', string>; count: number }>();
    for (const { status: { hypervisor = '', printableStatus: status = unseen } = {} } of objects) {
      const entry = counts.get(`${hypervisor} ${status}`) ?? { labels: { hypervisor, status }, count: 0 };
      entry.count++;
      counts.set(`${hypervisor} ${status}`, entry);
    }
    return [...counts.values()].map(({ labels, count }) => [labels, count]);
  };
  const labels = ['hypervisor', 'status'] as const;
  families.gauge('vms', 'Machines, by host (empty where none is chosen yet) and status.', labels, ({ machines }) =>
    counted(machines.list()),
  );
  families.gauge('storage_volumes', 'Volumes, by host (empty where none is chosen yet) and status.', labels, ({ volumes }) =>
    counted(volumes.list()),
  );
}

/** What was put back is no drift any more: of that, corrections are counted. */
function driftFamily(families: Families<ClusterStores>): void {
  const treatments = ['Enforce', 'Observe', 'Accept'] as const;
  families.gauge(
    'drifted_fields',
    'Fields that another hand has changed and that are so still, by what becomes of them.',
    ['kind', 'treatment'],
    ({ machines }) => {
      const present = machines.list().flatMap(({ status }) => (status?.drift ?? []).filter(({ state }) => state === 'Present'));
      return treatments.map((treatment) => [
        { kind: 'VirtualMachine', treatment },
        present.filter((one) => one.treatment === treatment).length,
      ]);
    },
  );
}

function waitingFamilies(families: Families<ClusterStores>): void {
  const labels = ['namespace', 'name', 'hypervisor', 'reason'] as const;
  const gauge = (name: string, what: string, listOf: (stores: ClusterStores) => readonly Told[]) =>
    families.gauge(
      `${name}_non_ready_status_last_transition_timestamp_seconds`,
      `Since when a ${what} is not ready, and why; only of those that are not.`,
      labels,
      (stores) => listOf(stores).flatMap((one) => waiting(one)),
    );
  gauge('vm', 'machine', ({ machines }) => machines.list());
  gauge('storage_volume', 'volume', ({ volumes }) => volumes.list());
}

function waiting({ metadata, status }: Told): readonly Sample<'namespace' | 'name' | 'hypervisor' | 'reason'>[] {
  const ready = readyOf(status);
  if (ready?.status === 'True') return [];
  const { namespace, name, creationTimestamp } = metadata;
  const labels = { namespace, name, hypervisor: status?.hypervisor ?? '', reason: reasonOf(status) };
  return [[labels, Date.parse(ready?.lastTransitionTime ?? creationTimestamp) / 1_000]];
}

/** Since the first attempt, for Ready keeps its time while what it says changes: of what waited long, and fails for good, it tells neither. */
function fillingFamily(families: Families<ClusterStores>): void {
  families.gauge(
    'storage_volume_filling_since_timestamp_seconds',
    'Since when a volume is being filled, with all attempts that failed, and the reason of its Ready; only of those that are not whole yet.',
    ['namespace', 'name', 'hypervisor', 'reason'],
    ({ volumes }) =>
      volumes.list().flatMap(({ metadata, status }) => {
        const { firstStartedAt, startedAt, completedAt } = status?.import ?? {};
        const since = firstStartedAt ?? startedAt;
        if (since === undefined || completedAt !== undefined || metadata.deletionTimestamp !== undefined) return [];
        const { namespace, name } = metadata;
        return [[{ namespace, name, hypervisor: status?.hypervisor ?? '', reason: reasonOf(status) }, Date.parse(since) / 1_000]] as const;
      }),
  );
}

const readyOf = (status: Told['status']): Condition | undefined => status?.conditions?.find(({ type }) => type === 'Ready');
const reasonOf = (status: Told['status']): string => readyOf(status)?.reason ?? unseen;

const statuses = ['True', 'False', 'Unknown'] as const;

function hypervisorFamilies(families: Families<ClusterStores>): void {
  families.gauge(
    'hypervisor_status_condition',
    'The conditions of a host: 1 for the status that one has, 0 for the others.',
    ['hypervisor', 'condition', 'status'],
    ({ hypervisors }) =>
      hypervisors
        .list()
        .flatMap(({ metadata, status }) =>
          (status?.conditions ?? []).flatMap(({ type, status: has }) =>
            statuses.map((each) => [{ hypervisor: metadata.name, condition: type, status: each }, each === has ? 1 : 0] as const),
          ),
        ),
  );
  families.gauge(
    'hypervisor_strays',
    'Machines on a host that carry a mark of this cluster and belong to no object.',
    ['hypervisor'],
    ({ hypervisors }) => hypervisors.list().map(({ metadata, status }) => [{ hypervisor: metadata.name }, status?.strays?.count]),
  );
  families.gauge(
    'hypervisor_orphans',
    'Things that were let go while a host was out of service, and may be left on it.',
    ['hypervisor'],
    ({ hypervisors }) => hypervisors.list().map(({ metadata, status }) => [{ hypervisor: metadata.name }, status?.orphans?.count]),
  );
}
