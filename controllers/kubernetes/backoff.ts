export interface BackoffOptions {
  readonly firstMs: number;
  readonly maxMs: number;
  /** Gives [0, 1): for tests. */
  readonly random?: () => number;
}

/** The wait before try `failures + 1`: doubling from `firstMs` to `maxMs`, of which a random half is taken off so that many do not come together. */
export function backoffMs(failures: number, { firstMs, maxMs, random = Math.random }: BackoffOptions): number {
  const whole = Math.min(maxMs, firstMs * 2 ** Math.min(failures, 50));
  return whole * (0.5 + random() / 2);
}
