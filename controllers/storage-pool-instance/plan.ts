import type { Capability, Pool, PoolDefinition, PoolId } from '#drivers/driver.js';
import { type Asked, describeUnfit, unfit } from '../fit.js';
import { act, type Plan, refuse, wait } from '../plan.js';

/** A pool is made by us and known by its uuid, or was there before: then it goes by its native name, and is only looked at. */
export type Store =
  | { readonly kind: 'directory'; readonly definition: PoolDefinition }
  | { readonly kind: 'existing'; readonly nativeName: string };

export interface DesiredPool {
  readonly want: 'present' | 'absent';
  readonly host: string;
  readonly store: Store;
  /** Volumes that are still in it. */
  readonly volumes: readonly string[];
  readonly takeOver: boolean;
  readonly capabilities: readonly Capability[];
}

export interface ObservedPool {
  readonly pool?: Pool;
  /** Has our name or our path, and another uuid. */
  readonly stranger?: Pool;
  /** What the host calls its pools. */
  readonly names: readonly string[];
}

export type PoolAction =
  | { readonly kind: 'define'; readonly definition: PoolDefinition }
  | { readonly kind: 'start' | 'undefine'; readonly pool: PoolId };

export function planPool(desired: DesiredPool, observed: ObservedPool): Plan<PoolAction> {
  const { want, store, volumes } = desired;
  if (want === 'absent' && volumes.length > 0)
    return [wait('InUse', `${volumes.length} volumes are still in it: ${volumes.slice(0, 3).join(', ')}`, 30_000)];
  if (store.kind === 'existing') return want === 'absent' ? [] : planExisting(store.nativeName, desired, observed);
  return want === 'absent' ? planRemoval(observed) : planDirectory(store.definition, desired, observed);
}

/** What a pool asks of its host. */
export const askedOfPool = (kind: Store['kind']): Asked => ({ field: `pools.${kind}`, path: `spec.${kind}` });

const planFit = ({ store, capabilities, host }: DesiredPool): Plan<PoolAction> =>
  unfit([askedOfPool(store.kind)], capabilities).map((misfit) => refuse('Unfit', describeUnfit(misfit, host)));

const mostNamed = 10;

/** Never started by us: it is off because somebody wants it so, or because it is broken. */
function planExisting(nativeName: string, desired: DesiredPool, { pool, names }: ObservedPool): Plan<PoolAction> {
  const misfits = planFit(desired);
  if (misfits.length > 0) return misfits;
  const { host } = desired;
  if (pool === undefined) {
    const has = names.length === 0 ? 'none' : names.slice(0, mostNamed).join(', ');
    return [refuse('NotFound', `${host} has no pool called ${nativeName}; it has ${has}`)];
  }
  if (!pool.active) return [refuse('Inactive', `pool ${nativeName} on ${host} is not active; start it there`)];
  return pool.formats.length > 0 ? [] : [refuse('Unfit', `pool ${nativeName} on ${host} is of a kind that no volumes can be made in`)];
}

function planDirectory(definition: PoolDefinition, desired: DesiredPool, { pool, stranger }: ObservedPool): Plan<PoolAction> {
  const { takeOver, host } = desired;
  if (pool?.active) return [];
  if (pool !== undefined) return [act({ kind: 'start', pool: pool.id }, 'the pool is not active')];
  const misfits = planFit(desired);
  if (misfits.length > 0) return misfits;
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

const planRemoval = ({ pool }: ObservedPool): Plan<PoolAction> =>
  pool === undefined ? [] : [act({ kind: 'undefine', pool: pool.id }, 'the resource was deleted; what is stored in it stays')];
