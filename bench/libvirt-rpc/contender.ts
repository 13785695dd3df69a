import { median } from '../apply-to-ready/measure.js';

/** What a contender took in one round, by what was measured: seconds, or calls a second. */
export type Figures = Readonly<Record<string, number>>;

/** One client of the daemon; rounds of all contenders are run in turn. */
export interface Contender extends AsyncDisposable {
  readonly name: string;
  round(): Promise<Figures>;
}

/** How much of everything is done in a round. */
export interface Load {
  /** One after the other. */
  readonly calls: number;
  /** As fast as they go. */
  readonly manyCalls: number;
}

/** What is measured: names of figures, as they are shown. */
export const measured = {
  latency: 'a call (us)',
  latencyCpu: 'its CPU (us)',
  throughput: 'calls a second',
  throughputCpu: 'CPU of each (us)',
  list: 'list of all (ms)',
  stats: 'states of all (ms)',
} as const;

/** Of each figure the median over the rounds. */
export function summarize(rounds: readonly Figures[]): Figures {
  const names = new Set(rounds.flatMap((round) => Object.keys(round)));
  return Object.fromEntries([...names].map((name) => [name, median(rounds.flatMap((round) => round[name] ?? []))]));
}

/** The medians of the one to those of the other, where both have them. */
export function ratios(one: Figures, other: Figures): Figures {
  return Object.fromEntries(
    Object.entries(one).flatMap(([name, value]) => (other[name] === undefined ? [] : [[name, value / other[name]]])),
  );
}
