import type { Driver, Facet, FacetOf, MachineId, NetworkId, PoolId } from '#drivers/driver.js';
import type { HostView } from './host/view.js';

/**
 * What a planner may say about the gap between desired and observed; an empty plan means converged. A reason is one
 * UpperCamel word for programs, a because one sentence for people.
 */
export type Decision<A> =
  | { readonly kind: 'act'; readonly action: A; readonly because: string; readonly sayFirst: boolean }
  | { readonly kind: 'wait'; readonly reason: string; readonly because: string; readonly recheckMs: number }
  /** Left to somebody else, and no hindrance to Ready: it is told, and looked at again. */
  | { readonly kind: 'leave'; readonly reason: string; readonly because: string; readonly recheckMs: number }
  | { readonly kind: 'refuse'; readonly reason: string; readonly because: string };

export type Plan<A> = readonly Decision<A>[];

export const act = <const A>(action: A, because: string): Decision<A> => ({ kind: 'act', action, because, sayFirst: false });
/** An act that status must record first, because nothing on the host could tell afterwards that it was begun. */
export const sayThenAct = <const A>(action: A, because: string): Decision<A> => ({ kind: 'act', action, because, sayFirst: true });
export const wait = (reason: string, because: string, recheckMs = 5_000): Decision<never> => ({ kind: 'wait', reason, because, recheckMs });
export const leave = (reason: string, because: string, recheckMs: number): Decision<never> => ({
  kind: 'leave',
  reason,
  because,
  recheckMs,
});
/** The reason of what is left only to be forgotten: all is as declared. */
export const quiet = 'Quiet';
export const refuse = (reason: string, because: string): Decision<never> => ({ kind: 'refuse', reason, because });

export type AnyAction = { readonly kind: string };

export interface Surroundings {
  readonly driver: Driver;
  readonly view: HostView;
  /** Epoch milliseconds. */
  readonly clock: () => number;
}

/** How one kind of action is carried out, and the facet it cannot do without. What it touched is read again before the next decision. */
export interface Performer<A> {
  readonly needs: Facet;
  run(surroundings: Surroundings, action: A, signal: AbortSignal): Promise<void>;
}

/** One performer for every action: forget one and it does not compile. */
export type Performers<A extends AnyAction> = {
  readonly [K in A['kind']]: Performer<Extract<A, { readonly kind: K }>>;
};

type Touched = { readonly kind: string; readonly id?: MachineId; readonly pool?: PoolId; readonly network?: NetworkId };

/** A performer through one facet. An action that names no machine, pool or network makes something new: the host is listed again. */
export function on<F extends Facet, A extends Touched>(
  needs: F,
  run: (facet: FacetOf<F>, action: A, signal: AbortSignal) => Promise<unknown>,
): Performer<A> {
  return {
    needs,
    async run({ driver, view }, action, signal) {
      const facet = driver[needs];
      if (facet === undefined) throw new TypeError(`planned ${needs} on a host without it`);
      try {
        await run(facet as FacetOf<F>, action, signal);
      } finally {
        if (action.id !== undefined) view.dirtyMachine(action.id);
        else if (action.pool !== undefined) view.dirtyPool(action.pool);
        else if (action.network !== undefined) view.dirtyNetworks();
        else view.gap();
      }
    },
  };
}

/** Turns every action this host has no facet for into a refusal, so that it shows in status and is never tried. */
export function gate<A extends AnyAction>(plan: Plan<A>, performers: Performers<A>, driver: Driver): Plan<A> {
  return plan.map((decision) => {
    if (decision.kind !== 'act') return decision;
    const { needs } = performers[decision.action.kind as A['kind']];
    if (driver[needs] !== undefined) return decision;
    return refuse('Unsupported', `this host has no ${needs}, needed to ${decision.action.kind}`);
  });
}
