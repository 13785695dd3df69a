/** Tells when nothing was heard for so long of a server that owes an answer. */
export class Silence implements Disposable {
  readonly #patienceMs: number;
  readonly #act: () => void;
  #timer: NodeJS.Timeout | undefined;
  #turn: NodeJS.Immediate | undefined;

  constructor(patienceMs: number, act: () => void) {
    this.#patienceMs = patienceMs;
    this.#act = act;
  }

  /** An answer is owed; where one was already, since then. */
  begin(): void {
    // What came while this process was held up is read first.
    this.#timer ??= setTimeout(() => {
      this.#turn = setImmediate(this.#act);
    }, this.#patienceMs);
  }

  /** Something came, after which another answer is owed or none. */
  heard(isOwed: boolean): void {
    this[Symbol.dispose]();
    if (isOwed) this.begin();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#turn);
    this.#timer = undefined;
  }
}
