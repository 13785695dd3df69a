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

export interface Summary {
  /** Over the rounds. */
  readonly median: Figures;
  /** Of any round: as near as a machine with other work comes to a quiet one. */
  readonly best: Figures;
}

export function summarize(rounds: readonly Figures[]): Summary {
  const names = [...new Set(rounds.flatMap((round) => Object.keys(round)))];
  const each = (of: (values: readonly number[], name: string) => number): Figures =>
    Object.fromEntries(
      names.map((name) => [
        name,
        of(
          rounds.flatMap((round) => round[name] ?? []),
          name,
        ),
      ]),
    );
  return { median: each(median), best: each((values, name) => (name === measured.throughput ? Math.max : Math.min)(...values)) };
}

/** The medians of the one to those of the other, where both have them. */
export function ratios(one: Figures, other: Figures): Figures {
  return Object.fromEntries(
    Object.entries(one).flatMap(([name, value]) => (other[name] === undefined ? [] : [[name, value / other[name]]])),
  );
}
