import type { Network, NetworkId, Networks } from '#drivers/driver.js';
import type { Daemon } from './daemon.js';
import { listNetworksFlags } from './rpc/flags.js';
import { connectListAllNetworks } from './rpc/procedures.js';
import type { NetworkHandle } from './rpc/types.js';

export class LibvirtNetworks implements Networks {
  readonly #daemon: Daemon;

  constructor(daemon: Daemon) {
    this.#daemon = daemon;
  }

  async list(signal: AbortSignal): Promise<readonly Network[]> {
    const [all, active] = await Promise.all([this.#handles(0, signal), this.#handles(listNetworksFlags.active, signal)]);
    const running = new Set(active.map(({ uuid }) => uuid));
    return all.map(({ name, uuid }) => ({ id: uuid as NetworkId, nativeName: name, active: running.has(uuid) }));
  }

  #handles(flags: number, signal: AbortSignal): Promise<readonly NetworkHandle[]> {
    return this.#daemon.ask(connectListAllNetworks, { elementsWanted: undefined, flags }, signal);
  }
}
