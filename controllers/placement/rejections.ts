import type { Objection } from './objection.js';

export interface Rejection extends Objection {
  readonly hypervisor: string;
}

/** A rejection, and how many filters the host had passed by then. */
export interface Judged extends Rejection {
  readonly passed: number;
}

export interface Explanation {
  /** For people, in one sentence. */
  readonly message: string;
  readonly reasons: readonly { readonly reason: string; readonly count: number }[];
  readonly rejected: readonly Rejection[];
}

const mostNamed = 10;
const longestMessage = 512;

/** Why no host suits: all by number, and by name those that came nearest. The same whenever the same is so. Pure. */
export function explain(judged: readonly Judged[]): Explanation {
  const nearest = [...judged].sort((a, b) => b.passed - a.passed || a.hypervisor.localeCompare(b.hypervisor));
  const rejected = nearest.slice(0, mostNamed).map(({ hypervisor, reason, message }) => ({
    hypervisor,
    reason,
    message: message.slice(0, longestMessage),
  }));
  const counts = new Map<string, number>();
  for (const { reason } of judged) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const reasons = [...counts]
    .map(([reason, count]) => ({ reason, count }))
    .sort((a, b) => b.count - a.count || a.reason.localeCompare(b.reason));
  const named = rejected.map(({ hypervisor, message }) => `${hypervisor}: ${message}`).join('; ');
  return { message: judged.length <= mostNamed ? named : `${inNumbers(judged.length, reasons)}; ${named}`, reasons, rejected };
}

const inNumbers = (hosts: number, reasons: Explanation['reasons']): string =>
  `none of ${hosts} hosts suits (${reasons.map(({ reason, count }) => `${reason} ${count}`).join(', ')})`;
