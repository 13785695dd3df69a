/** What becomes of something that is asked, in place of what it would. */
export type Trouble =
  /** The method, or the job that it starts, gives this code. */
  | { readonly kind: 'return'; readonly code: number }
  | { readonly kind: 'job'; readonly code: number; readonly message: string }
  /** The job that it starts does not end before that. */
  | { readonly kind: 'hold'; readonly until: Promise<void> }
  /** Whatever this does is done before it is. */
  | { readonly kind: 'meet'; readonly act: (what: string) => Promise<void> }
  /** Answered with a fault: access denied to this alone, a quota that is used up. */
  | { readonly kind: 'denied' }
  | { readonly kind: 'quota' }
  /** Answered by HTTP alone, as by a host whose envelopes are smaller: 413. */
  | { readonly kind: 'status'; readonly status: number }
  /** Answered with this, whatever it is. */
  | { readonly kind: 'reply'; readonly text: string }
  /** The connection breaks: before it is done, or after. */
  | { readonly kind: 'cut'; readonly when: 'before' | 'after' }
  /** Takes so many milliseconds longer. */
  | { readonly kind: 'slow'; readonly ms: number };

/** Faults to inject, by what is asked for: `Msvm_ComputerSystem.RequestStateChange`, `Pull`, or `*` for anything. */
export class Troubles {
  #pending: { readonly what: string; readonly trouble: Trouble; left: number }[] = [];

  /** Met the next so many times; until `calm`, when no number is given. */
  add(what: string, trouble: Trouble, times = Number.POSITIVE_INFINITY): void {
    this.#pending.unshift({ what, trouble, left: times });
  }

  calm(): void {
    this.#pending = [];
  }

  /** The trouble of one of these kinds that is met now, if there is one. */
  take<K extends Trouble['kind']>(what: string, ...kinds: readonly K[]): Extract<Trouble, { kind: K }> | undefined {
    const isMeant = (meant: string) => meant === '*' || what === meant || what.startsWith(`${meant} `) || what.endsWith(`.${meant}`);
    const found = this.#pending.find(
      (each) => each.left > 0 && isMeant(each.what) && (kinds as readonly string[]).includes(each.trouble.kind),
    );
    if (found === undefined) return undefined;
    found.left -= 1;
    return found.trouble as Extract<Trouble, { kind: K }>;
  }
}
