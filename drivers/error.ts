/**
 * What the reconciler does next when a host says no: `retry` with back-off, or `stall` until what was asked, or what it
 * refers to, changes. Adding a code without a verdict does not compile.
 */
export const verdicts = {
  /** Not reached, or the connection broke. */
  Unavailable: 'retry',
  /** No answer in time; the host may still be at it. */
  TimedOut: 'retry',
  /** The host is doing something else with this object. */
  Busy: 'retry',
  /** Changed or taken in between: look again. */
  Conflict: 'retry',
  /** It is not there (any more): look again. */
  NotFound: 'retry',
  /** No room, no memory, no slots. */
  Exhausted: 'retry',
  Internal: 'retry',
  /** The credentials that the host asks for are not there yet, or not all of them. */
  CredentialsMissing: 'retry',
  /** It belongs to someone else, and is left alone. */
  NotOurs: 'stall',
  /** Credentials or permissions. */
  Denied: 'stall',
  Invalid: 'stall',
  Unsupported: 'stall',
} as const satisfies Record<string, 'retry' | 'stall'>;

export type DriverErrorCode = keyof typeof verdicts;

/** The only error a driver lets out. The host's own words stay in `cause`. */
export class DriverError extends Error {
  override readonly name = 'DriverError';
  readonly code: DriverErrorCode;

  constructor(code: DriverErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  get verdict(): 'retry' | 'stall' {
    return verdicts[this.code];
  }

  static from(reason: unknown): DriverError {
    if (reason instanceof DriverError) return reason;
    const gaveUp = reason instanceof Error && (reason.name === 'TimeoutError' || reason.name === 'AbortError');
    if (gaveUp) return new DriverError('TimedOut', 'the host did not answer in time', { cause: reason });
    return new DriverError('Internal', reason instanceof Error ? reason.message : String(reason), { cause: reason });
  }
}

/** The host said no. When nothing was heard of it, it may have done what was asked all the same: only a look can tell. */
export const isAnswer = (reason: unknown): reason is DriverError =>
  reason instanceof DriverError && reason.code !== 'Unavailable' && reason.code !== 'TimedOut';
