const longest = 50;

/** Names for objects: what the host calls things, in letters that Kubernetes takes, each once. */
export class Names {
  readonly #taken = new Set<string>();

  /** The same every time, as long as things come in the same order. */
  take(native: string): string {
    const name = labelOf(native);
    for (let count = 1; ; count++) {
      const candidate = count === 1 ? name : `${name}-${count}`;
      if (this.#taken.has(candidate)) continue;
      this.#taken.add(candidate);
      return candidate;
    }
  }
}

/** A DNS label. */
export function labelOf(native: string): string {
  const label = native
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, longest)
    .replaceAll(/^-+|-+$/g, '');
  return label === '' ? 'unnamed' : label;
}
