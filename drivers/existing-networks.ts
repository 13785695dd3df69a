import type { Network, NetworkDefinition, NetworkId, NetworkShape, Networks } from './driver.js';
import { DriverError } from './error.js';

/** Networks as they are: whoever runs the host makes and unmakes them. */
export class ExistingNetworks implements Networks {
  readonly #what: string;
  readonly list: (signal: AbortSignal) => Promise<readonly Network[]>;

  /** `what`: what such a host calls networks, e.g. `port groups`. */
  constructor(what: string, list: (signal: AbortSignal) => Promise<readonly Network[]>) {
    this.#what = what;
    this.list = list;
  }

  async define({ nativeName }: NetworkDefinition, _signal: AbortSignal): Promise<NetworkId> {
    throw this.#unsupported(nativeName);
  }

  async start(id: NetworkId, _signal: AbortSignal): Promise<void> {
    throw this.#unsupported(id);
  }

  async update(id: NetworkId, _shape: NetworkShape, _signal: AbortSignal): Promise<void> {
    throw this.#unsupported(id);
  }

  async stop(id: NetworkId, _signal: AbortSignal): Promise<void> {
    throw this.#unsupported(id);
  }

  async undefine(id: NetworkId, _signal: AbortSignal): Promise<void> {
    throw this.#unsupported(id);
  }

  #unsupported(which: string): DriverError {
    return new DriverError(
      'Unsupported',
      `network "${which}": ${this.#what} are neither made nor unmade here; accepted: the name of one that exists`,
    );
  }
}
