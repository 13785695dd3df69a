import { Counter, Gauge, type Registry } from 'prom-client';

/** One series, and its value; what nobody tells, or is no amount, is no series. */
export type Sample<L extends string> = readonly [labels: Readonly<Record<L, string>>, value: number | undefined];

interface Metric {
  reset(): void;
}

/** Families whose series are reckoned at each scrape, from what there is then: of what is gone, nothing is left. */
export class Families<T> {
  readonly #registers: Registry[];
  readonly #read: () => Promise<readonly T[]>;

  /** `read` gives what is told of; all families of one scrape ask at the same time. */
  constructor(registry: Registry, read: () => Promise<readonly T[]>) {
    this.#registers = [registry];
    this.#read = read;
  }

  gauge<L extends string>(name: string, help: string, labelNames: readonly L[], samplesOf: (one: T) => Iterable<Sample<L>>): void {
    const fill = this.#fill.bind(this)<Gauge<L>, L>;
    new Gauge<L>({
      ...this.#described(name, help, labelNames),
      collect() {
        return fill(this, samplesOf, (labels, value) => this.set(labels, value));
      },
    });
  }

  /** Of what counts up by itself. */
  counter<L extends string>(name: string, help: string, labelNames: readonly L[], samplesOf: (one: T) => Iterable<Sample<L>>): void {
    const fill = this.#fill.bind(this)<Counter<L>, L>;
    new Counter<L>({
      ...this.#described(`${name}_total`, help, labelNames),
      collect() {
        return fill(this, samplesOf, (labels, value) => this.inc(labels, value));
      },
    });
  }

  #described<L extends string>(name: string, help: string, labelNames: readonly L[]) {
    return { name: `virtwright_${name}`, help, labelNames: [...labelNames], registers: this.#registers };
  }

  async #fill<M extends Metric, L extends string>(
    metric: M,
    samplesOf: (one: T) => Iterable<Sample<L>>,
    put: (labels: Readonly<Record<L, string>>, value: number) => void,
  ): Promise<void> {
    const all = await this.#read();
    // In one go from here on: another scrape may be under way.
    metric.reset();
    for (const one of all)
      for (const [labels, value] of samplesOf(one)) if (value !== undefined && value >= 0 && Number.isFinite(value)) put(labels, value);
  }
}
