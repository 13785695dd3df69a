interface Subject {
  readonly metadata: { readonly uid: string; readonly generation?: number };
}

/** Remembers which objects are as declared, so that an act on one of them is known for what it is: something else has changed it. */
export class Drift {
  /** By uid, the generation that was reached. */
  readonly #reached = new Map<string, number | undefined>();

  /** `by`: the object that declares what this is to be, where it is not itself. */
  reached({ metadata }: Subject, by: Subject = { metadata }): void {
    this.#reached.set(metadata.uid, by.metadata.generation);
  }

  forget({ metadata }: Subject): void {
    this.#reached.delete(metadata.uid);
  }

  /** Once from each time that it was reached: the acts that follow are of the same correction. */
  takes({ metadata }: Subject, by: Subject = { metadata }): boolean {
    const { uid } = metadata;
    return this.#reached.has(uid) && this.#reached.get(uid) === by.metadata.generation && this.#reached.delete(uid);
  }
}

/** As status tells of it. */
export interface ToldDrift {
  readonly field: string;
  readonly declared: string;
  readonly found: string;
  readonly reason: string;
  readonly corrections?: number;
}

interface Telling {
  readonly drift?: readonly ToldDrift[];
}

const mostNamed = 8;

/** What of it was not told before, in one sentence. */
export function newDrift(before: Telling | undefined, after: Telling | undefined): string | undefined {
  const news = (after?.drift ?? []).filter(
    ({ field, found, corrections = 0 }) =>
      !(before?.drift ?? []).some((one) => one.field === field && one.found === found && (one.corrections ?? 0) >= corrections),
  );
  if (news.length === 0) return undefined;
  const told = news.slice(0, mostNamed).map(({ field, declared, found, reason, corrections = 0 }) => {
    const times = corrections > 1 ? ` (${corrections} times)` : '';
    return `${field}: ${found} found on the host, ${declared} declared; ${reason}${times}`;
  });
  return [...told, ...(news.length > mostNamed ? [`and ${news.length - mostNamed} more`] : [])].join('; ');
}
