import { isDeepStrictEqual } from 'node:util';
import { DriverError } from '#drivers/error.js';
import type { HostView, Interest } from './host/view.js';
import { type AnyAction, gate, type Performers, type Plan, quiet, type Surroundings, wait } from './plan.js';

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
  /** The object that declares what is asked, where that is not the resource itself. */
  declaredBy?(resource: R): { readonly metadata: { readonly uid: string; readonly generation?: number } } | undefined;
  /** What the resource asks for, from the stores: no I/O. Deletion is `want: 'absent'`, not another code path. */
  resolve(resource: R): Resolution<D>;
  /** What of the host must have been seen as it is now. */
  looksAt(desired: D): Interest;
  /** What the host has, from the view: no I/O. */
  observe(desired: D, view: HostView): O;
  /** What to do about the difference. Pure. */
  plan(desired: D, observed: O, now: number): Plan<A>;
  /** What to tell the user, and what must be remembered before acting. Pure; called always. */
  report(resource: R, findings: Findings<D, O, A>): S;
}

export type Outcome =
  /** Looked at again, if at all, only to forget. */
  | { readonly kind: 'converged'; readonly recheckMs?: number }
  | { readonly kind: 'progressing'; readonly recheckMs: number; readonly because: string }
  | { readonly kind: 'retry'; readonly error: DriverError }
  /** For something else that is not there yet: nothing to do until that changes. */
  | { readonly kind: 'waiting'; readonly because: string }
  | { readonly kind: 'stalled'; readonly because: string };

export interface Pass<R, S> extends Surroundings {
  /**
   * Writes the status where it differs from the object's, and gives the object as it then is. What is not urgent may be held back
   * while it is only on its way somewhere.
   */
  readonly publish: (object: R, status: S, urgent: boolean) => Promise<R>;
  /** Told of every act before it is done. */
  readonly onAct?: (object: R, action: AnyAction, because: string) => void;
  /** And after it, however it ended. */
  readonly onActed?: () => void;
  readonly signal: AbortSignal;
}

/** A converging object needs no more looks than this in one pass; one that does is given back to the queue. */
const looksPerPass = 16;
/** States that last longer than this are told of while they last; shorter ones are not worth a write. */
const sayAfterMs = 1_000;

/** One pass: look, decide, act, look again, until nothing is left to do now; then say how things stand. */
export async function reconcile<R, D, O, A extends AnyAction, S>(
  kind: Kind<R, D, O, A, S>,
  resource: R,
  pass: Pass<R, S>,
): Promise<Outcome> {
  let object = resource;
  let findings: Findings<D, O, A> = { now: pass.clock() };
  let said: Promise<unknown> = Promise.resolve();
  // One word after the other: an older one that arrives later would take back what a newer one promised to remember.
  const say = (urgent: boolean): Promise<void> => {
    const saying = said.then(async () => {
      object = await pass.publish(object, kind.report(object, findings), urgent);
    });
    said = saying.catch(() => {});
    return saying;
  };
  const late = new LateWord(() => say(true));
  try {
    let previous: A | undefined;
    for (let look = 0; look < looksPerPass; look++) {
      findings = await lookAndDecide(kind, object, pass);
      const next = findings.plan?.find((decision) => decision.kind === 'act');
      if (next === undefined) break;
      if (isDeepStrictEqual(next.action, previous)) {
        findings = { ...findings, plan: [wait('NotTaken', `${next.because}: done, and the host does not show it yet`)] };
        break;
      }
      if (next.sayFirst) await say(true);
      else late.begin();
      previous = next.action;
      pass.onAct?.(object, next.action, next.because);
      const performer = kind.performers[next.action.kind as A['kind']];
      await performer.run(pass, next.action as Extract<A, { kind: A['kind'] }>, pass.signal).finally(() => pass.onActed?.());
    }
  } catch (reason) {
    if (!(reason instanceof DriverError)) {
      await late.end().catch(() => {}); // the first thing that went wrong is the one to tell
      throw reason;
    }
    findings = { ...findings, now: pass.clock(), failure: reason };
  }
  try {
    await late.end();
    await say(false);
  } catch (reason) {
    if (findings.failure === undefined) throw reason;
    return { kind: 'retry', error: unsaid(findings.failure, reason) };
  }
  return outcome(findings);
}

/** What the host answered is not lost because status could not tell it. */
const unsaid = (failure: DriverError, reason: unknown): DriverError =>
  new DriverError(
    failure.code,
    `${failure.message} (and status does not say so yet: ${reason instanceof Error ? reason.message : reason})`,
    {
      cause: failure,
    },
  );

async function lookAndDecide<R, D, O, A extends AnyAction, S>(
  kind: Kind<R, D, O, A, S>,
  object: R,
  { driver, view, clock, signal }: Pass<R, S>,
): Promise<Findings<D, O, A>> {
  const resolution = kind.resolve(object);
  if (resolution.kind === 'missing') return { missing: resolution.missing, missingReason: resolution.reason, now: clock() };
  const { desired } = resolution;
  await view.refresh(kind.looksAt(desired), signal);
  const observed = kind.observe(desired, view);
  const now = clock();
  return { desired, observed, plan: gate(kind.plan(desired, observed, now), kind.performers, driver), now };
}

function outcome<D, O, A>({ plan = [], failure, missing }: Findings<D, O, A>): Outcome {
  if (missing !== undefined) return { kind: 'waiting', because: `waiting for ${missing.join(', ')}` };
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
  if (refusal !== undefined) return { kind: 'stalled', because: refusal.because };
  const left = plan.filter((decision) => decision.kind === 'leave');
  if (left[0] === undefined) return { kind: 'converged' };
  const recheckMs = Math.min(...left.map((decision) => decision.recheckMs));
  return left.every(({ reason }) => reason === quiet)
    ? { kind: 'converged', recheckMs }
    : { kind: 'progressing', recheckMs, because: left[0].because };
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
