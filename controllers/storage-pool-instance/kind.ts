import { formatBytes } from '#crds/quantity.js';
import type { StoragePool, StoragePoolInstance, StoragePoolInstanceStatus } from '#crds/types.js';
import type { Pool, PoolDefinition } from '#drivers/driver.js';
import { pathOf } from '#drivers/pool-source.js';
import type { Credentials } from '#drivers/target.js';
import { conditions, readiness } from '../conditions.js';
import { derivedUuid } from '../derived-uuid.js';
import { type HostScope, nativeName, takeOverOf } from '../host/scope.js';
import type { HostView } from '../host/view.js';
import { on, type Performers } from '../plan.js';
import { secretOf } from '../pool-credentials.js';
import type { Findings, Kind, Resolution } from '../reconcile.js';
import { standing } from '../standing.js';
import type { Stores } from '../stores.js';
import { type DesiredPool, isInTheWay, type ObservedPool, type PoolAction, planPool, type Store } from './plan.js';
import { mountPoint, sourceOf } from './source.js';

type PoolFindings = Findings<DesiredPool, ObservedPool, PoolAction>;
export type PoolInstanceKind = Kind<StoragePoolInstance, DesiredPool, ObservedPool, PoolAction, StoragePoolInstanceStatus>;

const performers: Performers<PoolAction> = {
  define: on('pools', (pools, { definition }: Extract<PoolAction, { kind: 'define' }>, signal) => pools.define(definition, signal)),
  start: on('pools', async (pools, { pool, definition }: Extract<PoolAction, { kind: 'start' }>, signal) => {
    // What lets in may be another since it was defined.
    if (definition.credentials !== undefined) await pools.define(definition, signal);
    await pools.start(pool, signal);
  }),
  undefine: on('pools', (pools, { pool }: Extract<PoolAction, { kind: 'undefine' }>, signal) => pools.undefine(pool, signal)),
};

/** What the pool's store lets us in with, out of this Secret; a text says what is missing. */
export type PoolCredentials = (pool: StoragePool, secretName: string) => Credentials | string;

const nobody: PoolCredentials = (_pool, secretName) => `Secret "${secretName}" was not handed over`;

export const storagePoolInstanceKind = (
  host: HostScope,
  stores: Pick<Stores, 'pools' | 'volumes'>,
  letIn: PoolCredentials = nobody,
): PoolInstanceKind => ({
  performers,
  resolve: (instance) => resolvePool(instance, host, stores, letIn),
  looksAt: () => ({ pools: true }),
  observe: observePool,
  plan: planPool,
  report: reportPool,
});

function resolvePool(
  instance: StoragePoolInstance,
  host: HostScope,
  stores: Pick<Stores, 'pools' | 'volumes'>,
  letIn: PoolCredentials,
): Resolution<DesiredPool> {
  const { metadata, spec } = instance;
  const want = metadata.deletionTimestamp === undefined ? 'present' : 'absent';
  const parent = stores.pools.get(spec.poolRef.name);
  if (parent === undefined && want === 'present')
    return { kind: 'missing', reason: 'WaitingForPool', missing: [`pool "${spec.poolRef.name}": there is none`] };
  return {
    kind: 'desired',
    desired: {
      want,
      host: host.name,
      store: storeOf(instance, parent, host),
      volumes: stores.volumes.byIndex('instance', metadata.name).map(({ metadata: { namespace, name } }) => `${namespace}/${name}`),
      takeOver: takeOverOf(instance, host) === 'All',
      ...lettingIn(parent, letIn),
      capabilities: host.capabilities,
    },
  };
}

function lettingIn(pool: StoragePool | undefined, letIn: PoolCredentials): Pick<DesiredPool, 'credentials'> {
  const secretName = pool === undefined ? undefined : secretOf(pool);
  return pool === undefined || secretName === undefined ? {} : { credentials: letIn(pool, secretName) };
}

/** Without its StoragePool an instance is taken for one of ours: what was there before has no uuid of ours, and is left alone. */
function storeOf({ metadata, spec, status }: StoragePoolInstance, parent: StoragePool | undefined, host: HostScope): Store {
  if (parent?.spec.existing !== undefined) return { kind: 'existing', nativeName: parent.spec.existing.name };
  const uuid = derivedUuid('pool', host.cluster, metadata.uid, host.name);
  const native = status?.nativeName ?? nativeName(host, spec.poolRef.name);
  const source = parent === undefined ? undefined : sourceOf(parent, status?.path ?? mountPoint(native));
  return source === undefined ? { kind: 'orphaned', uuid } : { kind: 'made', definition: { uuid, nativeName: native, source } };
}

function observePool({ store }: DesiredPool, view: HostView): ObservedPool {
  const names = view.pools.map(({ nativeName }) => nativeName);
  if (store.kind === 'existing') {
    const pool = view.pools.find(({ nativeName }) => nativeName === store.nativeName);
    return { names, ...(pool === undefined ? {} : { pool }) };
  }
  const pool = view.pool(store.kind === 'made' ? store.definition.uuid : store.uuid);
  if (pool !== undefined) return { names, pool };
  const stranger = store.kind === 'made' ? view.pools.find((one) => isInTheWay(one, store.definition)) : undefined;
  return { names, ...(stranger === undefined ? {} : { stranger }) };
}

const doing: Readonly<Record<PoolAction['kind'], string>> = { define: 'Provisioning', start: 'Starting', undefine: 'Removing' };

function reportPool({ metadata, status: before }: StoragePoolInstance, findings: PoolFindings): StoragePoolInstanceStatus {
  const { desired, observed, now } = findings;
  const pool = observed?.pool;
  const stands = standing(findings, {
    ready: { reason: metadata.deletionTimestamp === undefined ? 'Active' : 'Deleted' },
    acting: (kind) => doing[kind as PoolAction['kind']],
  });
  return {
    observedGeneration: metadata.generation,
    ...identity(before, desired?.store, pool),
    ...(pool === undefined ? {} : room(pool)),
    conditions: conditions(before?.conditions, metadata.generation, now, readiness(stands)),
  };
}

/** Of a pool of ours, what it is to be; of one that was there, what it is. */
function identity(
  before: StoragePoolInstanceStatus | undefined,
  store: Store | undefined,
  pool: Pool | undefined,
): Pick<StoragePoolInstanceStatus, 'uuid' | 'nativeName' | 'path'> {
  const { uuid, nativeName, path } = { ...before, ...(store?.kind === 'made' ? wanted(store.definition) : pool) };
  return {
    ...(uuid === undefined ? {} : { uuid }),
    ...(nativeName === undefined ? {} : { nativeName }),
    ...(path === undefined ? {} : { path }),
  };
}

const wanted = ({ uuid, nativeName, source }: PoolDefinition) => {
  const path = pathOf(source);
  return { uuid, nativeName, ...(path === undefined ? {} : { path }) };
};

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
