import { readAmount } from '#crds/quantity.js';

/** An exact amount, in units of 1e-9, which is as fine as Kubernetes keeps one. */
export class Quantity {
  readonly nanos: bigint;

  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}

/** Undefined for what is no quantity. What is finer than can be kept is rounded up, as Kubernetes does. */
export function parseQuantity(text: string): Quantity | undefined {
  const amount = readAmount(text);
  if (amount === undefined) return undefined;
  const { isNegative, above, below } = amount;
  const nanos = (above * 10n ** 9n + below - 1n) / below;
  return new Quantity(isNegative ? -nanos : nanos);
}
