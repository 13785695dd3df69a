import type { Counts } from './counters.js';
import type { Usage } from './usage.js';

/** Seconds, of some waits. */
export interface Spread {
  readonly mean: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly most: number;
}

/** What all counters say at one moment, or have counted since another. */
export interface Counters {
  readonly writes: { readonly controller: Counts; readonly agents: Counts };
  readonly reads: Counts;
  /** Writes that the API server served, whoever asked. */
  readonly served: Counts;
  /** Seconds that the API server itself took over them. */
  readonly servedSeconds: Counts;
  readonly controller: Usage;
  readonly agents: Usage;
  readonly hosts: Usage;
  readonly apiServer: Usage;
}

/** What was measured in one part of the life. */
export interface Part extends Counters {
  readonly name: string;
  readonly seconds: number;
  /** The machine's, at its end: how many processes wanted to run over the last minute. */
  readonly load: number;
  readonly waits?: Spread;
}

/** By the nearest rank; not a number when there are none. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const rank = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean, p50: rank(0.5), p95: rank(0.95), p99: rank(0.99), most: rank(1) };
}

/** To three figures. */
export const short = (value: number): number => (Number.isFinite(value) ? Number(value.toPrecision(3)) : value);
