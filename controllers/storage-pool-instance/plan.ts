import type { Capability, Pool, PoolDefinition, PoolId, PoolKind } from '#drivers/driver.js';
import { collide, describeSource, movedFrom } from '#drivers/pool-source.js';
import type { Credentials } from '#drivers/target.js';
import { type Asked, describeUnfit, unfit } from '../fit.js';
import { act, type Plan, refuse, wait } from '../plan.js';

/** A pool is made by us and known by its uuid, or was there before: then it goes by its native name, and is only looked at. */
export type Store =
  | { readonly kind: 'made'; readonly definition: PoolDefinition }
  /** Of one whose StoragePool is gone no more is known, or needed, than its uuid. */
  | { readonly kind: 'orphaned'; readonly uuid: string }
  | { readonly kind: 'existing'; readonly nativeName: string };

export interface DesiredPool {
  readonly want: 'present' | 'absent';
  readonly host: string;
  readonly store: Store;
  /** Volumes that are still in it. */
  readonly volumes: readonly string[];
  readonly takeOver: boolean;
  /** What the store lets us in with; a text says what is missing of it. Absent where it asks for nothing. */
  readonly credentials?: Credentials | string;
  readonly capabilities: readonly Capability[];
}

export interface ObservedPool {
  readonly pool?: Pool;
  /** Has our name, our path or our store, and another uuid. */
  readonly stranger?: Pool;
  /** What the host calls its pools. */
  readonly names: readonly string[];
}

export type PoolAction =
  | { readonly kind: 'define'; readonly definition: PoolDefinition }
  | { readonly kind: 'start'; readonly pool: PoolId; readonly definition: PoolDefinition }
  | { readonly kind: 'undefine'; readonly pool: PoolId };

export function planPool(desired: DesiredPool, observed: ObservedPool): Plan<PoolAction> {
  const { want, store, volumes } = desired;
  if (want === 'absent' && volumes.length > 0) return planInUse(desired, observed);
  if (store.kind === 'existing') return want === 'absent' ? [] : planExisting(store.nativeName, desired, observed);
  return want === 'absent' || store.kind === 'orphaned' ? planRemoval(observed) : planMade(store.definition, desired, observed);
}

/** Volumes go from an active pool alone, and not each host keeps its pools over the life of an agent. */
function planInUse(desired: DesiredPool, observed: ObservedPool): Plan<PoolAction> {
  const { store, volumes } = desired;
  const inUse = wait('InUse', `${volumes.length} volumes are still in it: ${volumes.slice(0, 3).join(', ')}`, 30_000);
  return store.kind === 'made' && observed.pool?.active !== true ? [...planMade(store.definition, desired, observed), inUse] : [inUse];
}

/** What a pool asks of its host. */
export const askedOfPool = (kind: PoolKind | 'existing'): Asked => ({ field: `pools.${kind}`, path: `spec.${kind}` });

const planFit = (kind: PoolKind | 'existing', { capabilities, host }: DesiredPool): Plan<PoolAction> =>
  unfit([askedOfPool(kind)], capabilities).map((misfit) => refuse('Unfit', describeUnfit(misfit, host)));

const mostNamed = 10;

/** Never started by us: it is off because somebody wants it so, or because it is broken. */
function planExisting(nativeName: string, desired: DesiredPool, { pool, names }: ObservedPool): Plan<PoolAction> {
  const misfits = planFit('existing', desired);
  if (misfits.length > 0) return misfits;
  const { host } = desired;
  if (pool === undefined) {
    const has = names.length === 0 ? 'none' : names.slice(0, mostNamed).join(', ');
    return [refuse('NotFound', `${host} has no pool called ${nativeName}; it has ${has}`)];
  }
  if (pool.silent) return [wait('NotAnswering', notAnswering(pool, host), 10_000)];
  if (!pool.active) return [refuse('Inactive', `pool ${nativeName} on ${host} is not active; start it there`)];
  return pool.formats.length > 0 ? [] : [refuse('Unfit', `pool ${nativeName} on ${host} is of a kind that no volumes can be made in`)];
}

function planMade(definition: PoolDefinition, desired: DesiredPool, { pool, stranger }: ObservedPool): Plan<PoolAction> {
  const { takeOver, host } = desired;
  const { nativeName, source } = definition;
  if (pool !== undefined) return planThere(definition, desired, pool);
  const misfits = planFit(source.kind, desired);
  if (misfits.length > 0) return misfits;
  if (stranger === undefined)
    return lettingIn(definition, desired, (complete) => act({ kind: 'define', definition: complete }, 'no such pool'));
  if (takeOver && stranger.nativeName === nativeName && movedFrom(source, stranger.source) === undefined) {
    return [act({ kind: 'undefine', pool: stranger.id }, 'taken over, as annotated: its definition is replaced, its content stays')];
  }
  const store = stranger.source === undefined ? 'of another kind' : `with ${describeSource(stranger.source)}`;
  return [
    refuse(
      'NotOurs',
      `${host} has a pool ${stranger.nativeName} ${store} that is not this one's (uuid ${stranger.uuid}); undefine it there, choose another name and store, or annotate the Hypervisor virtwright.io/take-over=All`,
    ),
  ];
}

const notAnswering = ({ nativeName, source }: Pool, host: string): string =>
  `pool ${nativeName} on ${host} does not answer; see whether ${source === undefined ? 'its store' : describeSource(source)} is there`;

/** Somebody may have redefined it beneath us: what is stored elsewhere is not what its volumes are. */
function planThere(definition: PoolDefinition, desired: DesiredPool, pool: Pool): Plan<PoolAction> {
  const { host } = desired;
  const moved = movedFrom(definition.source, pool.source);
  if (moved !== undefined) {
    const { field, given, is } = moved;
    return [refuse('Moved', `spec.${field}: ${given} given, pool ${pool.nativeName} on ${host} has ${is}; redefine it there as it was`)];
  }
  if (pool.silent) return [wait('NotAnswering', notAnswering(pool, host), 10_000)];
  if (pool.active) return [];
  return lettingIn(definition, desired, (complete) =>
    act({ kind: 'start', pool: pool.id, definition: complete }, 'the pool is not active'),
  );
}

/** An active pool is in: what it came in with is asked for only when it is to come in again. */
function lettingIn(
  definition: PoolDefinition,
  { credentials }: DesiredPool,
  decide: (definition: PoolDefinition) => Plan<PoolAction>[number],
): Plan<PoolAction> {
  if (typeof credentials === 'string') return [wait('CredentialsMissing', credentials, 60_000)];
  return [decide(credentials === undefined ? definition : { ...definition, credentials })];
}

/** Whether a pool that is not ours stands in the way of ours. */
export const isInTheWay = (pool: Pool, { nativeName, source }: PoolDefinition): boolean =>
  pool.nativeName === nativeName || (pool.source !== undefined && collide(pool.source, source));

const planRemoval = ({ pool }: ObservedPool): Plan<PoolAction> =>
  pool === undefined ? [] : [act({ kind: 'undefine', pool: pool.id }, 'the resource was deleted; what is stored in it stays')];
