interface Subject {
  readonly metadata: { readonly uid: string; readonly generation?: number };
}

/** Remembers which objects are as declared, so that an act on one of them is known for what it is: something else has changed it. */
export class Drift {
  /** By uid, the generation that was reached. */
  readonly #reached = new Map<string, number | undefined>();

  reached({ metadata }: Subject): void {
    this.#reached.set(metadata.uid, metadata.generation);
  }

  forget({ metadata }: Subject): void {
    this.#reached.delete(metadata.uid);
  }

  /** Once from each time that it was reached: the acts that follow are of the same correction. */
  takes({ metadata }: Subject): boolean {
    const { uid, generation } = metadata;
    return this.#reached.has(uid) && this.#reached.get(uid) === generation && this.#reached.delete(uid);
  }
}
