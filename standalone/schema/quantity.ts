/** An exact amount, in units of 1e-9, which is as fine as Kubernetes keeps one. */
export class Quantity {
  readonly nanos: bigint;

  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}

const nanosIn: Readonly<Record<string, bigint>> = {
  n: 1n,
  u: 10n ** 3n,
  m: 10n ** 6n,
  '': 10n ** 9n,
  k: 10n ** 12n,
  M: 10n ** 15n,
  G: 10n ** 18n,
  T: 10n ** 21n,
  P: 10n ** 24n,
  E: 10n ** 27n,
  Ki: (10n ** 9n) << 10n,
  Mi: (10n ** 9n) << 20n,
  Gi: (10n ** 9n) << 30n,
  Ti: (10n ** 9n) << 40n,
  Pi: (10n ** 9n) << 50n,
  Ei: (10n ** 9n) << 60n,
};

const grammar =
  /^(?<sign>[+-]?)(?=\.?\d)(?<whole>\d*)(?:\.(?<fraction>\d*))?(?:(?<unit>[KMGTPE]i|[numkMGTPE])|[eE](?<exponent>[+-]?\d{1,2}))?$/;

/** Undefined for what is no quantity. What is finer than can be kept is rounded up, as Kubernetes does. */
export function parseQuantity(text: string): Quantity | undefined {
  const { sign, whole = '', fraction = '', unit = '', exponent = '0' } = (text.length > 64 ? null : grammar.exec(text))?.groups ?? {};
  if (sign === undefined) return undefined;
  const power = BigInt(exponent) - BigInt(fraction.length);
  const above = BigInt(whole + fraction) * (nanosIn[unit] ?? 0n) * 10n ** (power > 0n ? power : 0n);
  const below = 10n ** (power < 0n ? -power : 0n);
  const nanos = (above + below - 1n) / below;
  return new Quantity(sign === '-' ? -nanos : nanos);
}
