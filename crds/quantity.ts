/** Powers of the unit, written as the fraction numerator / denominator. */
const units: Readonly<Record<string, readonly [bigint, bigint]>> = {
  n: [1n, 10n ** 9n],
  u: [1n, 10n ** 6n],
  m: [1n, 1000n],
  '': [1n, 1n],
  k: [10n ** 3n, 1n],
  M: [10n ** 6n, 1n],
  G: [10n ** 9n, 1n],
  T: [10n ** 12n, 1n],
  P: [10n ** 15n, 1n],
  E: [10n ** 18n, 1n],
  Ki: [1n << 10n, 1n],
  Mi: [1n << 20n, 1n],
  Gi: [1n << 30n, 1n],
  Ti: [1n << 40n, 1n],
  Pi: [1n << 50n, 1n],
  Ei: [1n << 60n, 1n],
};

const grammar =
  /^(?<sign>[+-]?)(?=\.?\d)(?<whole>\d*)(?:\.(?<fraction>\d*))?(?:(?<unit>[KMGTPE]i|[numkMGTPE])|[eE](?<exponent>[+-]?\d{1,2}))?$/;
const longest = 64;

/** An amount as it was written: a fraction, and on which side of 0. */
export interface Amount {
  readonly isNegative: boolean;
  readonly above: bigint;
  readonly below: bigint;
}

/** Undefined for what is no quantity of Kubernetes. */
export function readAmount(text: string): Amount | undefined {
  const { sign, whole = '', fraction = '', unit = '', exponent = '0' } = (text.length > longest ? null : grammar.exec(text))?.groups ?? {};
  if (sign === undefined) return undefined;
  const [numerator, denominator] = units[unit] ?? [1n, 1n];
  const power = BigInt(exponent) - BigInt(fraction.length);
  const above = BigInt(whole + fraction) * numerator * 10n ** (power > 0n ? power : 0n);
  return { isNegative: sign === '-', above, below: denominator * 10n ** (power < 0n ? -power : 0n) };
}

/**
 * Reads a Kubernetes quantity such as `8Gi`, `1.5Gi`, `500M`, `1e9` or a plain number, exactly.
 * Throws a RangeError that quotes the input when it is no quantity, negative, not a whole number, or above 2^53 - 1.
 */
export function parseQuantity(text: string | number): number {
  const amount = readAmount(String(text));
  if (amount === undefined || amount.isNegative) throw unreadable(text, 'is no quantity');
  const { above, below } = amount;
  if (above % below !== 0n) throw unreadable(text, 'is not a whole number');
  if (above / below > BigInt(Number.MAX_SAFE_INTEGER)) throw unreadable(text, 'is too large');
  return Number(above / below);
}

function unreadable(text: string | number, what: string): RangeError {
  const given = JSON.stringify(text).slice(0, longest);
  return new RangeError(`${given} ${what}: accepted are whole numbers up to 2^53 - 1, plain or with a unit, such as 512Mi, 1.5Gi or 20G`);
}

/** The shortest exact quantity in binary units: `8Gi` for 8589934592. Throws a RangeError unless `bytes` is a whole number from 0 to 2^53 - 1. */
export function formatBytes(bytes: number): string {
  if (!Number.isSafeInteger(bytes) || bytes < 0)
    throw new RangeError(`${bytes} is no number of bytes: accepted are whole numbers from 0 to 2^53 - 1`);
  const unit = ['Pi', 'Ti', 'Gi', 'Mi', 'Ki'].find((name) => bytes > 0 && bytes % unitBytes(name) === 0);
  return unit ? `${bytes / unitBytes(unit)}${unit}` : String(bytes);
}

const unitBytes = (unit: string) => Number(units[unit]?.[0]);
