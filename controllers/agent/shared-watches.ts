import { storagePools, virtualNetworks } from '#crds/types.js';
import { decodeNamespace, namespaces } from '../namespaces.js';
import { decoderOf, type Watching, watch } from '../watched.js';
import { watchFew } from './few.js';

/** From so many hosts on, it is less to see of some kinds what all hosts of the cluster have than to ask for each host of one's own. */
const many = 20;

/** What the objects of every host refer to alike; and, for an agent of many hosts, what each host has few of. */
function watchShared(common: Watching, hosts: number, signal: AbortSignal) {
  return {
    few: hosts < many ? undefined : watchFew(common, undefined, signal),
    pools: watch({ ...common, resource: storagePools, decode: decoderOf('StoragePool') }, signal),
    networks: watch({ ...common, resource: virtualNetworks, decode: decoderOf('VirtualNetwork') }, signal),
    namespaces: watch({ ...common, resource: namespaces, decode: decodeNamespace }, signal),
  };
}

interface Round {
  readonly watches: ReturnType<typeof watchShared>;
  readonly end: AbortController;
  users: number;
}

/** Watched once for all hosts of an agent, from the first that asks until none is left that does. Who subscribes does so with its own signal: the stores outlive it. */
export class SharedWatches {
  readonly #common: Watching;
  readonly #hosts: number;
  #round: Round | undefined;

  /** `hosts`: how many the agent has. */
  constructor(common: Watching, hosts: number) {
    this.#common = common;
    this.#hosts = hosts;
  }

  /** Until the signal. */
  for(signal: AbortSignal): Round['watches'] {
    this.#round ??= this.#begin();
    const round = this.#round;
    round.users += 1;
    if (signal.aborted) this.#leave(round);
    else signal.addEventListener('abort', () => this.#leave(round), { once: true });
    return round.watches;
  }

  /** Who asks from now on is told nothing from what was remembered before, as after the loss of a cluster. */
  renew(): void {
    this.#round = undefined;
  }

  #begin(): Round {
    const end = new AbortController();
    return { watches: watchShared(this.#common, this.#hosts, end.signal), end, users: 0 };
  }

  #leave(round: Round): void {
    round.users -= 1;
    if (round.users > 0) return;
    round.end.abort();
    if (this.#round === round) this.#round = undefined;
  }
}
