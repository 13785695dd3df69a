import type { Condition } from '#crds/types.js';

export interface Finding {
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message?: string;
}

export const isTrue = (reason: string, message = ''): Finding => ({ status: 'True', reason, message });
export const isFalse = (reason: string, message = ''): Finding => ({ status: 'False', reason, message });
export const isUnknown = (reason: string, message = ''): Finding => ({ status: 'Unknown', reason, message });

const longestMessage = 4_096;

/** Conditions in the order given, each with the time of its last change: a status that stays keeps its time. */
export function conditions(
  before: readonly Condition[] | undefined,
  generation: number,
  now: number,
  findings: Readonly<Record<string, Finding>>,
): readonly Condition[] {
  return Object.entries(findings).map(([type, { status, reason, message = '' }]) => {
    const previous = before?.find((one) => one.type === type);
    const lastTransitionTime = previous?.status === status ? previous.lastTransitionTime : timestamp(now);
    return { type, status, observedGeneration: generation, lastTransitionTime, reason, message: message.slice(0, longestMessage) };
  });
}

/** The same conditions, but for one: as it was found, or gone. The others are somebody else's word. */
export function withCondition(
  before: readonly Condition[] = [],
  generation: number,
  now: number,
  type: string,
  finding: Finding | undefined,
): readonly Condition[] {
  const found = finding === undefined ? [] : conditions(before, generation, now, { [type]: finding });
  return [...before.filter((one) => one.type !== type), ...found];
}

/** Of a kind as kstatus reads it: Ready, and what is abnormal while it is not. */
export function readiness(standing: Standing): Readonly<Record<'Ready' | 'Reconciling' | 'Stalled', Finding>> {
  const { reason, message } = standing;
  switch (standing.kind) {
    case 'ready':
      return { Ready: isTrue(reason, message), Reconciling: isFalse(reason), Stalled: isFalse(reason) };
    case 'reconciling':
      return { Ready: isFalse(reason, message), Reconciling: isTrue(reason, message), Stalled: isFalse(reason) };
    case 'stalled':
      return { Ready: isFalse(reason, message), Reconciling: isFalse(reason), Stalled: isTrue(reason, message) };
    case 'unknown':
      return { Ready: isUnknown(reason, message), Reconciling: isTrue(reason, message), Stalled: isFalse(reason) };
  }
}

/** How an object stands, in one word for programs and one sentence for people. */
export interface Standing {
  readonly kind: 'ready' | 'reconciling' | 'stalled' | 'unknown';
  readonly reason: string;
  readonly message: string;
}

type Conditioned = { readonly status?: { readonly conditions?: readonly Condition[] } };

const has = ({ status: { conditions: found = [] } = {} }: Conditioned, wanted: string): boolean =>
  found.some(({ type, status }) => type === wanted && status === 'True');

export const isReady = (object: Conditioned): boolean => has(object, 'Ready');
/** `not ready (why)`; without a reason where none was told yet. */
export function notReady({ status }: Conditioned): string {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  return `not ready${ready === undefined ? '' : ` (${ready.message || ready.reason})`}`;
}

export const isStalled = (object: Conditioned): boolean => has(object, 'Stalled');
export const isRestartRequired = (object: Conditioned): boolean => has(object, 'RestartRequired');

/** To the second, as Kubernetes writes times. */
export const timestamp = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;
