import type { Inability, OptionalFacet, Subject } from '../subject.js';

/** What a run of the suite saw a driver do, as it is kept in `test/capabilities/results/`. Everything is sorted: the same run gives the same text. */
export interface Results {
  readonly subject: string;
  /** Fields that were asked for, accepted, and found to be so; with the words that were, where there is a choice of words. */
  readonly fields: Readonly<Record<string, readonly string[]>>;
  /** Fields that came to be so in what runs. */
  readonly live: readonly string[];
  /** Verbs that did what they were called for, as `power.pause`, and what was told, as `guests.hostname`. */
  readonly verbs: readonly string[];
  /** What was asked for by itself and refused: fields, or words of them as `disks.bus NVMe`. */
  readonly refused: readonly string[];
  /** What the subject states: checks that need it were skipped aloud, and show nothing. */
  readonly cannot: readonly Inability[];
  readonly without: readonly OptionalFacet[];
}

export class Shown {
  readonly #subject: Pick<Subject, 'name' | 'cannot' | 'without'>;
  readonly #fields = new Map<string, Set<string>>();
  readonly #live = new Set<string>();
  readonly #verbs = new Set<string>();
  readonly #refused = new Set<string>();

  constructor(subject: Pick<Subject, 'name' | 'cannot' | 'without'>) {
    this.#subject = subject;
  }

  /** Numbers are bounds, not words. */
  field(field: string, word?: string | number): void {
    const words = this.#fields.get(field) ?? new Set();
    if (typeof word === 'string') words.add(word);
    this.#fields.set(field, words);
  }

  live(field: string): void {
    this.#live.add(field);
  }

  verb(verb: string): void {
    this.#verbs.add(verb);
  }

  refused(field: string, word?: string | number): void {
    this.#refused.add(typeof word === 'string' ? `${field} ${word}` : field);
  }

  get results(): Results {
    const { name, cannot = [], without = [] } = this.#subject;
    return {
      subject: name,
      fields: Object.fromEntries([...this.#fields].sort(byKey).map(([field, words]) => [field, [...words].sort()])),
      live: [...this.#live].sort(),
      verbs: [...this.#verbs].sort(),
      refused: [...this.#refused].sort(),
      cannot: [...cannot].sort(),
      without: [...without].sort(),
    };
  }
}

const byKey = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);
