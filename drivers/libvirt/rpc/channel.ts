interface Taker<T> {
  readonly resolve: (result: IteratorResult<T, undefined>) => void;
  readonly reject: (reason: unknown) => void;
}

/** A bounded queue between one that puts and one that iterates. What was put before the end is still delivered. */
export class Channel<T> implements AsyncIterableIterator<T> {
  readonly #capacity: number;
  #items: T[] = [];
  #takers: Taker<T>[] = [];
  #waitingForRoom: (() => void)[] = [];
  #ended = false;
  #error: unknown;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get full(): boolean {
    return this.#items.length >= this.#capacity;
  }

  /** Resolves when there is room for another; at once when nobody will read any more. */
  async put(item: T): Promise<void> {
    if (this.#ended) return;
    const taker = this.#takers.shift();
    if (taker !== undefined) return taker.resolve({ done: false, value: item });
    this.#items.push(item);
    if (this.full) await new Promise<void>((resolve) => this.#waitingForRoom.push(resolve));
  }

  /** No more will be put. With an error, iterating ends in it. */
  end(error?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    this.#letIn();
    for (const taker of this.#takers.splice(0)) this.#conclude(taker);
  }

  /** Drops what has not been read. */
  clear(): void {
    this.#items = [];
    this.#letIn();
  }

  next(): Promise<IteratorResult<T, undefined>> {
    return new Promise((resolve, reject) => this.#take({ resolve, reject }));
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    this.end();
    this.clear();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #take(taker: Taker<T>): void {
    const [item] = this.#items;
    if (item !== undefined) {
      this.#items.shift();
      this.#letIn();
      taker.resolve({ done: false, value: item });
    } else if (this.#ended) this.#conclude(taker);
    else this.#takers.push(taker);
  }

  /** An error is told once; after that there is just nothing more. */
  #conclude(taker: Taker<T>): void {
    const error = this.#error;
    this.#error = undefined;
    if (error !== undefined) taker.reject(error);
    else taker.resolve({ done: true, value: undefined });
  }

  #letIn(): void {
    for (const proceed of this.#waitingForRoom.splice(0)) proceed();
  }
}
