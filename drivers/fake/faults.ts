import type { Facet, FacetOf } from '#drivers/driver.js';
import { DriverError, type DriverErrorCode } from '#drivers/error.js';

/** A verb by facet and name, e.g. `power.start`. */
export type Verb = { [F in Facet]: `${F}.${keyof FacetOf<F> & string}` }[Facet];

export interface Fault {
  readonly verb: Verb;
  /** Before: nothing was done. After: the work was done, and its reply was lost. */
  readonly when: 'Before' | 'After';
  readonly error: DriverError;
  times: number;
}

/** What goes wrong on a fake host, as told. A fault is used up when it strikes. */
export class Faults {
  readonly #faults: Fault[] = [];
  readonly #slow = new Map<Verb, number>();
  #dies: { calls: number; readonly losing: boolean } | undefined;
  #uploadBreaksAfter: number | undefined;

  /** The next `times` calls of the verb do nothing but reject. */
  fail(verb: Verb, error: DriverError | DriverErrorCode, times = 1): void {
    const fault = typeof error === 'string' ? new DriverError(error, `${verb} was told to fail`) : error;
    this.#faults.push({ verb, when: 'Before', error: fault, times });
  }

  /** The next `times` calls of the verb do their work, and then reject Unavailable. */
  loseReply(verb: Verb, times = 1): void {
    this.#faults.push({ verb, when: 'After', error: new DriverError('Unavailable', `${verb}: the reply was lost`), times });
  }

  /**
   * The host is lost after `calls` more calls: from then on all present connections are closed, until someone connects anew.
   * With `losingReply` the last of these calls still does its work, and rejects.
   */
  dieAfter(calls: number, { losingReply = false } = {}): void {
    this.#dies = { calls, losing: losingReply };
  }

  /** Every call of the verb takes so long by the host's clock; 0 makes it quick again. */
  slow(verb: Verb, ms: number): void {
    if (ms > 0) this.#slow.set(verb, ms);
    else this.#slow.delete(verb);
  }

  /** The next upload breaks with Unavailable once so many bytes have arrived; they stay. */
  breakUploadAfter(bytes: number): void {
    this.#uploadBreaksAfter = bytes;
  }

  delayOf(verb: Verb): number {
    return this.#slow.get(verb) ?? 0;
  }

  strike(verb: Verb, when: Fault['when']): void {
    const fault = this.#faults.find((one) => one.verb === verb && one.when === when && one.times > 0);
    if (fault === undefined) return;
    fault.times--;
    throw fault.error;
  }

  /** Counts a call; says what becomes of it. */
  count(): 'Lives' | 'DiesBefore' | 'DiesAfter' {
    if (this.#dies === undefined) return 'Lives';
    const left = --this.#dies.calls;
    if (left > 0 || (left === 0 && !this.#dies.losing)) return 'Lives';
    this.#dies = undefined;
    return left < 0 ? 'DiesBefore' : 'DiesAfter';
  }

  takeUploadBreak(): number {
    const bytes = this.#uploadBreaksAfter ?? Infinity;
    this.#uploadBreaksAfter = undefined;
    return bytes;
  }
}
