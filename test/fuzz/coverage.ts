import { type Profiler, Session } from 'node:inspector';

/** Where the code of ours that is watched lies, by URL. */
const watched = /\/dist\/(drivers|controllers\/image)\//;

/** A block of our code: script, function, and where in the script it begins. */
export type Block = string;

/** V8's own account of which blocks of our code have run. */
export class Coverage implements Disposable {
  readonly #session = new Session();
  /** By script and function: where some block begins. V8 tells two blocks apart only once one ran without the other. */
  readonly #starts = new Map<string, Set<number>>();
  readonly #reached = new Set<Block>();

  constructor() {
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** The blocks that have run since the last look, and never before the last `learn`. */
  look(): readonly Block[] {
    return this.#taken()
      .filter(({ url }) => watched.test(url))
      .flatMap(({ url, functions }) => functions.flatMap((each) => this.#ran(`${url} ${each.ranges[0]?.startOffset}`, each.ranges)))
      .filter((block) => !this.#reached.has(block));
  }

  learn(blocks: readonly Block[]): void {
    for (const block of blocks) this.#reached.add(block);
  }

  [Symbol.dispose](): void {
    this.#session.disconnect();
  }

  /** Within a process the answer is there before the call returns. */
  #taken(): readonly Profiler.ScriptCoverage[] {
    let taken: readonly Profiler.ScriptCoverage[] = [];
    this.#session.post('Profiler.takePreciseCoverage', (error, answer) => {
      if (error !== null) throw error;
      taken = answer.result;
    });
    return taken;
  }

  #ran(of: string, ranges: readonly Profiler.CoverageRange[]): readonly Block[] {
    const starts = this.#starts.get(of) ?? new Set();
    this.#starts.set(of, starts);
    for (const { startOffset } of ranges) starts.add(startOffset);
    return [...starts].filter((start) => hasRun(start, ranges)).map((start) => `${of} ${start}`);
  }
}

/** Ranges lie within each other, the outer before the inner. */
function hasRun(at: number, ranges: readonly Profiler.CoverageRange[]): boolean {
  const innermost = ranges.findLast(({ startOffset, endOffset }) => startOffset <= at && at < endOffset);
  return (innermost?.count ?? 0) > 0;
}
