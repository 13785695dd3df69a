import { DriverError } from '#drivers/error.js';
import type { HostView } from './host/view.js';
import { type AnyAction, gate, type Performers, type Plan, type Surroundings } from './plan.js';

/** References followed, or the names of those that are not there yet, each with what is missing about it. */
export type Resolution<D> =
  | { readonly kind: 'desired'; readonly desired: D }
  | { readonly kind: 'missing'; readonly reason: string; readonly missing: readonly string[] };

/** Everything that is known when the user is told how things stand. */
export interface Findings<D, O, A> {
  readonly missing?: readonly string[];
  readonly missingReason?: string;
  readonly desired?: D;
  readonly observed?: O;
  readonly plan?: Plan<A>;
  readonly failure?: DriverError;
  readonly now: number;
}

/** Everything that makes one custom resource kind different from another. */
export interface Kind<R, D, O, A extends AnyAction, S> {
  readonly performers: Performers<A>;
  /** What the resource asks for, from the stores: no I/O. Deletion is `want: 'absent'`, not another code path. */
  resolve(resource: R): Resolution<D>;
  /** What the host has, from the view: no I/O. */
  observe(desired: D, view: HostView): O;
  /** What to do about the difference. Pure. */
  plan(desired: D, observed: O, now: number): Plan<A>;
  /** What to tell the user, and what must be remembered before acting. Pure; called always. */
  report(resource: R, findings: Findings<D, O, A>): S;
}

export type Outcome =
  | { readonly kind: 'converged' }
  | { readonly kind: 'progressing'; readonly recheckMs: number; readonly because: string }
  | { readonly kind: 'retry'; readonly error: DriverError }
  | { readonly kind: 'stalled'; readonly because: string };

export interface Pass<S> extends Surroundings {
  /** Writes the status where it differs from what was written last. */
  readonly publish: (status: S) => Promise<void>;
  readonly clock: () => number;
  readonly signal: AbortSignal;
}

/** A converging object needs no more looks than this in one pass; one that does is given back to the queue. */
const looksPerPass = 16;
/** States that last longer than this are told of while they last; shorter ones are not worth a write. */
const sayAfterMs = 1_000;

/** One pass: look, decide, act, look again, until nothing is left to do now; then say how things stand. */
export async function reconcile<R, D, O, A extends AnyAction, S>(kind: Kind<R, D, O, A, S>, resource: R, pass: Pass<S>): Promise<Outcome> {
  const resolution = kind.resolve(resource);
  if (resolution.kind === 'missing') {
    const { missing, reason: missingReason } = resolution;
    await pass.publish(kind.report(resource, { missing, missingReason, now: pass.clock() }));
    return { kind: 'stalled', because: `waiting for ${missing.join(', ')}` };
  }
  let findings: Findings<D, O, A> = { desired: resolution.desired, now: pass.clock() };
  const say = () => pass.publish(kind.report(resource, findings));
  const late = new LateWord(say);
  try {
    for (let look = 0; look < looksPerPass; look++) {
      findings = await decide(kind, resolution.desired, pass);
      const next = findings.plan?.find((decision) => decision.kind === 'act');
      if (next === undefined) break;
      if (next.sayFirst) await say();
      else late.begin();
      const performer = kind.performers[next.action.kind as A['kind']];
      await performer.run(pass, next.action as Extract<A, { kind: A['kind'] }>, pass.signal);
    }
  } catch (reason) {
    findings = { ...findings, now: pass.clock(), failure: DriverError.from(reason) };
  }
  await late.end();
  await say();
  return outcome(findings);
}

async function decide<R, D, O, A extends AnyAction, S>(
  kind: Kind<R, D, O, A, S>,
  desired: D,
  { driver, view, clock, signal }: Pass<S>,
): Promise<Findings<D, O, A>> {
  await view.refresh(signal);
  const observed = kind.observe(desired, view);
  const now = clock();
  return { desired, observed, plan: gate(kind.plan(desired, observed, now), kind.performers, driver), now };
}

function outcome<D, O, A>({ plan = [], failure }: Findings<D, O, A>): Outcome {
  if (failure !== undefined) {
    return failure.verdict === 'retry' ? { kind: 'retry', error: failure } : { kind: 'stalled', because: failure.message };
  }
  if (plan.some(({ kind }) => kind === 'act')) return { kind: 'progressing', recheckMs: 0, because: 'more steps than one pass takes' };
  const waits = plan.filter((decision) => decision.kind === 'wait');
  if (waits.length > 0) {
    return {
      kind: 'progressing',
      recheckMs: Math.min(...waits.map(({ recheckMs }) => recheckMs)),
      because: waits.map(({ because }) => because).join('; '),
    };
  }
  const refusal = plan.find((decision) => decision.kind === 'refuse');
  return refusal === undefined ? { kind: 'converged' } : { kind: 'stalled', because: refusal.because };
}

/** Says how things stand once a pass has taken longer than is worth being silent about. */
class LateWord {
  readonly #say: () => Promise<void>;
  #timer: NodeJS.Timeout | undefined;
  #said: Promise<void> = Promise.resolve();
  #failure: unknown;

  constructor(say: () => Promise<void>) {
    this.#say = say;
  }

  begin(): void {
    this.#timer ??= setTimeout(() => {
      this.#said = this.#say().catch((reason) => {
        this.#failure = reason;
      });
    }, sayAfterMs);
  }

  /** Nothing is said after this; rejects with what went wrong while saying. */
  async end(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#said;
    if (this.#failure !== undefined) throw this.#failure;
  }
}
