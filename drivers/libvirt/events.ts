import type { Events, HostEvent, NetworkId, PoolId } from '#drivers/driver.js';
import type { Daemon } from './daemon.js';
import { idOf } from './domains.js';
import type { RpcEvent } from './rpc/procedures.js';

export class LibvirtEvents implements Events {
  readonly #daemon: Daemon;

  constructor(daemon: Daemon) {
    this.#daemon = daemon;
  }

  /** The connection's stream begins with a gap, when everything has been asked for. */
  async *watch(signal: AbortSignal): AsyncGenerator<HostEvent, void, undefined> {
    for await (const event of this.#daemon.connection.events(signal)) yield hint(event);
  }
}

function hint(event: RpcEvent): HostEvent {
  if (event.kind === 'domain' && event.event === 'agent-lifecycle') return { kind: 'guest', id: idOf(event.domain) };
  if (event.kind === 'domain') return { kind: 'machine', id: idOf(event.domain) };
  if (event.kind === 'pool') return { kind: 'pool', id: event.pool.uuid as PoolId };
  if (event.kind === 'network') return { kind: 'network', id: event.network.uuid as NetworkId };
  return { kind: 'gap' };
}
