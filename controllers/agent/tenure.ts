/**
 * Whether a host is ours to work for, as its Lease says. An API server that is not reached takes nothing away until the Lease runs out: we may
 * be the only ones who do not reach it, and another may have the Lease then. The host's machines run on meanwhile.
 */
export class Tenure {
  readonly #identity: string;
  #lost: AbortController | undefined;
  #waiting: (() => void)[] = [];

  constructor(identity: string) {
    this.#identity = identity;
  }

  heldBy(holder: string): void {
    if (holder === this.#identity) this.#begin();
    else this.end();
  }

  end(): void {
    this.#lost?.abort();
    this.#lost = undefined;
  }

  #begin(): void {
    this.#lost ??= new AbortController();
    for (const begin of this.#waiting.splice(0)) begin();
  }

  /** Resolves once the host is ours, with the signal that it no longer is; or with the signal given, once that has ended. */
  async begun(signal: AbortSignal): Promise<AbortSignal> {
    while (this.#lost === undefined && !signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    return this.#lost?.signal ?? signal;
  }
}
