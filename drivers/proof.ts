/**
 * What shows that a driver does on a host what it says: the host itself; a stand-in that others wrote, or we; texts that a host once gave and that are compared; or nothing so far.
 */
export type Means = 'real' | 'third-party simulator' | 'own simulator' | 'golden files' | 'untested';

/** One thing that is claimed of a host, and the tests that bear it out in every run; none where it is untested. */
export interface Proven {
  readonly what: string;
  readonly by: Means;
  readonly tests: readonly string[];
  /** More that a reader must know, as one clause. */
  readonly note?: string;
}

/** A kind of host, in the words of people. */
export interface Proof {
  readonly host: string;
  readonly proven: readonly Proven[];
}
