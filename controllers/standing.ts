import type { Standing } from './conditions.js';
import type { Findings } from './reconcile.js';

interface Words {
  /** What Ready says when there is nothing left to do. */
  readonly ready: { readonly reason: string; readonly message?: string };
  /** What a machine, a pool, a volume is doing while this action is carried out. */
  readonly acting: (kind: string) => string;
}

/** How an object stands, from what one pass found: the same words for every kind. */
export function standing<A extends { readonly kind: string }>(
  { missing, missingReason, plan = [], failure }: Findings<unknown, unknown, A>,
  { ready, acting }: Words,
): Standing {
  if (missing !== undefined)
    return { kind: 'reconciling', reason: missingReason ?? 'Waiting', message: `waiting for ${missing.join(', ')}` };
  if (failure !== undefined) {
    const lost = failure.code === 'Unavailable' || failure.code === 'TimedOut';
    const kind = failure.verdict === 'stall' ? 'stalled' : lost ? 'unknown' : 'reconciling';
    return { kind, reason: failure.code, message: failure.message };
  }
  const refused = plan.filter((decision) => decision.kind === 'refuse');
  if (refused[0] !== undefined)
    return { kind: 'stalled', reason: refused[0].reason, message: refused.map(({ because }) => because).join('; ') };
  const next = plan.find((decision) => decision.kind === 'act');
  if (next !== undefined) return { kind: 'reconciling', reason: acting(next.action.kind), message: next.because };
  const waiting = plan.find((decision) => decision.kind === 'wait');
  if (waiting !== undefined) return { kind: 'reconciling', reason: waiting.reason, message: waiting.because };
  return { kind: 'ready', reason: ready.reason, message: ready.message ?? '' };
}
