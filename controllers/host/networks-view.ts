import { isDeepStrictEqual } from 'node:util';
import type { Driver, Network } from '#drivers/driver.js';
import { Batches } from './batches.js';

/** The networks of one host: few, and listed whole. */
export class NetworksView {
  readonly #driver: Pick<Driver, 'networks'>;
  readonly #signal: AbortSignal;
  readonly #onChange: () => void;
  #networks: readonly Network[] = [];
  readonly #lists = new Batches<'networks'>(() => this.#read());

  constructor(driver: Pick<Driver, 'networks'>, onChange: () => void, signal: AbortSignal) {
    this.#driver = driver;
    this.#onChange = onChange;
    this.#signal = signal;
    this.mark();
  }

  get all(): readonly Network[] {
    return this.#networks;
  }

  mark(): void {
    this.#lists.mark('networks');
  }

  settle(signal: AbortSignal): Promise<void> {
    return this.#lists.settle(signal);
  }

  async #read(): Promise<void> {
    const before = this.#networks;
    this.#networks = (await this.#driver.networks?.list(this.#signal)) ?? [];
    if (!isDeepStrictEqual(this.#networks, before)) this.#onChange();
  }
}
