/** One way to bring the machines up; rounds of all contenders are run in turn. */
export interface Contender {
  readonly name: string;
  round(): Promise<Round>;
}

/** What one contender took in one round. Times are seconds since the contender was told to begin. */
export interface Round {
  /** Until the last guest was heard on its serial line. */
  readonly wall: number;
  readonly machines: readonly MachineTimes[];
  /** Totals of the round, by what was counted: `statusWrites`, `hypervisorCalls`. */
  readonly counts: Readonly<Record<string, number>>;
}

export interface MachineTimes {
  readonly uuid: string;
  /** The hypervisor runs it. */
  readonly started: number;
  /** Its guest was heard. */
  readonly ready: number;
}

export interface Summary {
  readonly contender: string;
  readonly rounds: number;
  /** Median over the rounds, in seconds, like the two below. */
  readonly wall: number;
  /** The median machine's time. */
  readonly started: number;
  readonly ready: number;
  /** Median over the rounds, per machine. */
  readonly countsPerMachine: Readonly<Record<string, number>>;
}

export function summarize(contender: string, rounds: readonly Round[]): Summary {
  return {
    contender,
    rounds: rounds.length,
    wall: median(rounds.map(({ wall }) => wall)),
    started: median(rounds.map(({ machines }) => median(machines.map(({ started }) => started)))),
    ready: median(rounds.map(({ machines }) => median(machines.map(({ ready }) => ready)))),
    countsPerMachine: medianCounts(rounds),
  };
}

function medianCounts(rounds: readonly Round[]): Record<string, number> {
  const names = new Set(rounds.flatMap(({ counts }) => Object.keys(counts)));
  const perMachine = ({ counts, machines }: Round, name: string): number => (counts[name] ?? 0) / machines.length;
  return Object.fromEntries([...names].map((name) => [name, median(rounds.map((round) => perMachine(round, name)))]));
}

/** Of two in the middle, their mean. Not a number when there are none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? Number.NaN;
  return Number.isInteger(middle) ? ((sorted[middle - 1] ?? Number.NaN) + upper) / 2 : upper;
}

/** The clock that the Python programs read, too: seconds of CLOCK_MONOTONIC. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e9;
}

/** The sum over all series of a counter whose labels have these values, in Prometheus' text format. */
export function sumOf(text: string, counter: string, labels: Readonly<Record<string, RegExp>> = {}): number {
  return text
    .split('\n')
    .map((line) => /^([\w:]+)(?:\{(.*)\})? (\S+)/.exec(line))
    .filter((series) => series?.[1] === counter && hasLabels(series[2] ?? '', labels))
    .reduce((sum, series) => sum + Number(series?.[3]), 0);
}

function hasLabels(text: string, wanted: Readonly<Record<string, RegExp>>): boolean {
  const labels = new Map(Array.from(text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g), ([, name, value]) => [name, value ?? '']));
  return Object.entries(wanted).every(([name, pattern]) => pattern.test(labels.get(name) ?? ''));
}
