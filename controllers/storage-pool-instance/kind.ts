import { createHash } from 'node:crypto';
import { formatBytes } from '#crds/quantity.js';
import type { StoragePoolInstance, StoragePoolInstanceStatus } from '#crds/types.js';
import type { Pool, PoolDefinition, PoolId } from '#drivers/driver.js';
import { conditions, readiness } from '../conditions.js';
import { type HostScope, nativeName, takeOverOf } from '../host/scope.js';
import type { HostView } from '../host/view.js';
import { act, on, type Performers, type Plan, refuse, wait } from '../plan.js';
import type { Findings, Kind, Resolution } from '../reconcile.js';
import { standing } from '../standing.js';
import type { Stores } from '../stores.js';

interface DesiredPool {
  readonly want: 'present' | 'absent';
  readonly host: string;
  readonly definition: PoolDefinition;
  /** Volumes that are still in it. */
  readonly volumes: readonly string[];
  readonly takeOver: boolean;
}

interface ObservedPool {
  readonly pool?: Pool;
  /** Has our name or our path, and another uuid. */
  readonly stranger?: Pool;
}

type PoolAction =
  | { readonly kind: 'define'; readonly definition: PoolDefinition }
  | { readonly kind: 'start' | 'undefine'; readonly pool: PoolId };

type PoolFindings = Findings<DesiredPool, ObservedPool, PoolAction>;
export type PoolInstanceKind = Kind<StoragePoolInstance, DesiredPool, ObservedPool, PoolAction, StoragePoolInstanceStatus>;

const performers: Performers<PoolAction> = {
  define: on('pools', (pools, { definition }: Extract<PoolAction, { kind: 'define' }>, signal) => pools.define(definition, signal)),
  start: on('pools', (pools, { pool }: Extract<PoolAction, { kind: 'start' | 'undefine' }>, signal) => pools.start(pool, signal)),
  undefine: on('pools', (pools, { pool }: Extract<PoolAction, { kind: 'start' | 'undefine' }>, signal) => pools.undefine(pool, signal)),
};

export const storagePoolInstanceKind = (host: HostScope, stores: Pick<Stores, 'pools' | 'volumes'>): PoolInstanceKind => ({
  performers,
  resolve: (instance) => resolvePool(instance, host, stores),
  looksAt: () => ({ pools: true }),
  observe: observePool,
  plan: planPool,
  report: reportPool,
});

function resolvePool(instance: StoragePoolInstance, host: HostScope, stores: Pick<Stores, 'pools' | 'volumes'>): Resolution<DesiredPool> {
  const { metadata, spec, status } = instance;
  const want = metadata.deletionTimestamp === undefined ? 'present' : 'absent';
  const parent = stores.pools.get(spec.poolRef.name);
  const path = parent?.spec.directory?.path ?? status?.path;
  if (path === undefined && want === 'present')
    return { kind: 'missing', reason: 'WaitingForPool', missing: [`pool "${spec.poolRef.name}": there is none`] };
  return {
    kind: 'desired',
    desired: {
      want,
      host: host.name,
      definition: {
        uuid: poolUuid(host.cluster, metadata.uid, host.name),
        nativeName: status?.nativeName ?? nativeName(host, spec.poolRef.name),
        directory: { path: path ?? '' },
      },
      volumes: stores.volumes.byIndex('instance', metadata.name).map(({ metadata: { namespace, name } }) => `${namespace}/${name}`),
      takeOver: takeOverOf(instance, host) === 'All',
    },
  };
}

/** A pool can carry no mark: that it is ours is told by its uuid, which is derived from whose it is (RFC 9562, version 8). */
export function poolUuid(cluster: string, uid: string, host: string): string {
  const hash = createHash('sha256')
    .update(JSON.stringify(['virtwright.io/pool', cluster, uid, host]))
    .digest();
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x80;
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80;
  const hex = hash.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
}

function observePool({ definition }: DesiredPool, view: HostView): ObservedPool {
  const pool = view.pool(definition.uuid);
  if (pool !== undefined) return { pool };
  const stranger = view.pools.find(({ nativeName, path }) => nativeName === definition.nativeName || path === definition.directory.path);
  return stranger === undefined ? {} : { stranger };
}

export function planPool({ want, definition, volumes, takeOver, host }: DesiredPool, { pool, stranger }: ObservedPool): Plan<PoolAction> {
  if (want === 'absent') return planRemoval(volumes, pool);
  if (pool?.active) return [];
  if (pool !== undefined) return [act({ kind: 'start', pool: pool.id }, 'the pool is not active')];
  if (stranger === undefined) return [act({ kind: 'define', definition }, 'no such pool')];
  if (takeOver && stranger.nativeName === definition.nativeName && stranger.path === definition.directory.path) {
    return [act({ kind: 'undefine', pool: stranger.id }, 'taken over, as annotated: its definition is replaced, its content stays')];
  }
  return [
    refuse(
      'NotOurs',
      `${host} has a pool ${stranger.nativeName} at ${stranger.path ?? 'no path'} that is not this one's (uuid ${stranger.uuid}); undefine it there, choose another name and path, or annotate the Hypervisor virtwright.io/take-over=All`,
    ),
  ];
}

function planRemoval(volumes: readonly string[], pool: Pool | undefined): Plan<PoolAction> {
  if (volumes.length > 0) return [wait('InUse', `${volumes.length} volumes are still in it: ${volumes.slice(0, 3).join(', ')}`, 30_000)];
  return pool === undefined ? [] : [act({ kind: 'undefine', pool: pool.id }, 'the resource was deleted; what is stored in it stays')];
}

const doing: Readonly<Record<PoolAction['kind'], string>> = { define: 'Provisioning', start: 'Starting', undefine: 'Removing' };

function reportPool({ metadata, status: before }: StoragePoolInstance, findings: PoolFindings): StoragePoolInstanceStatus {
  const { desired, observed, now } = findings;
  const pool = observed?.pool;
  const stands = standing(findings, {
    ready: { reason: metadata.deletionTimestamp === undefined ? 'Active' : 'Deleted' },
    acting: (kind) => doing[kind as PoolAction['kind']],
  });
  const { uuid, nativeName, path } = {
    ...before,
    ...(desired === undefined ? {} : { ...desired.definition, path: desired.definition.directory.path }),
  };
  return {
    ...(uuid === undefined ? {} : { uuid }),
    ...(nativeName === undefined ? {} : { nativeName }),
    ...(path === undefined ? {} : { path }),
    ...(pool === undefined ? {} : room(pool)),
    conditions: conditions(before?.conditions, metadata.generation, now, readiness(stands)),
  };
}

/** Told in coarse steps: a status that followed every block would never be at rest. */
const room = ({
  capacityBytes,
  allocationBytes,
  availableBytes,
}: Pool): Pick<StoragePoolInstanceStatus, 'capacity' | 'allocated' | 'available'> => {
  const step = 2 ** Math.max(0, Math.ceil(Math.log2(Math.max(capacityBytes, 1))) - 6);
  const coarse = (bytes: number) => formatBytes(Math.floor(bytes / step) * step);
  return { capacity: formatBytes(capacityBytes), allocated: coarse(allocationBytes), available: coarse(availableBytes) };
};
